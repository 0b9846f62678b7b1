import { daemonSetProblem, deploymentProblem, nodeProblem, staleProblem } from './readiness.ts';

const deployment = (status: object, generation = 2): object => ({
  metadata: { generation },
  spec: { replicas: 2 },
  status: { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2, ...status },
});

test.each([
  [deployment({}), undefined],
  [deployment({}, 3), 'not looked at yet'],
  [deployment({ updatedReplicas: 1 }), '1 of 2 pods are of the new version'],
  [deployment({ availableReplicas: undefined }), '0 of 2 pods are available'],
  [deployment({ replicas: 3 }), 'old pods are still there'],
])('deployment %j: %s', (object, want) => {
  expect(deploymentProblem(object)).toBe(want);
});

test.each([
  [{ desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 }, undefined],
  [{ desiredNumberScheduled: 0 }, 'no node wants it yet'],
  [
    { desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberAvailable: 2 },
    '1 of 2 pods are of the new version',
  ],
  [{ desiredNumberScheduled: 2, updatedNumberScheduled: 2 }, '0 of 2 pods are available'],
])('daemon set %j: %s', (status, want) => {
  expect(
    daemonSetProblem({ metadata: { generation: 1 }, status: { observedGeneration: 1, ...status } }),
  ).toBe(want);
});

test.each([
  [{ type: 'Ready', status: 'True', message: 'fine' }, undefined],
  [{ type: 'Ready', status: 'False', message: 'no network' }, 'no network'],
  [{ type: 'DiskPressure', status: 'True' }, 'it has no Ready condition yet'],
])('node %j: %s', (condition, want) => {
  expect(nodeProblem({ status: { conditions: [condition] } })).toBe(want);
});

const LATE = 'its new kubelet has not been heard of yet';
test.each([
  ['the lease', '2026-11-21T12:00:05.000000Z', '2026-11-21T11:00:00Z', undefined],
  ['the status of the same second', undefined, '2026-11-21T12:00:01Z', undefined],
  ['the former kubelet only', '2026-11-21T11:59:59.000000Z', '2026-11-21T12:00:00Z', LATE],
  ['nobody', undefined, undefined, LATE],
])('heard of a kubelet since 12:00:01.5 by %s', (_, renewTime, lastHeartbeatTime, want) => {
  const node = { status: { conditions: [{ type: 'Ready', lastHeartbeatTime }] } };
  expect(staleProblem(node, { spec: { renewTime } }, '2026-11-21T12:00:01.500Z')).toBe(want);
});

test('a kubelet without a record is taken at its word', () => {
  expect(staleProblem({}, undefined, undefined)).toBeUndefined();
});
