import { createServer, type IncomingMessage, type Server } from 'node:http';
import { FakeClock } from '../../base/fake_clock.ts';
import type { AnyContainer, ContainerExec } from '../contracts.ts';
import { hookMetrics } from '../metrics/hook_metrics.ts';
import { Metrics } from '../../component/metrics.ts';
import { type HookNote, type LifecycleHandler, noteTaker, runHook } from './lifecycle_hooks.ts';

const container: AnyContainer = { name: 'c', ports: [{ name: 'web', containerPort: 1 }] };
const NEVER_MS = 2 ** 31;

function exec(exitCode: number, stdout = '', stderr = ''): ContainerExec & { asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    asked,
    execSync: async (id, argv, { timeoutMs }) => {
      asked.push([id, argv, timeoutMs]);
      return { exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) };
    },
  };
}

const run = (
  handler: LifecycleHandler,
  more: { podIP?: string; exec?: ContainerExec; timeoutMs?: number; note?: (note: HookNote) => void } = {},
) =>
  runHook(
    handler,
    { container, containerId: 'id', podIP: more.podIP },
    more.exec ?? exec(0),
    new FakeClock(),
    {
      timeoutMs: more.timeoutMs ?? NEVER_MS,
      signal: new AbortController().signal,
      ...(more.note === undefined ? {} : { note: more.note }),
    },
  );

describe('K6: exec', () => {
  test('runs in the container, argv as it is', async () => {
    const runner = exec(0);
    await run({ exec: { command: ['sh', '-c', 'echo $HOME'] } }, { exec: runner, timeoutMs: 5000 });
    expect(runner.asked).toEqual([['id', ['sh', '-c', 'echo $HOME'], 5000]]);
  });

  test.each([
    [exec(3, 'out', 'err'), `command 'x' exited with 3: "out"`],
    [exec(1, '', 'only err'), `command 'x' exited with 1: "only err"`],
  ])('fails with what it printed', async (runner, message) => {
    await expect(run({ exec: { command: ['x'] } }, { exec: runner })).rejects.toThrow(message);
  });
});

describe('K6: httpGet', () => {
  let server: Server;
  let port: number;
  let seen: IncomingMessage[];
  let status: number | undefined;
  beforeEach(async () => {
    seen = [];
    status = 200;
    server = createServer((req, res) => {
      seen.push(req);
      if (status !== undefined) res.writeHead(status).end('body');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test('goes to the pod, without a limit of time as postStart has none', async () => {
    await run({ httpGet: { port, path: '/hook?a=b' } }, { podIP: '127.0.0.1' });
    expect(seen.map(({ url }) => url)).toEqual(['/hook?a=b']);
    expect(seen[0]?.headers['user-agent']).toBe('kube-lifecycle/1.36');
  });

  test('to another host, with headers of its own', async () => {
    const httpHeaders = [
      { name: 'User-Agent', value: 'mine' },
      { name: 'X-A', value: '1' },
    ];
    await run({ httpGet: { host: '127.0.0.1', port, httpHeaders } });
    expect(seen[0]?.headers).toMatchObject({ 'user-agent': 'mine', 'x-a': '1' });
  });

  test('by HTTPS, of a server that speaks HTTP: asked again so, told and counted', async () => {
    const metrics = new Metrics();
    const events: string[] = [];
    const pod = { metadata: { name: 'p' }, spec: { containers: [] } };
    const note = noteTaker(pod, {
      events: { pod: (_pod, type, reason, message) => events.push(`${type} ${reason}: ${message}`) },
      observeHook: hookMetrics(metrics),
    });
    const httpHeaders = [
      { name: 'Authorization', value: 'secret' },
      { name: 'X-A', value: '1' },
    ];
    await run({ httpGet: { port, scheme: 'HTTPS', httpHeaders } }, { podIP: '127.0.0.1', note });
    expect(seen.map(({ headers }) => [headers.authorization, headers['x-a']])).toEqual([[undefined, '1']]);
    expect(events).toEqual([
      `Warning LifecycleHTTPFallback: request to HTTPS lifecycle hook 127.0.0.1:${port} got HTTP response, retry with HTTP succeeded`,
    ]);
    expect(await metrics.registry.metrics()).toContain('kubelet_lifecycle_handler_http_fallbacks_total 1\n');
  });

  // Tried against a stock kubelet 1.36.3: a postStart answered with 404 does not restart the container.
  test.each([404, 500])('an answer of %d is an answer', async (code) => {
    status = code;
    await run({ httpGet: { port } }, { podIP: '127.0.0.1' });
    expect(seen).toHaveLength(1);
  });

  test('fails when nobody answers in time', async () => {
    status = undefined;
    await expect(run({ httpGet: { port } }, { podIP: '127.0.0.1', timeoutMs: 20 })).rejects.toThrow(/abort/);
  });

  test.each<[string, LifecycleHandler, string | undefined, string]>([
    ['the pod has no IP', { httpGet: { port: 80 } }, undefined, 'the pod has no IP'],
    [
      'no such port name',
      { httpGet: { port: 'other' } },
      '127.0.0.1',
      'no port named "other" in container c',
    ],
    ['nobody listens', { httpGet: { port: 'web' } }, '127.0.0.1', 'ECONNREFUSED'],
  ])('fails: %s', async (_what, handler, podIP, message) => {
    await expect(run(handler, podIP === undefined ? {} : { podIP })).rejects.toThrow(message);
  });
});

test('K6: sleep lasts as long as it says, and no longer than the grace period', async () => {
  const clock = new FakeClock();
  const done = jest.fn();
  const metrics = new Metrics();
  const sleeping = runHook(
    { sleep: { seconds: 60 } },
    { container, containerId: 'id', podIP: undefined },
    exec(0),
    clock,
    {
      timeoutMs: 10_000,
      signal: new AbortController().signal,
      note: hookMetrics(metrics),
    },
  ).finally(done);
  await clock.advance(9_999);
  expect(done).not.toHaveBeenCalled();
  await clock.advance(1);
  await sleeping;
  expect(await metrics.registry.metrics()).toContain('kubelet_sleep_action_terminated_early_total 1\n');
});

test('K6: a hook without a handler is an error', async () => {
  await expect(run({})).rejects.toThrow('neither exec, httpGet nor sleep');
});
