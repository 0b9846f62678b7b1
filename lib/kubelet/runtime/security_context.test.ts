import type { Container, Pod, PodSecurityContext, SecurityContext } from '../../api/types.ts';
import {
  NamespaceMode,
  SecurityProfile_ProfileType as ProfileType,
  SupplementalGroupsPolicy,
} from '../../cri/generated/api.ts';
import {
  containerSecurityContext,
  type ImageUser,
  namespaceOptions,
  podIsPrivileged,
} from './security_context.ts';

const options = { seccompRoot: '/k/seccomp', seccompDefault: false };
const ROOT: ImageUser = { uid: 0, username: '' };

function make(
  own: SecurityContext = {},
  ofPod: PodSecurityContext = {},
  image: ImageUser = ROOT,
  more: Partial<typeof options> = {},
  volumeGroups: readonly number[] = [],
) {
  const container: Container = { name: 'c', image: 'i', securityContext: own };
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'ns', uid: 'u' },
    spec: { containers: [container], securityContext: ofPod },
  };
  return containerSecurityContext(pod, container, image, volumeGroups, { ...options, ...more }, undefined);
}

describe('K8: user', () => {
  test.each<[string, SecurityContext, PodSecurityContext, ImageUser, object]>([
    ["the container's", { runAsUser: 1 }, { runAsUser: 2 }, ROOT, { runAsUser: { value: 1n } }],
    ["the pod's", {}, { runAsUser: 2 }, ROOT, { runAsUser: { value: 2n } }],
    ["the image's number", {}, {}, { uid: 3, username: '' }, { runAsUser: { value: 3n } }],
    ["the image's name", {}, {}, { username: 'web' }, { runAsUsername: 'web' }],
    ['the group', { runAsUser: 1, runAsGroup: 5 }, {}, ROOT, { runAsGroup: { value: 5n } }],
  ])('%s', (_, own, ofPod, image, want) => expect(make(own, ofPod, image)).toMatchObject(want));
});

describe('K8: runAsNonRoot', () => {
  const who = '(pod: "p_ns(u)", container: c)';
  test.each<[string, SecurityContext, ImageUser, string]>([
    [
      'runAsUser 0',
      { runAsUser: 0 },
      { uid: 7, username: '' },
      `container's runAsUser breaks non-root policy ${who}`,
    ],
    ['image of root', {}, ROOT, `container has runAsNonRoot and image will run as root ${who}`],
    [
      'image of a name',
      {},
      { username: 'web' },
      `container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root ${who}`,
    ],
    ...[2 ** 32, 2 ** 31, -1].map((uid): [string, SecurityContext, ImageUser, string] => [
      `image of ${uid}, which overflows`,
      {},
      { uid, username: '' },
      `container has runAsNonRoot and image has user ${uid}, which is not between 0 and 2147483647, cannot verify user is non-root ${who}`,
    ]),
  ])('%s is refused', (_, own, image, message) => {
    expect(() => make({ ...own, runAsNonRoot: true }, {}, image)).toThrow(message);
  });

  test.each<[string, SecurityContext, ImageUser]>([
    ['runAsUser', { runAsUser: 7 }, ROOT],
    ['image of a number', {}, { uid: 7, username: '' }],
    ['the container says no to the pod', { runAsNonRoot: false }, ROOT],
  ])('%s is fine', (_, own, image) => {
    expect(() => make(own, { runAsNonRoot: true }, image)).not.toThrow();
  });
});

test.each<[string, SecurityContext, Partial<typeof options>, object]>([
  ['nothing said', {}, {}, { seccomp: { profileType: ProfileType.Unconfined } }],
  [
    'nothing said, seccompDefault',
    {},
    { seccompDefault: true },
    { seccomp: { profileType: ProfileType.RuntimeDefault } },
  ],
  [
    'privileged, seccompDefault',
    { privileged: true },
    { seccompDefault: true },
    { seccomp: { profileType: ProfileType.Unconfined } },
  ],
  [
    'RuntimeDefault',
    { seccompProfile: { type: 'RuntimeDefault' } },
    {},
    { seccompProfilePath: 'runtime/default' },
  ],
  [
    'Localhost',
    { seccompProfile: { type: 'Localhost', localhostProfile: 'a/b.json' } },
    {},
    { seccomp: { profileType: ProfileType.Localhost, localhostRef: '/k/seccomp/a/b.json' } },
  ],
])('K8: seccomp: %s', (_, own, more, want) => expect(make(own, {}, ROOT, more)).toMatchObject(want));

test.each<[string, SecurityContext, object]>([
  [
    'privileged sees all of /proc',
    { privileged: true },
    { privileged: true, maskedPaths: [], readonlyPaths: [] },
  ],
  ['procMount Unmasked', { procMount: 'Unmasked' }, { maskedPaths: [] }],
  ['allowPrivilegeEscalation false', { allowPrivilegeEscalation: false }, { noNewPrivs: true }],
  ['read-only root', { readOnlyRootFilesystem: true }, { readonlyRootfs: true }],
  [
    'capabilities',
    { capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } },
    { capabilities: { addCapabilities: ['NET_ADMIN'], dropCapabilities: ['ALL'] } },
  ],
])('K8: %s', (_, own, want) => expect(make(own)).toMatchObject(want));

test('K8: groups: supplemental, fsGroup and those of volumes, each once', () => {
  const { supplementalGroups } = make({}, { supplementalGroups: [1, 2], fsGroup: 2 }, ROOT, {}, [3, 1]);
  expect(supplementalGroups).toEqual([1n, 2n, 3n]);
});

test.each<[Partial<Pod['spec']>, object]>([
  [{}, { network: NamespaceMode.POD, ipc: NamespaceMode.POD, pid: NamespaceMode.CONTAINER }],
  [
    { hostNetwork: true, hostIPC: true, hostPID: true },
    { network: NamespaceMode.NODE, ipc: NamespaceMode.NODE, pid: NamespaceMode.NODE },
  ],
  [{ shareProcessNamespace: true }, { pid: NamespaceMode.POD }],
])('K8: namespaces of %j', (spec, want) => {
  expect(namespaceOptions({ metadata: { name: 'p' }, spec: { containers: [], ...spec } })).toMatchObject(
    want,
  );
});

test('K8: one privileged container makes the sandbox privileged', () => {
  const privileged = { name: 'i', image: 'i', securityContext: { privileged: true } };
  const spec = { containers: [{ name: 'c', image: 'i' }] };
  expect(podIsPrivileged({ metadata: { name: 'p' }, spec })).toBe(false);
  expect(podIsPrivileged({ metadata: { name: 'p' }, spec: { ...spec, initContainers: [privileged] } })).toBe(
    true,
  );
});

test.each<[string, PodSecurityContext, SecurityContext, object]>([
  [
    'groups of the pod, of its volumes and fsGroup, merged with those of the image',
    { supplementalGroups: [1, 2], fsGroup: 3 },
    {},
    { supplementalGroups: [1n, 2n, 3n, 9n], supplementalGroupsPolicy: SupplementalGroupsPolicy.Merge },
  ],
  [
    'only those that are named',
    { supplementalGroupsPolicy: 'Strict' },
    {},
    { supplementalGroupsPolicy: SupplementalGroupsPolicy.Strict },
  ],
  [
    "SELinux: the container's label before the pod's",
    { seLinuxOptions: { level: 's0:c1' } },
    { seLinuxOptions: { level: 's0:c2', type: 't' } },
    { selinuxOptions: { user: '', role: '', type: 't', level: 's0:c2' } },
  ],
  [
    'AppArmor: the profile of the runtime',
    { appArmorProfile: { type: 'RuntimeDefault' } },
    {},
    { apparmor: { profileType: ProfileType.RuntimeDefault }, apparmorProfile: 'runtime/default' },
  ],
  [
    "AppArmor: the container's profile of the node before the pod's",
    { appArmorProfile: { type: 'Unconfined' } },
    { appArmorProfile: { type: 'Localhost', localhostProfile: 'web' } },
    {
      apparmor: { profileType: ProfileType.Localhost, localhostRef: 'web' },
      apparmorProfile: 'localhost/web',
    },
  ],
])('K8: %s', (_, ofPod, own, want) => {
  const made = make(own, ofPod, ROOT, {}, [9]);
  expect({ ...made, supplementalGroups: made.supplementalGroups?.toSorted() }).toMatchObject(want);
});
