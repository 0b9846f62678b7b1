/** Pods as a runtime has them, for tests. */
import type { ContainerRuntimeStatus, PodRuntimeStatus, SandboxRuntimeStatus } from '../contracts.ts';

/** A container that runs in the sandbox `s`. */
export function runtimeContainer(
  name: string,
  more: Partial<ContainerRuntimeStatus> = {},
): ContainerRuntimeStatus {
  return {
    id: `${name}-id`,
    name,
    sandboxId: 's',
    state: 'running',
    restartCount: 0,
    hash: '',
    createdAtMs: 0,
    startedAtMs: 0,
    finishedAtMs: 0,
    exitCode: 0,
    reason: '',
    message: '',
    image: '',
    imageId: '',
    logPath: '',
    labels: {},
    annotations: {},
    ...more,
  };
}

/** The sandbox `s`, ready, with an address. */
export function runtimeSandbox(more: Partial<SandboxRuntimeStatus> = {}): SandboxRuntimeStatus {
  return {
    id: 's',
    state: 'ready',
    attempt: 0,
    createdAtMs: 0,
    ips: ['10.0.0.1'],
    hostNetwork: false,
    labels: {},
    annotations: {},
    ...more,
  };
}

/** The pod `ns/p` of uid `u` in one ready sandbox. */
export function runtimePod(
  containers: readonly ContainerRuntimeStatus[],
  more: Partial<PodRuntimeStatus> = {},
): PodRuntimeStatus {
  return { uid: 'u', namespace: 'ns', name: 'p', sandboxes: [runtimeSandbox()], containers, ...more };
}
