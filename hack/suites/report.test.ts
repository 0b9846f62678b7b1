import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Result } from './outcome.ts';
import { parseRecorded } from './recorded.ts';
import { countsTable, differenceLines, firstErrorLines, logName, writeFailures } from './report.ts';

const result = (name: string, outcome: Result['outcome']): Result => ({
  name,
  outcome,
  seconds: 1,
  failure: '',
});

test('the table says how many of each SIG, and what is unusual', () => {
  expect(
    countsTable([
      result('[sig-node] a', 'passed'),
      result('[sig-node] b', 'flaky'),
      result('[sig-apps] c', 'not run'),
    ]),
  ).toEqual([
    'sig-apps                  0 passed    0 failed    0 skipped  (1 not run)',
    'sig-node                  2 passed    0 failed    0 skipped  (1 flaky)',
    'all                       2 passed    0 failed    0 skipped  (1 flaky)  (1 not run)',
  ]);
});

test('differences in words', () => {
  const table = parseRecorded('passed\ta\nfailed\tb\n');
  expect(differenceLines(undefined, [])).toEqual(['There is no recorded table of these components yet.']);
  expect(differenceLines(table, [result('a', 'passed')])).toEqual(['No difference from the recorded table.']);
  expect(
    differenceLines(table, [result('a', 'failed'), result('b', 'flaky'), result('c', 'skipped')]),
  ).toEqual([
    'Fails, passed in the recorded table (1):',
    '  a',
    'Passes, failed in the recorded table (1):',
    '  b',
    'Not in the recorded table (1):',
    '  c',
  ]);
});

test('first error lines leave out stacks and places', () => {
  const failure =
    '[FAILED] timed out\n\n  Expected 1\nfoo/bar.go:12 @ now\ngoroutine 5 [x]\nto equal 2\nmore';
  expect(firstErrorLines(failure)).toEqual(['[FAILED] timed out', 'Expected 1', 'to equal 2']);
});

test.each([
  [7, '[sig-node] Pods should run [LinuxOnly] [Conformance]', '007-sig-node-Pods-should-run.log'],
  [12, '../../etc/passwd', '012-etc-passwd.log'],
])('file of %i %s', (index, name, file) => {
  expect(logName(index, name)).toBe(file);
  expect(logName(1, 'x'.repeat(400)).length).toBeLessThan(140);
});

test('each failing spec gets a file of its own', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'failures-'));
  try {
    const base = { seconds: 2, failure: 'why', output: 'what it said' };
    const count = writeFailures(path.join(folder, 'deep'), [
      { ...base, name: '[sig-node] a', state: 'failed' },
      { ...base, name: '[sig-node] b', state: 'passed' },
      { ...base, name: '[sig-node] a!', state: 'failed' },
    ]);
    expect(count).toBe(2);
    expect(readdirSync(path.join(folder, 'deep')).sort()).toEqual([
      '001-sig-node-a.log',
      '002-sig-node-a.log',
    ]);
    expect(readFileSync(path.join(folder, 'deep/001-sig-node-a.log'), 'utf8')).toBe(
      '[sig-node] a\nfailed after 2.0 s\n\nwhy\n\nwhat it said\n',
    );
    expect(writeFailures(path.join(folder, 'none'), [])).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
