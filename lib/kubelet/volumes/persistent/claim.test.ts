import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../../api/types.ts';
import { boundVolumeName, checkVolume, claimNameOf, volumeGroups } from './claim.ts';

const byClaim: Volume = { name: 'data', persistentVolumeClaim: { claimName: 'c' } };
const ephemeral: Volume = { name: 'data', ephemeral: {} };
const node: Node = { metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1' } } };

function pod(over: { mount?: boolean; device?: boolean } = { mount: true }): Pod {
  return {
    metadata: { name: 'p', namespace: 'ns', uid: 'pod-uid' },
    spec: {
      containers: [
        {
          name: 'c',
          volumeMounts: over.mount === true ? [{ name: 'data', mountPath: '/data' }] : [],
          volumeDevices: over.device === true ? [{ name: 'data', devicePath: '/dev/x' }] : [],
        },
      ],
    },
  };
}

function claim(over: Partial<PersistentVolumeClaim> = {}): PersistentVolumeClaim {
  return {
    metadata: { name: 'c', namespace: 'ns', uid: 'claim-uid' },
    spec: { volumeName: 'pv' },
    status: { phase: 'Bound' },
    ...over,
  };
}

function pv(spec: PersistentVolume['spec'] = {}): PersistentVolume {
  return { metadata: { name: 'pv' }, spec: { claimRef: { uid: 'claim-uid' }, ...spec } };
}

test('the claim is named by the volume, or made for the pod and volume', () => {
  expect(claimNameOf(pod(), byClaim)).toBe('c');
  expect(claimNameOf(pod(), ephemeral)).toBe('p-data');
  expect(claimNameOf(pod(), { name: 'x', emptyDir: {} })).toBeUndefined();
});

const owned = (uid: string): PersistentVolumeClaim['metadata'] => ({
  name: 'p-data',
  namespace: 'ns',
  ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid, controller: true }],
});

test.each<[string, PersistentVolumeClaim, Volume, string]>([
  ['bound', claim(), byClaim, 'pv'],
  ['owned by the pod', claim({ metadata: owned('pod-uid') }), ephemeral, 'pv'],
  [
    'pending',
    claim({ status: { phase: 'Pending' } }),
    byClaim,
    'error processing PVC ns/c: PVC is not bound',
  ],
  ['lost', claim({ status: { phase: 'Lost' } }), byClaim, 'error processing PVC ns/c: PVC is not bound'],
  ['bound to nothing', claim({ spec: {} }), byClaim, 'error processing PVC ns/c: PVC is not bound'],
  [
    'being deleted',
    claim({ metadata: { name: 'c', namespace: 'ns', deletionTimestamp: '2026-01-01T00:00:00Z' } }),
    byClaim,
    'error processing PVC ns/c: PVC is being deleted',
  ],
  [
    'of another pod of the same name',
    claim({ metadata: owned('other-uid') }),
    ephemeral,
    'error processing PVC ns/p-data: PVC ns/p-data was not created for pod ns/p (pod is not owner)',
  ],
])('a claim that is %s', (_what, object, volume, expected) => {
  const result = (): string => {
    try {
      return boundVolumeName(object, pod(), volume);
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  };
  expect(result()).toBe(expected);
});

const onNode = (name: string) => ({
  nodeAffinity: {
    required: {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [name] }] },
      ],
    },
  },
});

test.each<[string, PersistentVolume, Pod, string | undefined]>([
  ['right', pv(), pod(), undefined],
  ['on this node', pv(onNode('n1')), pod(), undefined],
  ['block as device', pv({ volumeMode: 'Block' }), pod({ device: true }), undefined],
  [
    'on another node',
    pv(onNode('n2')),
    pod(),
    'PersistentVolume "pv" cannot be used on node "n1": its node affinity does not match',
  ],
  [
    'of another claim',
    pv({ claimRef: { uid: 'old-uid' } }),
    pod(),
    'found PV object pv but its pv.Spec.ClaimRef.UID old-uid does not point to claim.UID claim-uid',
  ],
  [
    'block, mounted',
    pv({ volumeMode: 'Block' }),
    pod(),
    'volume data has volumeMode Block, but is specified in volumeMounts',
  ],
  [
    'a file system, as device',
    pv(),
    pod({ device: true }),
    'volume data has volumeMode Filesystem, but is specified in volumeDevices',
  ],
])('a volume that is %s', (_what, volume, user, message) => {
  const check = (): void => checkVolume(volume, claim(), user, 'data', node);
  if (message === undefined) expect(check).not.toThrow();
  else expect(check).toThrow(new Error(message));
});

test.each([
  ['1234', [1234]],
  ['-1', []],
  ['root', []],
])('group %s of a volume', (gid, groups) => {
  const annotations = { 'pv.beta.kubernetes.io/gid': gid };
  expect(volumeGroups({ metadata: { name: 'pv', annotations } })).toEqual(groups);
});
