import { FakeClock } from '../base/fake_clock.ts';
import { RecordingLog } from '../base/log.ts';
import { FeatureGates } from './feature_gates.ts';
import { createLogger } from './logging.ts';
import { exponentialBuckets, Metrics } from './metrics.ts';
import { Routes } from './serving/routes.ts';
import type { RunningServer } from './serving/server.ts';
import { createPlainServer } from './serving/server.ts';
import { verbosityHandler } from './verbosity_handler.ts';
import { configz, flagz, statusz } from './zpages.ts';

const clock = new FakeClock(Date.UTC(2026, 10, 1, 5, 39, 9));
const log = createLogger({ format: 'text', verbosity: 0, stream: { write: () => undefined }, clock });
const metrics = new Metrics({ disabled: ['hidden_total'] });
let server: RunningServer;

beforeAll(async () => {
  const routes = new Routes();
  routes.exact('/configz', configz({ componentconfig: () => ({ kind: 'X' }) }));
  routes.exact('/statusz', statusz('kube-x', clock, routes));
  routes.exact(
    '/flagz',
    flagz(
      'kube-x',
      new Map([
        ['a', '1'],
        ['b', ''],
      ]),
    ),
  );
  routes.exact('/metrics', metrics.handle);
  routes.exact('/debug/flags/v', verbosityHandler(log));
  server = await createPlainServer({
    address: '127.0.0.1',
    port: 0,
    handler: routes.handle,
    log: new RecordingLog(),
  });
});
afterAll(async () => server.close(0));

const get = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, init);
const NOTICE =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';

test('configz', async () => {
  expect(await (await get('/configz')).json()).toEqual({ componentconfig: { kind: 'X' } });
});

test('statusz', async () => {
  await clock.advance(3_725_000);
  expect(await (await get('/statusz')).text()).toBe(
    `\nkube-x statusz\n${NOTICE}\n\n` +
      `Started  Sun Nov  1 05:39:09 UTC 2026\nUp  1 hr 02 min 05 sec\nGo version  node${process.versions.node}\n` +
      'Binary version  1.36.3\nEmulation version  1.36\nPaths  /configz /debug/flags/v /flagz /metrics\n',
  );
});

test('flagz', async () => {
  expect(await (await get('/flagz')).text()).toBe(`\nkube-x flagz\n${NOTICE}\na: 1\nb: \n`);
});

test('another content type than text is not to be had', async () => {
  const answer = await get('/flagz', { headers: { accept: 'application/json' } });
  expect(answer.status).toBe(406);
});

test('metrics are served in text format, disabled ones are not', async () => {
  metrics.counter({ name: 'seen_total', help: 'h', labelNames: ['a'] }).inc({ a: 'x"y' }, 2);
  metrics.counter({ name: 'hidden_total', help: 'h' }).inc();
  metrics.gauge({ name: 'computed', help: 'h', collect: (g) => g.set(7) });
  metrics
    .histogram({ name: 'took_seconds', help: 'h', buckets: exponentialBuckets(0.1, 2, 2) })
    .observe(0.15);
  metrics.addProcessMetrics(new FeatureGates());
  const answer = await get('/metrics');
  const body = await answer.text();
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  for (const line of [
    'seen_total{a="x\\"y"} 2',
    'computed 7',
    'took_seconds_bucket{le="0.2"} 1',
    'kubernetes_feature_enabled{name="AllAlpha",stage="ALPHA"} 0',
    'process_cpu_seconds_total ',
  ])
    expect(body).toContain(line);
  expect(body).toMatch(/kubernetes_build_info\{.*git_version="v1\.36\.3".*\} 1/);
  expect(body).not.toContain('hidden_total');
});

test('the verbosity of the log can be set', async () => {
  const answer = await get('/debug/flags/v', { method: 'PUT', body: '4' });
  expect(await answer.text()).toBe('successfully set klog.logging.verbosity to 4');
  expect(log.settings.verbosity).toBe(4);
});

test.each([
  ['GET', undefined, 406],
  ['PUT', 'x', 400],
  ['PUT', '1'.repeat(200), 400],
])('%s of %s is refused with %i', async (method, body, status) => {
  expect((await get('/debug/flags/v', { method, ...(body === undefined ? {} : { body }) })).status).toBe(
    status,
  );
});
