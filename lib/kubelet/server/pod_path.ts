/** Pods and containers named in the paths of requests. */
import type { Pod } from '../../api/types.ts';
import type { ContainerRuntimeStatus } from '../contracts.ts';
import { RequestError } from './request_error.ts';
import type { KubeletView } from './view.ts';

export interface PodPath {
  readonly namespace: string;
  readonly name: string;
  /** Given by some old clients; must then match. */
  readonly uid?: string;
  readonly container: string;
}

// Names of pods and containers are DNS labels or subdomains; UIDs are hexadecimal with dashes.
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/**
 * Reads `/<what>/<namespace>/<pod>[/<uid>]/<container>`, or without the container.
 *
 * @returns undefined when the number of segments or a name is none of these: 404
 */
export function podPath(path: string, options: { container: boolean }): PodPath | undefined {
  const [, , namespace, name, ...rest] = path.split('/');
  const container = options.container ? rest.pop() : '';
  const [uid, ...more] = rest;
  if (namespace === undefined || name === undefined || container === undefined || more.length > 0)
    return undefined;
  const names = [
    namespace,
    name,
    ...(options.container ? [container] : []),
    ...(uid === undefined ? [] : [uid]),
  ];
  if (!names.every((n) => NAME.test(n))) return undefined;
  return { namespace, name, container, ...(uid === undefined ? {} : { uid }) };
}

/** @throws RequestError 404 */
export function findPod(view: KubeletView, path: PodPath, message: string): Pod {
  const pod = view.pods.podByName(path.namespace, path.name);
  if (pod === undefined || (path.uid !== undefined && pod.metadata.uid !== path.uid))
    throw new RequestError(404, message);
  return pod;
}

/** The running incarnation of a container. */
export function runningContainer(
  view: KubeletView,
  pod: Pod,
  name: string,
): ContainerRuntimeStatus | undefined {
  const containers = view.runtime.podStatus(pod.metadata.uid ?? '')?.containers ?? [];
  return containers.find((c) => c.name === name && c.state === 'running');
}
