import type { Pod, PodCondition } from '../api/types.ts';
import { podScheduledPatch } from './pod_condition.ts';
import { pod } from './testing/objects.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const withCondition = (condition: Partial<PodCondition>): Pod => ({
  ...pod('p', { metadata: { generation: 1 } }),
  status: {
    conditions: [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: 'm',
        lastTransitionTime: '2026-01-01T00:00:00Z',
        observedGeneration: 1,
        ...condition,
      },
    ],
  },
});

test('S6: the first refusal sets the condition with the present time', () => {
  const patch = podScheduledPatch(pod('p', { metadata: { generation: 3 } }), 'Unschedulable', 'm', NOW);
  expect(patch?.status.conditions).toEqual([
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: 'm',
      lastTransitionTime: '2026-01-02T03:04:05Z',
      observedGeneration: 3,
    },
  ]);
});

test('S6: the same refusal again writes nothing', () => {
  expect(podScheduledPatch(withCondition({}), 'Unschedulable', 'm', NOW)).toBeUndefined();
});

test.each([
  ['message', withCondition({ message: 'other' }), '2026-01-01T00:00:00Z'],
  ['reason', withCondition({ reason: 'SchedulerError' }), '2026-01-01T00:00:00Z'],
  ['status', withCondition({ status: 'True' }), '2026-01-02T03:04:05Z'],
])('S6: another %s is written; the time moves only with the status', (_name, subject, time) => {
  const [condition] = podScheduledPatch(subject, 'Unschedulable', 'm', NOW)?.status.conditions ?? [];
  expect(condition).toMatchObject({ reason: 'Unschedulable', message: 'm', lastTransitionTime: time });
});
