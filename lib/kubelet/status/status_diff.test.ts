import type { PodStatus } from '../../api/types.ts';
import { isCurrent, statusPatch } from './status_diff.ts';

const ready = (status: string, more: object = {}) => ({
  type: 'Ready',
  status,
  lastTransitionTime: 't',
  ...more,
});

test.each<[string, PodStatus | undefined, PodStatus, boolean]>([
  ['nothing there', undefined, { phase: 'Running' }, false],
  ['the same', { phase: 'Running' }, { phase: 'Running' }, true],
  ['more there', { phase: 'Running', startTime: 't' }, { phase: 'Running' }, true],
  ['another phase', { phase: 'Pending' }, { phase: 'Running' }, false],
  ['empty is absent', { phase: 'Running' }, { phase: 'Running', containerStatuses: [] }, true],
  [
    'keys in another order',
    { hostIPs: [{ ip: 'a' }], phase: 'x' },
    { phase: 'x', hostIPs: [{ ip: 'a' }] },
    true,
  ],
  ['a reason to clear', { phase: 'x', reason: 'r' }, { phase: 'x' }, false],
  [
    "others' conditions do not count",
    { conditions: [ready('True'), { type: 'o', status: 'x' }] },
    { conditions: [ready('True')] },
    true,
  ],
  ['a condition changed', { conditions: [ready('True')] }, { conditions: [ready('False')] }, false],
  [
    'a condition reason cleared',
    { conditions: [ready('True', { reason: 'r' })] },
    { conditions: [ready('True')] },
    false,
  ],
  ['a condition missing', { conditions: [] }, { conditions: [ready('True')] }, false],
])('K10: %s', (_, api, wanted, want) => expect(isCurrent(api, wanted)).toBe(want));

test('K10: a resize that is over takes its condition with it', () => {
  const resize = { type: 'PodResizePending', status: 'True' };
  const api = { conditions: [ready('True'), resize, { type: 'o', status: 'x' }] };
  const wanted = { conditions: [ready('True')] };
  expect(isCurrent(api, wanted)).toBe(false);
  expect(statusPatch(api, wanted, 'u')).toMatchObject({
    status: { conditions: [{ type: 'Ready' }, { type: 'PodResizePending', $patch: 'delete' }] },
  });
});

test('K10: the patch replaces addresses, merges conditions, clears what is gone', () => {
  const api = { phase: 'Pending', reason: 'r', podIPs: [{ ip: 'old' }] };
  const wanted = { phase: 'Running', podIP: 'new', podIPs: [{ ip: 'new' }], conditions: [ready('True')] };
  expect(statusPatch(api, wanted, 'u')).toEqual({
    metadata: { uid: 'u' },
    status: {
      phase: 'Running',
      reason: null,
      podIP: 'new',
      podIPs: [{ ip: 'new' }, { $patch: 'replace' }],
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: 't', reason: null, message: null }],
    },
  });
});
