import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validatePayloadPath, writePayload, type Payload } from './atomic_writer.ts';

const clock = { now: () => Date.UTC(2026, 0, 1) };
const payload = (text: string): Payload => new Map([['dir/a', { data: Buffer.from(text), mode: 0o644 }]]);

test.each(['a', 'a/b/c', 'a..b', 'a/..b', '.hidden', 'x'.repeat(255)])('path %j is fine', (path) =>
  expect(() => validatePayloadPath(path)).not.toThrow(),
);

test.each([
  ['', 'must not be empty'],
  ['/etc/passwd', 'must be relative path'],
  ['..', "must not contain '..'"],
  ['../x', "must not contain '..'"],
  ['a/../../b', "must not contain '..'"],
  ['..data', "must not start with '..'"],
  ['..data/x', "must not start with '..'"],
  ['a//b', "must not contain empty or '.' elements"],
  ['./a', "must not contain empty or '.' elements"],
  ['a\0b', 'must not contain a NUL character'],
  ['x'.repeat(256), 'filenames must be less than or equal to 255 characters'],
  ['x/'.repeat(2048) + 'x', 'must be less than or equal to 4096 characters'],
])('K15: path %j is refused: %s', (path, why) => expect(() => validatePayloadPath(path)).toThrow(why));

test('K15: a failed update leaves the old state and nothing else, however often it is tried', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tsk-atomic-'));
  try {
    await writePayload(dir, payload('old'), clock);
    const before = readdirSync(dir).sort();
    for (let i = 0; i < 3; i++) {
      const failing = writePayload(dir, payload('new'), clock, () =>
        Promise.reject(new Error('no space left')),
      );
      await expect(failing).rejects.toThrow('no space left');
    }
    expect(readdirSync(dir).sort()).toEqual(before);
    expect(readFileSync(join(dir, 'dir/a'), 'utf8')).toBe('old');
    expect(await writePayload(dir, payload('new'), clock)).toBe(true);
    expect(await writePayload(dir, payload('new'), clock)).toBe(false);
    expect(readFileSync(join(dir, 'dir/a'), 'utf8')).toBe('new');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
