import type { Outcome, Result } from './outcome.ts';
import {
  componentsKey,
  difference,
  mergeRecorded,
  parseRecorded,
  RecordedError,
  recordedFile,
  renderRecorded,
} from './recorded.ts';

const results = (outcomes: Record<string, Outcome>): Result[] =>
  Object.entries(outcomes).map(([name, outcome]) => ({ name, outcome, seconds: 1, failure: '' }));

test.each([
  ['ours', 'ours', 'ours', 'iptables', 'ours'],
  ['stock', 'stock', 'stock', 'iptables', 'stock'],
  ['ours', 'stock', 'stock', 'iptables', 'ours-kubelet'],
  ['stock', 'ours', 'ours', 'nftables', 'ours-proxy-scheduler-nftables'],
  ['stock', 'stock', 'stock', 'nftables', 'stock-nftables'],
] as const)('kubelet %s, proxy %s, scheduler %s, %s: table %s', (kubelet, proxy, scheduler, mode, key) => {
  expect(componentsKey({ kubelet, proxy, scheduler }, mode)).toBe(key);
  expect(recordedFile('node', key)).toBe(`node.${key}.tsv`);
});

test('a table reads back as it was written, sorted by spec', () => {
  const table = new Map<string, Outcome>([
    ['[sig-b] two\u00e9', 'failed'],
    ['[sig-a] one', 'not run'],
    ['[sig-c] three', 'passed'],
  ]);
  const text = renderRecorded(table);
  expect(text.split('\n').slice(1)).toEqual([
    'not run\t[sig-a] one',
    'failed\t[sig-b] two\u00e9',
    'passed\t[sig-c] three',
    '',
  ]);
  expect(parseRecorded(text)).toEqual(table);
  expect(renderRecorded(parseRecorded(text))).toBe(text);
});

test.each(['passed', 'passed\t', 'perhaps\t[sig-a] x', '\tx', '<<<<<<< HEAD'])(
  '%p is no line of a table',
  (line) => {
    expect(() => parseRecorded(`passed\ta\n${line}\n`)).toThrow(RecordedError);
    expect(() => parseRecorded(`passed\ta\n${line}\n`)).toThrow('line 2');
  },
);

test('a part of a run changes only the lines of its specs; what was not run says nothing', () => {
  const known = parseRecorded('passed\ta\nfailed\tb\npassed\tc\n');
  expect([...mergeRecorded(known, results({ b: 'passed', c: 'not run', d: 'flaky' }))]).toEqual([
    ['a', 'passed'],
    ['b', 'passed'],
    ['c', 'passed'],
    ['d', 'flaky'],
  ]);
  expect([...mergeRecorded(undefined, results({ a: 'failed', b: 'not run' }))]).toEqual([['a', 'failed']]);
});

test('differences from the table', () => {
  const table = parseRecorded('passed\ta\nflaky\tb\nfailed\tc\nfailed\td\nskipped\te\n');
  const now = results({
    a: 'failed',
    b: 'failed',
    c: 'flaky',
    d: 'not run',
    e: 'failed',
    f: 'passed',
    g: 'not run',
  });
  expect(difference(table, now)).toEqual({ broken: ['a', 'b'], mended: ['c'], unknown: ['f'] });
  expect(difference(table, results({ a: 'passed', c: 'failed', b: 'not run' }))).toEqual({
    broken: [],
    mended: [],
    unknown: [],
  });
});
