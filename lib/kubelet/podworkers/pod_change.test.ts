import type { Pod, PodStatus } from '../../api/types.ts';
import { podChange } from './pod_change.ts';

const status: PodStatus = {
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
};
const pod = (
  metadata: Partial<Pod['metadata']> = {},
  spec: Partial<Pod['spec']> = {},
  now = status,
): Pod => ({
  metadata: { name: 'p', namespace: 'ns', uid: 'u', ...metadata },
  spec: { containers: [{ name: 'a', image: 'i:1' }], ...spec },
  status: now,
});
const gate = { type: 'example.com/gate', status: 'True' };

test.each<[string, Pod, PodStatus | undefined, string]>([
  ['the patch of the kubelet', pod({ resourceVersion: '2' }), status, 'echo'],
  ['nothing was written yet', pod(), undefined, 'status'],
  ['an older patch', pod({}, {}, { ...status, phase: 'Pending' }), status, 'status'],
  [
    'a condition of somebody else',
    pod({}, {}, { ...status, conditions: [...(status.conditions ?? []), gate] }),
    status,
    'status',
  ],
  ['a label', pod({ labels: { a: 'b' } }), status, 'pod'],
  ['deletion', pod({ deletionTimestamp: '2026-01-01T00:00:00Z' }), status, 'pod'],
  ['a shorter grace period', pod({ deletionGracePeriodSeconds: 1 }), status, 'pod'],
  ['another image', pod({}, { containers: [{ name: 'a', image: 'i:2' }] }), status, 'pod'],
  ['a finalizer, which is nothing to a kubelet', pod({ finalizers: ['x/y'] }), status, 'echo'],
])('%s', (_, now, written, want) => {
  expect(podChange(pod(), now, written)).toBe(want);
});
