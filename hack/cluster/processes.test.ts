import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fingerprint, isAlive, parseRecord } from './processes.ts';
import { processStat } from './procfs.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'tsk-processes-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

test('the fingerprint follows arguments, environment, inputs and the program', () => {
  const [program, config] = [path.join(dir, 'program'), path.join(dir, 'config')];
  writeFileSync(program, 'one');
  writeFileSync(config, 'one');
  const spec = { argv: [program, '--a'] as const, inputs: [config] };
  const first = fingerprint(spec);
  expect(fingerprint(spec)).toBe(first);
  expect(fingerprint({ ...spec, argv: [program, '--b'] })).not.toBe(first);
  expect(fingerprint({ ...spec, env: { A: '1' } })).not.toBe(first);
  writeFileSync(config, 'two');
  const second = fingerprint(spec);
  expect(second).not.toBe(first);
  writeFileSync(program, 'another');
  expect(fingerprint(spec)).not.toBe(second);
});

test('a pid that belongs to somebody else now counts as dead', () => {
  const own = processStat(process.pid);
  expect(isAlive({ pid: process.pid, startTicks: own?.startTicks ?? -1 })).toBe(true);
  expect(isAlive({ pid: process.pid, startTicks: (own?.startTicks ?? 0) - 1 })).toBe(false);
});

const record = { id: 'etcd', pid: 1, startTicks: 2, since: 'x', argv: ['etcd'], fingerprint: 'f', log: '/l' };
test('records are validated', () => {
  expect(parseRecord(JSON.stringify(record))).toEqual(record);
  expect(parseRecord(JSON.stringify({ ...record, node: 'node-1' }))).toEqual({ ...record, node: 'node-1' });
  for (const text of [
    '',
    '{',
    'null',
    JSON.stringify({ ...record, pid: '1' }),
    JSON.stringify({ ...record, argv: [1] }),
  ])
    expect(parseRecord(text)).toBeUndefined();
});
