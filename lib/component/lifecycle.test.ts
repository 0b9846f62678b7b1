import { EventEmitter } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { FakeClock } from '../base/fake_clock.ts';
import type { DaemonContext, DaemonProcess, RunDaemonOptions } from './lifecycle.ts';
import { ExitError, nameProcess, runDaemon } from './lifecycle.ts';
import { createLogger } from './logging.ts';

class FakeProcess extends EventEmitter implements DaemonProcess {
  readonly env: Record<string, string | undefined>;
  readonly exits: number[] = [];

  constructor(env: Record<string, string | undefined>) {
    super();
    this.env = env;
  }

  exit(code: number): void {
    this.exits.push(code);
  }
}

function start(
  main: (signal: AbortSignal, ctx: DaemonContext) => Promise<void>,
  { env = {}, ...more }: Pick<RunDaemonOptions, 'openDatagram'> & { env?: FakeProcess['env'] } = {},
) {
  const proc = new FakeProcess(env);
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = createLogger({ format: 'text', verbosity: 0, stream: { write: (l) => lines.push(l) }, clock });
  const done = runDaemon('test', main, { log, clock, shutdownTimeoutMs: 10_000, process: proc, ...more });
  return { proc, clock, lines, done };
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()));

test('a daemon that returns exits with 0', async () => {
  const { proc, done } = start(async () => undefined);
  await done;
  expect(proc.exits).toEqual([0]);
});

test('a daemon that fails exits with 1 and says why', async () => {
  const { proc, done, lines } = start(() => Promise.reject(new Error('port taken')));
  await done;
  expect(proc.exits).toEqual([1]);
  expect(lines.join('')).toContain('"command failed" err="port taken"');
});

test('a daemon may choose its exit code', async () => {
  const { proc, done } = start(() => Promise.reject(new ExitError('swap is on', 7)));
  await done;
  expect(proc.exits).toEqual([7]);
});

test.each(['SIGTERM', 'SIGINT'])('%s lets the daemon finish and exits with 0', async (signalName) => {
  const { proc, done, lines } = start(untilAborted);
  proc.emit(signalName);
  await done;
  expect(proc.exits).toEqual([0]);
  expect(lines.join('')).toContain(`"Shutting down" signal="${signalName}"`);
});

test('K30: the service manager hears that it serves and, at the first signal, that it stops', async () => {
  const sent: string[] = [];
  const { proc, done } = start(
    async (signal, { notify }) => {
      notify.ready('Serving');
      await untilAborted(signal);
    },
    {
      env: { NOTIFY_SOCKET: '/run/systemd/notify', OTHER: 'x' },
      openDatagram: () => ({
        send: (datagram) => void sent.push(Buffer.from(datagram).toString()),
        close: () => undefined,
      }),
    },
  );
  proc.emit('SIGTERM');
  await done;
  expect(sent).toEqual(['READY=1\nSTATUS=Serving', 'STOPPING=1\nSTATUS=Shutting down on SIGTERM']);
  // Not for what the daemon starts.
  expect(proc.env).toEqual({ OTHER: 'x' });
});

test('being told to stop is no failure for what was waiting', async () => {
  const { proc, done, lines } = start(async (signal) => {
    await untilAborted(signal);
    throw new Error('lost the watch', { cause: signal.reason });
  });
  proc.emit('SIGTERM');
  await done;
  expect(proc.exits).toEqual([0]);
  expect(lines.join('')).not.toContain('command failed');
});

test('a failure while stopping is one', async () => {
  const { proc, done } = start(async (signal) => {
    await untilAborted(signal);
    throw new Error('cannot write the checkpoint');
  });
  proc.emit('SIGTERM');
  await done;
  expect(proc.exits).toEqual([1]);
});

test('a second signal exits at once with 1', () => {
  const { proc } = start(() => new Promise(() => undefined));
  proc.emit('SIGTERM');
  proc.emit('SIGTERM');
  expect(proc.exits).toEqual([1]);
});

test('a shutdown that takes too long is ended with 1', async () => {
  const { proc, clock, lines } = start(() => new Promise(() => undefined));
  proc.emit('SIGTERM');
  await clock.advance(9_999);
  expect(proc.exits).toEqual([]);
  await clock.advance(1);
  expect(proc.exits).toEqual([1]);
  expect(lines.join('')).toContain('Orderly shutdown timed out');
});

test.each(['uncaughtException', 'unhandledRejection'])('%s is logged and fatal', (event) => {
  const { proc, lines } = start(() => new Promise(() => undefined));
  proc.emit(event, new Error('a bug'));
  expect(proc.exits).toEqual([2]);
  expect(lines.join('')).toMatch(/err="a bug" stack=<\n\tError: a bug\n/);
  proc.emit('SIGTERM');
  proc.emit('SIGTERM');
  expect(proc.exits).toEqual([2]);
});

test('the daemon learns its name and time source', async () => {
  let seen: DaemonContext | undefined;
  const { clock, done } = start(async (_signal, ctx) => {
    seen = ctx;
  });
  await done;
  expect(seen).toMatchObject({ name: 'test', clock });
  expect(seen?.notify.enabled).toBe(false);
});

describe('the name of the process', () => {
  const comm = '/proc/self/comm';
  const before = readFileSync(comm, 'utf8');
  afterEach(() => writeFileSync(comm, before.trim()));

  test.each([
    ['/usr/local/bin/ts-kube-scheduler', 'ts-kube-schedul'],
    ['/usr/bin/kube-scheduler', 'kube-scheduler'],
    ['/work/cmd/ts-kube-scheduler/main.ts', 'ts-kube-schedul'],
  ])('started by %s: %s', (startedBy, name) => {
    nameProcess('ts-kube-scheduler', 'kube-scheduler', startedBy);
    expect(readFileSync(comm, 'utf8').trim()).toBe(name);
  });
});
