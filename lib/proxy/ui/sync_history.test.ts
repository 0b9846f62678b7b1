import { SyncHistory } from './sync_history.ts';

const result = { full: false, repaired: false, rejected: [], sent: { nat: 3, filter: 1 } };
const report = { family: 'IPv4', at: 1000, milliseconds: 12.5 } as const;

test.each([
  ['changes', result, { full: false, sent: 4, note: '', failed: false, refused: [] }],
  [
    'a repair',
    { ...result, full: true, repaired: true },
    { full: true, note: 'the kernel had other rules; repaired' },
  ],
  [
    'a Service that the kernel refuses',
    { ...result, fellBack: true, rejected: [{ id: 'a/b:p', error: new Error('no') }] },
    {
      refused: ['a/b:p'],
      note: 'the changes alone were refused, all was sent; a/b:p refused: no',
      failed: false,
    },
  ],
  ['a failure', { error: new Error('lock') }, { failed: true, note: 'lock', sent: 0 }],
])('%s', (_name, outcome, want) => {
  const history = new SyncHistory();
  history.add({ ...report, outcome: { ...result, full: true, repaired: true } });
  expect(history.latest()).toMatchObject([{ note: '' }]);
  history.add({ ...report, outcome });
  expect(history.latest()[0]).toMatchObject({ ...report, ...want });
});

test('a proxy that begins anew with another configuration keeps what was, and finds other rules without having to repair', () => {
  const history = new SyncHistory();
  const repaired = { ...report, outcome: { ...result, full: true, repaired: true } };
  history.add(repaired);
  history.beginAnew();
  history.add(repaired);
  history.add(repaired);
  expect(history.latest().map((sync) => sync.note)).toEqual(['the kernel had other rules; repaired', '', '']);
});

test('the latest come first, and not all are kept', () => {
  const history = new SyncHistory();
  for (let at = 1; at <= 200; at++) history.add({ ...report, at, outcome: result });
  expect(
    history
      .latest()
      .map((sync) => sync.at)
      .slice(0, 2),
  ).toEqual([200, 199]);
  expect(history.latest()).toHaveLength(50);
});
