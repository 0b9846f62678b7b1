import type { Pod } from '../../api/types.ts';
import { type ContainerConfig, type Partially } from '../../cri/runtime_client.ts';
import { MountPropagation, Signal } from '../../cri/generated/api.ts';
import {
  type AnyContainer,
  ContainerConfigError,
  type ContainerDevice,
  type ContainerMount,
  type ExpandVariables,
} from '../contracts.ts';
import { containerResources, type ResourceOptions } from './linux_resources.ts';
import { containerAnnotations, containerLabels, containerLogName } from './runtime_names.ts';
import type { IdRange } from '../userns/user_namespaces.ts';
import {
  containerSecurityContext,
  idMappings,
  type ImageUser,
  type SecurityOptions,
} from './security_context.ts';

export interface ContainerInput {
  readonly pod: Pod;
  readonly container: AnyContainer;
  readonly restartCount: number;
  /** What the runtime calls the image (its id). */
  readonly imageRef: string;
  readonly imageUser: ImageUser;
  readonly env: ReadonlyMap<string, string>;
  readonly mounts: readonly ContainerMount[];
  /** What the runtime calls the images of image volumes, by volume. */
  readonly volumeImages: ReadonlyMap<string, string>;
  readonly devices: readonly ContainerDevice[];
  readonly volumeGroups: readonly number[];
  readonly security: SecurityOptions;
  readonly resources: ResourceOptions;
  /** Container whose processes an ephemeral container is to see. */
  readonly targetId: string | undefined;
  /** Ids of the pod's user namespace, `undefined` in the host's. */
  readonly users: IdRange | undefined;
  readonly expand: ExpandVariables;
}

const PROPAGATION = {
  private: MountPropagation.PROPAGATION_PRIVATE,
  'host-to-container': MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
  bidirectional: MountPropagation.PROPAGATION_BIDIRECTIONAL,
} as const;

/** @throws ContainerConfigError when the security context forbids the image */
export function containerConfig(input: ContainerInput): Partially<ContainerConfig> {
  const { pod, container, restartCount, env } = input;
  const expand = (words: readonly string[] | undefined): string[] =>
    (words ?? []).map((word) => input.expand(word, env));
  return {
    metadata: { name: container.name, attempt: restartCount },
    image: { image: input.imageRef, userSpecifiedImage: container.image ?? '' },
    command: expand(container.command),
    args: expand(container.args),
    workingDir: container.workingDir ?? '',
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, restartCount),
    envs: [...env].map(([key, value]) => ({ key, value: Buffer.from(value) })),
    mounts: input.mounts.map((mount) => ({
      containerPath: mount.containerPath,
      hostPath: mount.hostPath,
      ...imageMount(mount, input.volumeImages),
      readonly: mount.readonly,
      selinuxRelabel: mount.selinuxRelabel ?? false,
      propagation: PROPAGATION[mount.propagation],
      recursiveReadOnly: mount.recursiveReadOnly ?? false,
      // Volumes show the pod's ids, whatever the host's are.
      ...(input.users === undefined
        ? {}
        : { uidMappings: idMappings(input.users), gidMappings: idMappings(input.users) }),
    })),
    devices: input.devices.map(({ hostPath, containerPath, permissions }) => ({
      hostPath,
      containerPath,
      permissions,
    })),
    logPath: containerLogName(container.name, restartCount),
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    stopSignal: stopSignal(container.lifecycle?.stopSignal),
    linux: {
      resources: containerResources(pod, container, input.resources),
      securityContext: containerSecurityContext(
        pod,
        container,
        input.imageUser,
        input.volumeGroups,
        input.security,
        input.targetId,
        input.users,
      ),
    },
  };
}

/** @throws ContainerConfigError for a signal that CRI has no number for */
function stopSignal(name: string | undefined): Signal {
  if (name === undefined || name === '') return Signal.RUNTIME_DEFAULT;
  const known = Object.entries(Signal).find(([signal]) => signal === cri(name))?.[1];
  if (known !== undefined && known !== Signal.RUNTIME_DEFAULT) return known;
  throw new ContainerConfigError(`stopSignal ${JSON.stringify(name)} is no signal that the runtime knows`);
}

/** `SIGRTMIN+3` is `SIGRTMINPLUS3` in CRI. */
function cri(signal: string): string {
  return signal.replace('+', 'PLUS').replace('-', 'MINUS');
}

function imageMount(
  { image }: ContainerMount,
  images: ReadonlyMap<string, string>,
): { image?: { image: string }; imageSubPath?: string } {
  if (image === undefined) return {};
  return { image: { image: images.get(image.volume) ?? '' }, imageSubPath: image.subPath };
}
