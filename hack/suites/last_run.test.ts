import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beginRun, failedLast, parseResults, writeResults } from './last_run.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'runs-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const result = { seconds: 1, failure: '' };

test('what failed or was not run last time, of each suite by itself', () => {
  beginRun(root, 'node', path.join(root, 'first'));
  writeResults(path.join(root, 'first'), [{ ...result, name: 'old', outcome: 'failed' }]);
  beginRun(root, 'node', path.join(root, 'second'));
  writeResults(path.join(root, 'second'), [
    { ...result, name: 'a', outcome: 'failed' },
    { ...result, name: 'b', outcome: 'flaky' },
    { ...result, name: 'c', outcome: 'not run' },
    { ...result, name: 'd', outcome: 'passed' },
  ]);
  expect(failedLast(root, 'node')).toEqual(['a', 'c']);
  expect(failedLast(root, 'network')).toBeUndefined();
});

test('a run that ended without results', () => {
  beginRun(root, 'node', path.join(root, 'run'));
  expect(existsSync(path.join(root, 'last-node'))).toBe(true);
  expect(failedLast(root, 'node')).toBeUndefined();
});

test('strange entries are left out, a strange file is refused', () => {
  expect(
    parseResults('[5, {"name":"a"}, {"name":"b","outcome":"maybe"}, {"name":"c","outcome":"failed"}]'),
  ).toEqual([{ name: 'c', outcome: 'failed' }]);
  writeFileSync(path.join(root, 'x'), '');
  expect(() => parseResults('{}')).toThrow('want a list');
});
