import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../base/clock.ts';
import { RecordingLog } from '../../../base/log.ts';
import type { LogOptions } from './log_options.ts';
import { readContainerLog } from './log_reader.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-logs-'));
  path = join(dir, '0.log');
});
afterEach(() => rmSync(dir, { recursive: true }));

const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, '0')}.123456789Z`;
const entry = (second: number, text: string, stream = 'stdout', tag = 'F'): string =>
  `${at(second)} ${stream} ${tag} ${text}\n`;

class Receiver {
  text = '';
  #waiting: { want: string; resolve: () => void }[] = [];

  write = async (chunk: Buffer): Promise<void> => {
    this.text += chunk.toString();
    for (const { want, resolve } of this.#waiting) if (this.text.includes(want)) resolve();
  };

  async received(want: string): Promise<void> {
    if (!this.text.includes(want))
      await new Promise<void>((resolve) => this.#waiting.push({ want, resolve }));
  }
}

const defaults: LogOptions = { follow: false, previous: false, timestamps: false };

async function read(options: Partial<LogOptions>, log = new RecordingLog()): Promise<string> {
  const receiver = new Receiver();
  await readContainerLog({
    path,
    options: { ...defaults, ...options },
    running: () => true,
    write: receiver.write,
    clock: systemClock,
    log,
    signal: new AbortController().signal,
  });
  return receiver.text;
}

const mixed =
  entry(1, 'one') +
  entry(2, 'two', 'stderr') +
  entry(3, 'thr', 'stdout', 'P') +
  entry(3, 'ee', 'stdout', 'F') +
  entry(4, '') +
  entry(5, 'five');

test.each<[string, Partial<LogOptions>, string]>([
  ['all', {}, 'one\ntwo\nthree\n\nfive\n'],
  ['one stream', { stream: 'stderr' }, 'two\n'],
  ['the last lines', { tailLines: 2 }, '\nfive\n'],
  ['no lines', { tailLines: 0 }, ''],
  ['more lines than there are', { tailLines: 100 }, 'one\ntwo\nthree\n\nfive\n'],
  ['lines since', { sinceMs: Date.parse('2026-01-01T00:00:03Z') }, 'three\n\nfive\n'],
  ['a number of bytes', { limitBytes: 9 }, 'one\ntwo\nt'],
  [
    'timestamps, once for a line in parts',
    { timestamps: true, sinceMs: Date.parse('2026-01-01T00:00:03Z') },
    `${at(3)} three\n${at(4)} \n${at(5)} five\n`,
  ],
])('K24: %s', async (_, options, want) => {
  writeFileSync(path, mixed);
  expect(await read(options)).toBe(want);
});

test('K24: an empty file gives nothing', async () => {
  writeFileSync(path, '');
  expect(await read({ tailLines: 5 })).toBe('');
});

test('K24: a last line without an end is given', async () => {
  writeFileSync(path, `${entry(1, 'one')}${at(2)} stdout F cut of`);
  expect(await read({})).toBe('one\ncut of\n');
  expect(await read({ tailLines: 1 })).toBe('cut of\n');
});

test('K24: what is no log line is skipped, and said once', async () => {
  writeFileSync(path, `garbage\n${entry(1, 'one')}more garbage\n`);
  const log = new RecordingLog();
  expect(await read({}, log)).toBe('one\n');
  expect(log.messages).toEqual(['Container log: a line is not in the format of CRI logs, skipped']);
});

test('K24: large files are read and tailed across blocks', async () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `line ${i} ${'x'.repeat(100)}`);
  writeFileSync(path, lines.map((l) => entry(1, l)).join(''));
  expect(await read({})).toBe(`${lines.join('\n')}\n`);
  expect(await read({ tailLines: 1234 })).toBe(`${lines.slice(-1234).join('\n')}\n`);
});

test('K24: a file that does not exist is an error', async () => {
  await expect(read({})).rejects.toThrow(/ENOENT/);
});

describe('K24: following', () => {
  let running: boolean;
  let receiver: Receiver;
  let abort: AbortController;
  beforeEach(() => {
    running = true;
    receiver = new Receiver();
    abort = new AbortController();
  });

  function follow(options: Partial<LogOptions> = {}): Promise<void> {
    return readContainerLog({
      path,
      options: { ...defaults, follow: true, ...options },
      running: () => running,
      write: receiver.write,
      clock: systemClock,
      log: new RecordingLog(),
      signal: abort.signal,
    });
  }

  test('gives lines as they are written and ends with the container, nothing lost', async () => {
    writeFileSync(path, entry(1, 'one'));
    const done = follow();
    await receiver.received('one\n');
    appendFileSync(path, entry(2, 'two').slice(0, 40));
    appendFileSync(path, entry(2, 'two').slice(40));
    await receiver.received('two\n');
    running = false;
    appendFileSync(path, entry(3, 'last'));
    await done;
    expect(receiver.text).toBe('one\ntwo\nlast\n');
  });

  test('goes on in the new file after rotation, with the rest of the old one first', async () => {
    writeFileSync(path, entry(1, 'one'));
    const done = follow({ tailLines: 1 });
    await receiver.received('one\n');
    appendFileSync(path, entry(2, 'two'));
    renameSync(path, `${path}.rotated`);
    writeFileSync(path, entry(3, 'three'));
    await receiver.received('three\n');
    running = false;
    appendFileSync(path, entry(4, 'four'));
    await done;
    expect(receiver.text).toBe('one\ntwo\nthree\nfour\n');
  });

  test('ends when the receiver leaves', async () => {
    writeFileSync(path, entry(1, 'one'));
    const done = follow();
    await receiver.received('one\n');
    abort.abort();
    await done;
    expect(receiver.text).toBe('one\n');
  });

  test('ends at the wanted number of bytes', async () => {
    writeFileSync(path, entry(1, 'one'));
    const done = follow({ limitBytes: 6 });
    await receiver.received('one\n');
    appendFileSync(path, entry(2, 'two'));
    await done;
    expect(receiver.text).toBe('one\ntw');
  });

  test('of a container that has ended gives what there is', async () => {
    running = false;
    writeFileSync(path, mixed);
    await follow();
    expect(receiver.text).toBe('one\ntwo\nthree\n\nfive\n');
  });
});
