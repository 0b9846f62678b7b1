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

/** Aborts as soon as the program says that it is ready. */
function whenReady(): { signal: AbortSignal; onStdout: (text: string) => void } {
  const abort = new AbortController();
  return { signal: abort.signal, onStdout: (text) => text.includes('ready') && abort.abort() };
}

test('the program may clean up', async () => {
  const script = 'trap "echo cleaned; exit 5" INT; echo ready; while :; do sleep 0.05; done';
  expect(await sh(script, whenReady())).toEqual({ exitCode: 5, why: 'interrupted' });
  expect(log()).toBe('ready\ncleaned\n');
});

test('a program that does not heed is killed, with its children', async () => {
  const ended = await sh('trap "" INT; echo ready; sleep 600', { ...whenReady(), graceMs: 200 });
  expect(ended).toEqual({ exitCode: undefined, why: 'interrupted' });
});

test('a deadline ends it', async () => {
  expect(await sh('sleep 600', { timeoutMs: 200 })).toEqual({ exitCode: undefined, why: 'timeout' });
});

test('what the program leaves in the background does not outlive it', async () => {
  expect(await sh('sleep 600 & exit 0')).toEqual({ exitCode: 0, why: 'exit' });
});

test('an abort before it runs', async () => {
  expect(await sh('while :; do sleep 0.05; done', { signal: AbortSignal.abort() })).toMatchObject({
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
