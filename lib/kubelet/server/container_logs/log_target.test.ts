import type { ContainerStatus, Pod, PodStatus } from '../../../api/types.ts';
import { logContainerId } from './log_target.ts';

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'u' },
  spec: { containers: [{ name: 'app' }], initContainers: [{ name: 'init' }] },
};

function status(fields: Partial<ContainerStatus>): PodStatus {
  return {
    containerStatuses: [{ name: 'app', image: '', imageID: '', ready: false, restartCount: 0, ...fields }],
  };
}

const ended = (id: string) => ({ terminated: { exitCode: 1, containerID: id } });

test.each([
  [
    'the running one',
    status({ state: { running: {} }, containerID: 'containerd://now', lastState: ended('containerd://old') }),
    false,
    'now',
  ],
  ['the one that ended', status({ state: ended('containerd://now') }), false, 'now'],
  [
    'the last one while waiting for a restart',
    status({ state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: ended('containerd://old') }),
    false,
    'old',
  ],
  [
    'the one before',
    status({ state: { running: {} }, containerID: 'containerd://now', lastState: ended('containerd://old') }),
    true,
    'old',
  ],
])('K24: %s', (_, podStatus, previous, id) => {
  expect(logContainerId(pod, podStatus, 'app', previous)).toBe(id);
});

test.each([
  ['a name the pod has not', status({}), 'nope', false, 404, 'container "nope" not found in pod "web"'],
  [
    'a container without status',
    status({}),
    'init',
    false,
    400,
    'container "init" in pod "web" is not available',
  ],
  ['a pod without status', undefined, 'app', false, 400, 'container "app" in pod "web" is not available'],
  [
    'a container being created',
    status({ state: { waiting: { reason: 'ContainerCreating' } } }),
    'app',
    false,
    400,
    'container "app" in pod "web" is waiting to start: ContainerCreating',
  ],
  [
    'a container whose image cannot be pulled',
    status({ state: { waiting: { reason: 'ImagePullBackOff' } } }),
    'app',
    false,
    400,
    'container "app" in pod "web" is waiting to start: trying and failing to pull image',
  ],
  [
    'no incarnation before',
    status({ state: { running: {} }, containerID: 'containerd://now' }),
    'app',
    true,
    400,
    'previous terminated container "app" in pod "web" not found',
  ],
])('K24: %s is refused', (_, podStatus, name, previous, code, message) => {
  let refusal: unknown;
  try {
    logContainerId(pod, podStatus, name, previous);
  } catch (err) {
    refusal = err;
  }
  expect(refusal).toMatchObject({ status: code, message });
});
