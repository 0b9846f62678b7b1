import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { watchFileContent } from './file_change.ts';

let dir: string;
let stop: AbortController;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-file-change-'));
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  rmSync(dir, { recursive: true });
});

/** Resolves with the first content that is told of. */
function watched(path: string, content: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { signal } = stop;
    watchFileContent(content, { path, clock: systemClock, signal, onChange: resolve, onError: reject });
  });
}

test('P13: written again', async () => {
  const path = join(dir, 'config');
  writeFileSync(path, 'one');
  const changed = watched(path, 'one');
  writeFileSync(path, 'two');
  expect(await changed).toBe('two');
});

test('P13: another file put in its place', async () => {
  const path = join(dir, 'config');
  writeFileSync(path, 'one');
  const changed = watched(path, 'one');
  writeFileSync(join(dir, 'config~'), 'two');
  renameSync(join(dir, 'config~'), path);
  expect(await changed).toBe('two');
});

test('P13: a volume of a ConfigMap, whose link is turned to another folder', async () => {
  for (const [version, text] of [
    ['..v1', 'one'],
    ['..v2', 'two'],
  ] as const) {
    mkdirSync(join(dir, version));
    writeFileSync(join(dir, version, 'config'), text);
  }
  symlinkSync('..v1', join(dir, '..data'));
  symlinkSync('..data/config', join(dir, 'config'));
  const changed = watched(join(dir, 'config'), 'one');
  symlinkSync('..v2', join(dir, '..data_tmp'));
  renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
  expect(await changed).toBe('two');
});

test('P13: the same content again is no change; neither is a file that is gone for a while', async () => {
  const path = join(dir, 'config');
  writeFileSync(path, 'one');
  const changed = watched(path, 'one');
  writeFileSync(path, 'one');
  rmSync(path);
  writeFileSync(path, 'two');
  expect(await changed).toBe('two');
});

test('a folder that is not there is an error at once', () => {
  const { signal } = stop;
  const path = join(dir, 'none', 'config');
  const options = { path, clock: systemClock, signal, onChange: () => undefined, onError: () => undefined };
  expect(() => watchFileContent('', options)).toThrow('ENOENT');
});
