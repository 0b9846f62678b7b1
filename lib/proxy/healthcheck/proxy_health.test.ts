import type { ServerResponse } from 'node:http';
import { FakeClock } from '../../base/fake_clock.ts';
import { ProxyHealth } from './proxy_health.ts';

function setUp() {
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const codes: string[] = [];
  const node = { eligible: true };
  const health = new ProxyHealth({
    clock,
    families: ['IPv4', 'IPv6'],
    timeoutMs: 60_000,
    isNodeEligible: () => node.eligible,
    onAnswer: (path, code) => codes.push(`${path} ${code}`),
  });
  const ask = (path: 'healthz' | 'livez'): { code: number; body: unknown } => {
    let code = 0;
    let body: unknown;
    const res = {
      writeHead: (c: number) => (code = c),
      end: (text: string): void => {
        body = JSON.parse(text);
      },
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a stand-in with the two methods that are used
    void health[path]({ res: res as unknown as ServerResponse } as Parameters<typeof health.healthz>[0]);
    return { code, body };
  };
  const both = (): number[] => [ask('healthz').code, ask('livez').code];
  const sync = (): void => {
    health.updated('IPv4');
    health.updated('IPv6');
  };
  return { clock, health, node, ask, both, sync, codes };
}

test('P12: before the first sync: alive, but no traffic yet; too late: neither', async () => {
  const { clock, both } = setUp();
  expect(both()).toEqual([503, 200]);
  await clock.advance(60_000);
  expect(both()).toEqual([503, 503]);
});

test('P12: after it: both, for as long as nothing changes', async () => {
  const { clock, both, sync } = setUp();
  sync();
  await clock.advance(3_600_000);
  expect(both()).toEqual([200, 200]);
});

test.each([86_400_000, -86_400_000])('P12: the wall clock is set by %i ms: healthy as before', async (ms) => {
  const { clock, health, both, sync } = setUp();
  sync();
  health.queued('IPv4');
  clock.stepWall(ms);
  await clock.advance(59_000);
  expect(both()).toEqual([200, 200]);
  await clock.advance(1000);
  expect(both()).toEqual([503, 503]);
});

test('P12: one family that does not keep up is enough to be unhealthy', async () => {
  const { clock, health, both, sync } = setUp();
  sync();
  health.queued('IPv4');
  health.queued('IPv6');
  health.updated('IPv4');
  await clock.advance(30_000);
  health.queued('IPv6');
  expect(both()).toEqual([200, 200]);
  await clock.advance(30_000);
  expect(both()).toEqual([503, 503]);
  health.updated('IPv6');
  expect(both()).toEqual([200, 200]);
});

test('P12: a node that is about to go: not healthy for load balancers, alive all the same', () => {
  const { node, both, sync } = setUp();
  sync();
  node.eligible = false;
  expect(both()).toEqual([503, 200]);
});

test("P12: upstream's JSON", () => {
  const { ask, health, codes } = setUp();
  health.updated('IPv4');
  const at = '2026-01-01T00:00:00.000Z';
  const none = '0001-01-01T00:00:00Z';
  expect(ask('healthz').body).toEqual({
    lastUpdated: at,
    currentTime: at,
    nodeEligible: true,
    healthy: false,
    status: { IPv4: { lastUpdated: at, healthy: true }, IPv6: { lastUpdated: none, healthy: true } },
  });
  expect(ask('livez').body).not.toHaveProperty('nodeEligible');
  expect(codes).toEqual(['healthz 503', 'livez 200']);
});
