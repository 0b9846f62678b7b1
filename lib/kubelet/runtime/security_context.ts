/** The pod's and the container's security context to CRI's, checked against the image's user. */
import type { Container, Pod, SecurityContext } from '../../api/types.ts';
import type {
  LinuxContainerSecurityContext,
  NamespaceOption,
  Partially,
  SecurityProfile,
} from '../../cri/runtime_client.ts';
import {
  NamespaceMode,
  SecurityProfile_ProfileType as ProfileType,
  SupplementalGroupsPolicy,
} from '../../cri/generated/api.ts';
import { type AnyContainer, ContainerConfigError } from '../contracts.ts';
import type { IdRange } from '../userns/user_namespaces.ts';

/** Who the image says runs in it: `uid` when its USER is a number, else the name. */
export interface ImageUser {
  readonly uid?: number | undefined;
  readonly username: string;
}

const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Namespaces of the pod. */
export function namespaceOptions(pod: Pod, users?: IdRange): Partially<NamespaceOption> {
  return {
    ...(users === undefined
      ? {}
      : { usernsOptions: { mode: NamespaceMode.POD, uids: idMappings(users), gids: idMappings(users) } }),
    network: pod.spec.hostNetwork === true ? NamespaceMode.NODE : NamespaceMode.POD,
    ipc: pod.spec.hostIPC === true ? NamespaceMode.NODE : NamespaceMode.POD,
    pid:
      pod.spec.hostPID === true
        ? NamespaceMode.NODE
        : pod.spec.shareProcessNamespace === true
          ? NamespaceMode.POD
          : NamespaceMode.CONTAINER,
  };
}

/** CRI's form of a pod's range of ids. */
export function idMappings({
  hostId,
  length,
}: IdRange): { hostId: number; containerId: number; length: number }[] {
  return [{ hostId, containerId: 0, length }];
}

/** The container's fields over the pod's. */
function effective(pod: Pod, container: AnyContainer): SecurityContext {
  const ofPod = pod.spec.securityContext ?? {};
  const own: SecurityContext = container.securityContext ?? {};
  const merged = {
    runAsUser: own.runAsUser ?? ofPod.runAsUser,
    runAsGroup: own.runAsGroup ?? ofPod.runAsGroup,
    runAsNonRoot: own.runAsNonRoot ?? ofPod.runAsNonRoot,
    seccompProfile: own.seccompProfile ?? ofPod.seccompProfile,
    appArmorProfile: own.appArmorProfile ?? ofPod.appArmorProfile,
    seLinuxOptions: own.seLinuxOptions ?? ofPod.seLinuxOptions,
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- absent fields are absent again, as in the API
  return Object.fromEntries(
    Object.entries({ ...own, ...merged }).filter(([, value]) => value !== undefined),
  ) as SecurityContext;
}

export interface SecurityOptions {
  /** `<root-dir>/seccomp`: where Localhost profiles lie. */
  readonly seccompRoot: string;
  /** `seccompDefault`: RuntimeDefault where the pod names nothing. */
  readonly seccompDefault: boolean;
}

/**
 * @throws ContainerConfigError when runAsNonRoot is violated, or cannot be verified
 */
export function containerSecurityContext(
  pod: Pod,
  container: AnyContainer,
  image: ImageUser,
  volumeGroups: readonly number[],
  options: SecurityOptions,
  targetId: string | undefined,
  users?: IdRange,
): Partially<LinuxContainerSecurityContext> {
  const context = effective(pod, container);
  verifyNonRoot(pod, container, context, image);
  const namespaces = namespaceOptions(pod, users);
  const privileged = context.privileged === true;
  const unmasked = context.procMount === 'Unmasked' || privileged;
  const ofPod = pod.spec.securityContext;
  const user =
    context.runAsUser !== undefined
      ? { runAsUser: { value: BigInt(context.runAsUser) } }
      : image.uid !== undefined
        ? { runAsUser: { value: BigInt(image.uid) } }
        : { runAsUsername: image.username };
  return {
    ...user,
    runAsGroup: context.runAsGroup === undefined ? undefined : { value: BigInt(context.runAsGroup) },
    privileged,
    readonlyRootfs: context.readOnlyRootFilesystem === true,
    noNewPrivs: context.allowPrivilegeEscalation === false,
    capabilities: {
      addCapabilities: [...(context.capabilities?.add ?? [])],
      dropCapabilities: [...(context.capabilities?.drop ?? [])],
    },
    namespaceOptions:
      targetId === undefined ? namespaces : { ...namespaces, pid: NamespaceMode.TARGET, targetId },
    selinuxOptions: selinux(context),
    supplementalGroups: supplementalGroups(pod, volumeGroups),
    supplementalGroupsPolicy:
      ofPod?.supplementalGroupsPolicy === 'Strict'
        ? SupplementalGroupsPolicy.Strict
        : SupplementalGroupsPolicy.Merge,
    maskedPaths: unmasked ? [] : MASKED_PATHS,
    readonlyPaths: unmasked ? [] : READONLY_PATHS,
    ...seccomp(privileged ? undefined : context.seccompProfile, privileged, options),
    ...appArmor(context, pod, container),
  };
}

/** Seccomp in both of CRI's forms. */
export function seccomp(
  profile: SecurityContext['seccompProfile'],
  privileged: boolean,
  options: SecurityOptions,
): { seccomp: Partially<SecurityProfile>; seccompProfilePath: string } {
  const type = profile?.type ?? (options.seccompDefault && !privileged ? 'RuntimeDefault' : 'Unconfined');
  switch (type) {
    case 'RuntimeDefault':
      return {
        seccomp: { profileType: ProfileType.RuntimeDefault },
        seccompProfilePath: 'runtime/default',
      };
    case 'Localhost': {
      const file = `${options.seccompRoot}/${profile?.localhostProfile ?? ''}`;
      return {
        seccomp: { profileType: ProfileType.Localhost, localhostRef: file },
        seccompProfilePath: `localhost/${file}`,
      };
    }
    default:
      return { seccomp: { profileType: ProfileType.Unconfined }, seccompProfilePath: 'unconfined' };
  }
}

function appArmor(
  context: SecurityContext,
  pod: Pod,
  container: AnyContainer,
): { apparmor?: Partially<SecurityProfile>; apparmorProfile?: string } {
  const annotation = appArmorAnnotation(pod, container);
  switch (appArmorType(pod, container, context)) {
    case 'RuntimeDefault':
      return { apparmor: { profileType: ProfileType.RuntimeDefault }, apparmorProfile: 'runtime/default' };
    case 'Unconfined':
      return { apparmor: { profileType: ProfileType.Unconfined }, apparmorProfile: 'unconfined' };
    case 'Localhost': {
      const name = context.appArmorProfile?.localhostProfile ?? annotation?.slice('localhost/'.length) ?? '';
      return {
        apparmor: { profileType: ProfileType.Localhost, localhostRef: name },
        apparmorProfile: `localhost/${name}`,
      };
    }
    case undefined:
      break;
  }
  return {};
}

function appArmorAnnotation(pod: Pod, { name }: AnyContainer): string | undefined {
  return pod.metadata.annotations?.[`container.apparmor.security.beta.kubernetes.io/${name}`];
}

/** Type of the profile that the container asks for: its own, else that of the pod, else that of the annotation. */
export function appArmorType(
  pod: Pod,
  container: AnyContainer,
  context: SecurityContext = effective(pod, container),
): string | undefined {
  if (context.appArmorProfile !== undefined) return context.appArmorProfile.type;
  const annotation = appArmorAnnotation(pod, container);
  if (annotation === 'runtime/default') return 'RuntimeDefault';
  if (annotation === 'unconfined') return 'Unconfined';
  return annotation?.startsWith('localhost/') === true ? 'Localhost' : undefined;
}

function selinux(context: SecurityContext): LinuxContainerSecurityContext['selinuxOptions'] {
  const options = context.seLinuxOptions;
  if (options === undefined) return undefined;
  const { user = '', role = '', type = '', level = '' } = options;
  return { user, role, type, level };
}

export function supplementalGroups(pod: Pod, volumeGroups: readonly number[]): bigint[] {
  const ofPod = pod.spec.securityContext;
  const groups = [...(ofPod?.supplementalGroups ?? [])];
  if (ofPod?.fsGroup !== undefined) groups.push(ofPod.fsGroup);
  groups.push(...volumeGroups);
  return [...new Set(groups)].map(BigInt);
}

/** Runtimes before CVE-2024-40635 was mended take a larger number of an image modulo 2^32: 4294967296 runs as root. */
const MAX_UID = 2 ** 31 - 1;

function verifyNonRoot(pod: Pod, container: AnyContainer, context: SecurityContext, image: ImageUser): void {
  if (context.runAsNonRoot !== true) return;
  const who = `pod: "${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid ?? ''})", container: ${container.name}`;
  if (context.runAsUser !== undefined) {
    if (context.runAsUser !== 0) return;
    throw new ContainerConfigError(`container's runAsUser breaks non-root policy (${who})`);
  }
  if (image.uid === 0) {
    throw new ContainerConfigError(`container has runAsNonRoot and image will run as root (${who})`);
  }
  if (image.uid !== undefined && (image.uid < 0 || image.uid > MAX_UID)) {
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has user ${image.uid}, which is not between 0 and ${MAX_UID}, cannot verify user is non-root (${who})`,
    );
  }
  if (image.uid === undefined && image.username !== '') {
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root (${who})`,
    );
  }
}

/** Whether anything in the pod is privileged: its sandbox then is as well. */
export function podIsPrivileged(pod: Pod): boolean {
  const all: readonly Pick<Container, 'securityContext'>[] = [
    ...(pod.spec.initContainers ?? []),
    ...pod.spec.containers,
    ...(pod.spec.ephemeralContainers ?? []),
  ];
  return all.some((container) => container.securityContext?.privileged === true);
}
