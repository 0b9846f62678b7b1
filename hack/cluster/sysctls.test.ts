import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { prepareSysctls, restoreSysctls } from './sysctls.ts';

let dir: string;
let root: string;
let state: string;
const write = (name: string, value: string): void => {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), value);
};
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8').trim();

beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'tsk-sysctls-'));
  [root, state] = [path.join(dir, 'sys'), path.join(dir, 'state')];
  mkdirSync(state);
  write('kernel/panic', '0\n');
  write('vm/overcommit_memory', '0\n');
  write('fs/inotify/max_user_instances', '128\n');
  write('fs/inotify/max_user_watches', '999999\n');
});
afterEach(() => rmSync(dir, { recursive: true }));

test('what is too low is raised, what is enough is left', () => {
  expect(prepareSysctls(state, root)).toEqual(['fs.inotify.max_user_instances from 128 to 1024']);
  expect(read('fs/inotify/max_user_instances')).toBe('1024');
  expect(read('fs/inotify/max_user_watches')).toBe('999999');
});

test('the last cluster puts back what the first one found, kubelet changes included', () => {
  prepareSysctls(state, root);
  write('kernel/panic', '10\n'); // a kubelet
  prepareSysctls(state, root); // the second cluster
  expect(restoreSysctls(state, root)).toEqual([]);
  expect([read('kernel/panic'), read('fs/inotify/max_user_instances')]).toEqual(['0', '128']);
  expect(readdirSync(state)).toEqual([]);
});

test('without a record nothing is touched', () => {
  expect(restoreSysctls(state, root)).toEqual([]);
  expect(read('kernel/panic')).toBe('0');
});

test('a record cannot make it write elsewhere', () => {
  prepareSysctls(state, root);
  const file = path.join(state, 'sysctls.json');
  writeFileSync(file, JSON.stringify({ '../outside': '1', 'kernel/panic': '5' }));
  expect(restoreSysctls(state, root)).toEqual([]);
  expect(readdirSync(dir).toSorted()).toEqual(['state', 'sys']);
  expect(read('kernel/panic')).toBe('5');
});
