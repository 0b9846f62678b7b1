import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCommand, type CommandOptions } from './command.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'command-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const sh = (script: string, options: Partial<CommandOptions> = {}): ReturnType<typeof runCommand> =>
  runCommand(['/bin/sh', '-c', script], {
    log: path.join(folder, 'log'),
    cwd: folder,
    timeoutMs: 20_000,
    graceMs: 10_000,
    signal: new AbortController().signal,
    ...options,
  });
const log = (): string => readFileSync(path.join(folder, 'log'), 'utf8');

test('exit code, output in the file and as it comes', async () => {
  let seen = '';
  const ended = await sh('printf "a • b"; echo wrong >&2; exit 3', { onStdout: (text) => (seen += text) });
  expect(ended).toEqual({ exitCode: 3, why: 'exit' });
  expect(seen).toBe('a • b');
  expect(log()).toContain('wrong');
});

test('a deadline lets the program clean up', async () => {
  const ended = await sh('trap "echo cleaned; exit 5" INT; while :; do sleep 0.05; done', { timeoutMs: 300 });
  expect(ended).toEqual({ exitCode: 5, why: 'timeout' });
  expect(log()).toBe('cleaned\n');
});

test('a program that does not heed is killed, with its children', async () => {
  const ended = await sh('trap "" INT; sleep 600', { timeoutMs: 200, graceMs: 200 });
  expect(ended).toEqual({ exitCode: undefined, why: 'timeout' });
});

test('what the program leaves in the background does not outlive it', async () => {
  expect(await sh('sleep 600 & exit 0')).toEqual({ exitCode: 0, why: 'exit' });
});

test('an abort, before or while it runs', async () => {
  const abort = new AbortController();
  const running = sh('while :; do sleep 0.05; done', { signal: abort.signal, onStdout: () => undefined });
  abort.abort();
  expect(await running).toMatchObject({ why: 'interrupted' });
  expect(await sh('while :; do sleep 0.05; done', { signal: abort.signal })).toMatchObject({
    why: 'interrupted',
  });
});

test('a program that is not there', async () => {
  const options = {
    log: path.join(folder, 'log'),
    cwd: folder,
    timeoutMs: 1000,
    graceMs: 1,
    signal: AbortSignal.abort(),
  };
  await expect(runCommand(['/no/such/program'], options)).rejects.toThrow(
    '/no/such/program cannot be started',
  );
});
