import { RecordingLog } from '../base/log.ts';
import { HealthChecks } from './health.ts';
import { Routes } from './serving/routes.ts';
import type { RunningServer } from './serving/server.ts';
import { createPlainServer } from './serving/server.ts';

let server: RunningServer;
let broken: boolean;
const log = new RecordingLog();

beforeEach(async () => {
  broken = false;
  const routes = new Routes();
  const checks = new HealthChecks(log);
  checks.add('informers', () => undefined);
  checks.add('leader/election', async () => {
    if (broken) throw new Error('lease lost');
  });
  checks.install(routes, '/livez');
  server = await createPlainServer({ address: '127.0.0.1', port: 0, handler: routes.handle, log });
});
afterEach(async () => server.close(0));

async function get(path: string): Promise<[number, string]> {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return [answer.status, await answer.text()];
}

test.each([
  ['/livez', 'ok'],
  ['/livez/ping', 'ok'],
  ['/livez/leader/election', 'ok'],
  ['/livez?verbose', '[+]ping ok\n[+]informers ok\n[+]leader/election ok\nlivez check passed\n'],
  [
    '/livez?verbose&exclude=informers',
    '[+]ping ok\n[+]informers excluded: ok\n[+]leader/election ok\nlivez check passed\n',
  ],
  [
    '/livez?verbose&exclude=a&exclude=b',
    '[+]ping ok\n[+]informers ok\n[+]leader/election ok\nwarn: some health checks cannot be excluded: no matches for "a", "b"\nlivez check passed\n',
  ],
])('%s while all is well', async (path, body) => {
  expect(await get(path)).toEqual([200, body]);
});

test.each([
  [
    '/livez',
    500,
    '[+]ping ok\n[+]informers ok\n[-]leader/election failed: reason withheld\nlivez check failed\n',
  ],
  ['/livez/leader/election', 500, 'internal server error: leader/election: lease lost\n'],
  ['/livez/informers', 200, 'ok'],
  ['/livez?exclude=leader/election', 200, 'ok'],
  ['/livez/none', 404, '404 page not found\n'],
  ['/livez/', 404, '404 page not found\n'],
])('%s while a check fails', async (path, status, body) => {
  broken = true;
  expect(await get(path)).toEqual([status, body]);
});

test('the reason of a failure is in the log', async () => {
  broken = true;
  log.entries.length = 0;
  await get('/livez');
  expect(log.entries).toMatchObject([
    { msg: 'Health check failed', kv: { failed: ['leader/election: lease lost'] } },
  ]);
});

test('the first problem is for the watchdog', async () => {
  const checks = new HealthChecks(log, { name: 'loop', check: () => Promise.reject(new Error('stuck')) });
  expect(await checks.problem()).toBe('loop: stuck');
  expect(await new HealthChecks(log).problem()).toBeUndefined();
});

test.each(['ping', 'with space', ''])('a check cannot be named "%s"', (name) => {
  expect(() => new HealthChecks(log).add(name, () => undefined)).toThrow(RangeError);
});
