/** Which incarnation of a container a log request means. */
import type { ContainerStatus, Pod, PodStatus } from '../../../api/types.ts';
import { RequestError } from '../request_error.ts';

/**
 * The bare runtime id of the container whose log is wanted: the running one, else the one that ended last; with
 * `previous` the incarnation before.
 *
 * @throws RequestError 404 for a name that the pod has not, 400 while there is no log, with the words kubectl shows
 */
export function logContainerId(
  pod: Pod,
  status: PodStatus | undefined,
  name: string,
  previous: boolean,
): string {
  const podName = pod.metadata.name;
  if (!containerNames(pod).includes(name))
    throw new RequestError(404, `container ${quote(name)} not found in pod ${quote(podName)}`);
  const found = statusOf(status, name);
  if (found === undefined)
    throw new RequestError(400, `container ${quote(name)} in pod ${quote(podName)} is not available`);
  const { state, lastState } = found;
  const last = bareId(lastState?.terminated?.containerID);
  if (previous) {
    if (last === '')
      throw new RequestError(
        400,
        `previous terminated container ${quote(name)} in pod ${quote(podName)} not found`,
      );
    return last;
  }
  const current =
    state?.running === undefined ? bareId(state?.terminated?.containerID) : bareId(found.containerID);
  if (current !== '') return current;
  // Waiting to be started again: what the last run said is what explains it.
  if (last !== '') return last;
  if (state?.terminated !== undefined)
    throw new RequestError(400, `container ${quote(name)} in pod ${quote(podName)} is terminated`);
  const waiting = state?.waiting?.reason ?? '';
  const why = IMAGE_TROUBLE.has(waiting)
    ? `image can't be pulled`
    : PULL_TROUBLE.has(waiting)
      ? 'trying and failing to pull image'
      : waiting || 'ContainerCreating';
  throw new RequestError(
    400,
    `container ${quote(name)} in pod ${quote(podName)} is waiting to start: ${why}`,
  );
}

const PULL_TROUBLE = new Set(['ErrImagePull', 'ImagePullBackOff']);
const IMAGE_TROUBLE = new Set(['ErrImageNeverPull']);

function containerNames({ spec }: Pod): string[] {
  const containers = [
    ...spec.containers,
    ...(spec.initContainers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ];
  return containers.map((c) => c.name);
}

function statusOf(status: PodStatus | undefined, name: string): ContainerStatus | undefined {
  return [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ].find((s) => s.name === name);
}

/** `containerd://ID` without the runtime's name. */
function bareId(id: string | undefined): string {
  return id?.split('://').at(-1) ?? '';
}

function quote(text: string | undefined): string {
  return JSON.stringify(text ?? '');
}
