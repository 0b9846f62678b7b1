import { run, SubprocessError } from './subprocess.ts';
import type { RunOptions } from './subprocess.ts';

const timeoutMs = 20_000;

async function failure(argv: readonly [string, ...string[]], options: RunOptions): Promise<SubprocessError> {
  try {
    await run(argv, options);
  } catch (err) {
    if (err instanceof SubprocessError) return err;
    throw err;
  }
  throw new Error('did not fail');
}

test('collects both outputs and the exit code', async () => {
  const result = await run(['sh', '-c', 'echo out; echo err >&2; exit 3'], { timeoutMs });
  expect([result.exitCode, result.stdout.toString(), result.stderr.toString()]).toEqual([
    3,
    'out\n',
    'err\n',
  ]);
});

test('arguments reach the program as they are, no shell in between', async () => {
  const result = await run(['printf', '%s|', '$HOME', '`id`', '; rm', '*', ''], { timeoutMs });
  expect(result.stdout.toString()).toBe('$HOME|`id`|; rm|*||');
});

test('standard input goes through whole, also when it is larger than a pipe', async () => {
  const stdin = Buffer.alloc(1_000_000, 'x');
  expect((await run(['cat'], { stdin, timeoutMs })).stdout.equals(stdin)).toBe(true);
  expect((await run(['cat'], { timeoutMs })).stdout).toHaveLength(0);
});

test('a program that does not read its input is no error', async () => {
  expect((await run(['true'], { stdin: Buffer.alloc(1_000_000), timeoutMs })).exitCode).toBe(0);
});

test('environment and working directory', async () => {
  const env = { PATH: process.env['PATH'] ?? '', X: 'y' };
  const result = await run(['sh', '-c', 'echo $X $PWD $USER'], { env, cwd: '/', timeoutMs });
  expect(result.stdout.toString()).toBe('y /\n');
});

test('another user and group, for root', async () => {
  const ids =
    process.getuid?.() === 0
      ? { uid: 65534, gid: 65533 }
      : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const result = await run(['sh', '-c', 'id -u; id -g'], { timeoutMs, ...ids });
  expect(result.stdout.toString()).toBe(`${ids.uid}\n${ids.gid}\n`);
});

test('check turns an exit code into an error that quotes standard error', async () => {
  const err = await failure(['sh', '-c', 'echo no such table >&2; exit 2'], { check: true, timeoutMs });
  expect(err.message).toBe('sh: exit code 2: no such table');
  expect([err.failure, err.exitCode, err.stderr.toString()]).toEqual(['exit', 2, 'no such table\n']);
});

test.each<[string, [string, ...string[]], Partial<RunOptions>, string]>([
  ['a program that is not there', ['no-such-program-here'], {}, 'ENOENT'],
  ['a file that is no program', ['/etc/passwd'], {}, 'EACCES'],
  ['a working directory that is not there', ['true'], { cwd: '/no/such' }, 'ENOENT'],
  ['an argument with a NUL byte', ['true', 'a\0b'], {}, 'null bytes'],
])('cannot start: %s', async (_, argv, options, message) => {
  const err = await failure(argv, { timeoutMs, ...options });
  expect(err.failure).toBe('start');
  expect(err.message).toContain(`${argv[0]}: cannot start: `);
  expect(err.message).toContain(message);
});

test('a time-out kills the whole group and keeps the output so far', async () => {
  const err = await failure(['sh', '-c', 'sleep 1000 & echo $!; wait'], { timeoutMs: 300 });
  expect([err.failure, err.message]).toEqual(['timeout', 'sh: not done within 300 ms']);
  const grandchild = Number(err.stdout.toString());
  expect(grandchild).toBeGreaterThan(1);
  // Either gone, or a zombie that nobody has reaped yet.
  const state = await run(['sh', '-c', `cat /proc/${grandchild}/stat 2>/dev/null | cut -d' ' -f3`], {
    timeoutMs,
  });
  expect(['', 'Z\n']).toContain(state.stdout.toString());
});

test('too much output stops it', async () => {
  const err = await failure(['cat', '/dev/zero'], { timeoutMs, maxOutputBytes: 1000 });
  expect([err.failure, err.message, err.stdout.length]).toEqual([
    'output',
    'cat: wrote more than 1000 bytes',
    1000,
  ]);
});

test('the signal of the caller', async () => {
  const stop = new AbortController();
  const failed = failure(['sleep', '1000'], { timeoutMs, signal: stop.signal });
  stop.abort(new Error('stopping'));
  expect(await failed).toMatchObject({ failure: 'abort', cause: new Error('stopping') });
  expect((await failure(['true'], { timeoutMs, signal: stop.signal })).failure).toBe('abort');
});

test('killed from elsewhere', async () => {
  const err = await failure(['sh', '-c', 'kill -9 $$'], { timeoutMs });
  expect([err.failure, err.message]).toEqual(['signal', 'sh: killed by SIGKILL']);
});

test('a process that left the group and holds the output open does not hold us up', async () => {
  const result = await run(['sh', '-c', 'setsid sleep 5 & echo done'], { timeoutMs });
  expect([result.exitCode, result.stdout.toString()]).toEqual([0, 'done\n']);
});
