import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordingLog } from './log.ts';
import { setAside } from './set_aside.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-aside-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

test('K31: a file that cannot be understood is kept under another name, the last one of them', async () => {
  const log = new RecordingLog();
  const path = join(dir, 'state');
  for (const text of ['first', 'second']) {
    writeFileSync(path, text);
    await setAside(path, new SyntaxError(text), 'The state', log);
  }
  expect(readdirSync(dir)).toEqual(['state.corrupt']);
  expect(readFileSync(join(dir, 'state.corrupt'), 'utf8')).toBe('second');
  expect(log.entries.map(({ msg, kv }) => [msg, kv['path']])).toEqual(
    ['first', 'second'].map(() => ['The state cannot be read; it is set aside', path]),
  );
});

test('K31: one that cannot be renamed is told of, and nothing fails', async () => {
  const log = new RecordingLog();
  await setAside(join(dir, 'gone'), new Error('x'), 'The state', log);
  expect(log.messages).toEqual([
    'The state cannot be read; it is set aside',
    'The state cannot be set aside',
  ]);
});
