import type { Container, Pod } from '../../api/types.ts';
import { initRestartsAfterFailure, restartsAfterExit, restartsAllAfterExit } from './restart_policy.ts';

const pod = (restartPolicy: string): Pod => ({
  metadata: { name: 'p' },
  spec: { restartPolicy, containers: [] },
});
const rule = (operator: string, values: number[], action = 'Restart') => ({
  action,
  exitCodes: { operator, values },
});
const withRules = (
  restartPolicy: string,
  ...restartPolicyRules: ReturnType<typeof rule>[]
): Partial<Container> => ({
  restartPolicy,
  restartPolicyRules,
});

test.each<[string, Partial<Container>, number, boolean]>([
  ['Always', {}, 0, true],
  ['OnFailure', {}, 0, false],
  ['OnFailure', {}, 1, true],
  ['Never', {}, 1, false],
  ['Always', { restartPolicy: 'Never' }, 1, false],
  ['Never', { restartPolicy: 'OnFailure' }, 1, true],
  ['Never', { restartPolicy: 'OnFailure' }, 0, false],
  ['Never', withRules('Never', rule('In', [42, 43])), 43, true],
  ['Never', withRules('Never', rule('In', [42])), 1, false],
  ['Never', withRules('Never', rule('NotIn', [1])), 2, true],
  ['Never', withRules('Never', rule('NotIn', [1])), 1, false],
  ['Never', withRules('OnFailure', rule('In', [42])), 1, true], // no rule: the policy
  ['Never', withRules('Never', rule('In', [7]), rule('In', [42])), 42, true],
  ['Never', withRules('Never', rule('In', [42], 'RestartAllContainers')), 42, true],
])('K4: pod %s, container %j, exit code %d: restarts %p', (ofPod, own, exitCode, want) => {
  expect(restartsAfterExit(pod(ofPod), { name: 'c', ...own }, exitCode)).toBe(want);
});

test.each<[string, Partial<Container>, boolean]>([
  ['Always', {}, true],
  ['Never', {}, false],
  ['Never', withRules('Never', rule('In', [1])), true],
  ['Always', { restartPolicy: 'Never' }, false],
])('K4: pod %s, init container %j that failed with 1: restarts %p', (ofPod, own, want) => {
  expect(initRestartsAfterFailure(pod(ofPod), { name: 'i', ...own }, 1)).toBe(want);
});

test.each<[ReturnType<typeof rule>[], number, boolean]>([
  [[rule('In', [42], 'RestartAllContainers')], 42, true],
  [[rule('In', [42], 'RestartAllContainers')], 1, false],
  [[rule('In', [42])], 42, false],
  [[rule('In', [42]), rule('NotIn', [1], 'RestartAllContainers')], 42, false], // the first that matches
])('K4: rules %j, exit code %d: all restart %p', (rules, exitCode, want) => {
  expect(restartsAllAfterExit({ name: 'c', ...withRules('Never', ...rules) }, exitCode)).toBe(want);
});
