import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeClock } from '../base/fake_clock.ts';
import { RecordingLog } from '../base/log.ts';
import { decodeConfig } from '../component/config/document.ts';
import { Metrics } from '../component/metrics.ts';
import type { RunningServer } from '../component/serving/server.ts';
import { PROXY_CONFIG_KIND } from './config/proxy_config.ts';
import { ProxyHealth } from './healthcheck/proxy_health.ts';
import { startServers } from './servers.ts';
import { proxyMetrics } from './testing/family_proxy_under_test.ts';
import { SyncHistory } from './ui/sync_history.ts';

const log = new RecordingLog();
const clock = new FakeClock();
const health = new ProxyHealth({ clock, families: ['IPv4'], timeoutMs: 60_000 });
let running: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(running.map((server) => server.close()));
  running = [];
});

async function start(fields: Readonly<Record<string, unknown>> = {}): Promise<RunningServer[]> {
  const metrics = new Metrics();
  proxyMetrics(metrics, 'nftables');
  const anywhere = { healthzBindAddress: '127.0.0.1:0', metricsBindAddress: '127.0.0.1:0' };
  const { apiVersion, kind } = PROXY_CONFIG_KIND;
  running = await startServers({
    config: decodeConfig({ apiVersion, kind, mode: 'nftables', ...anywhere, ...fields }, 'test', [
      PROXY_CONFIG_KIND,
    ]),
    flags: new Map([['hostname-override', 'n1']]),
    log,
    clock,
    metrics,
    health,
    nodeName: 'n1',
    history: new SyncHistory(),
    explainSources: () => [],
    isNodeAddress: () => false,
  });
  return running;
}

async function ask(server: RunningServer | undefined, path: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${server?.port ?? 0}${path}`);
  return `${answer.status} ${await answer.text()}`;
}

test.each([
  ['/healthz', /^503/],
  ['/livez', /^200/],
  ['/metrics', /^404/],
])('P12: the health port before the first sync: %s', async (path, want) => {
  const [healthz] = await start();
  expect(await ask(healthz, path)).toMatch(want);
});

test.each([
  ['/healthz', /^200 ok/],
  ['/proxyMode', /^200 nftables$/],
  ['/metrics', /^200 [^]*kubeproxy_network_programming_duration_seconds/],
  ['/configz', /^200 .*"kubeproxy.config.k8s.io":.*"mode":"nftables"/],
  ['/statusz', /^200 [^]*kube-proxy statusz/],
  ['/flagz', /^200 [^]*hostname-override: n1/],
  ['/debug/explain?destination=10.0.0.1:80', /^200 .*no IPv4 rules on this node/],
  ['/debug/explain?destination=nowhere', /^400 want \?destination=IP:PORT/],
  ['/debug/explain/services/a/b', /^200 .*no rules/],
  ['/debug/explain/services/a', /^400 want/],
  ['/ui', /^200 <!doctype html>/],
  ['/else', /^404/],
])('P12, P14: the metrics port: %s', async (path, want) => {
  const [, metrics] = await start();
  expect(await ask(metrics, path)).toMatch(want);
});

describe('P12: a port that is taken', () => {
  const other = createServer();
  let taken: string;
  beforeEach(async () => {
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server has such an address
    taken = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  });
  afterEach(() => new Promise((resolve) => other.close(resolve)));

  test('is said, the proxy works on, and it is tried again until it is free', async () => {
    const [, metrics] = await start({ metricsBindAddress: taken });
    expect(JSON.stringify(log.entries)).toContain('Cannot start a server');
    await clock.advance(5000);
    await new Promise((resolve) => other.close(resolve));
    while (!JSON.stringify(log.entries).includes('Started the server')) {
      await clock.advance(5000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await ask(metrics, '/proxyMode')).toBe('200 nftables');
  });

  test('is not tried any more when the proxy ends', async () => {
    await start({ metricsBindAddress: taken });
    const waiting = clock.pending;
    await Promise.all(running.map((server) => server.close()));
    expect(clock.pending).toBe(waiting - 1);
  });

  test('is an error with bindAddressHardFail', async () => {
    await expect(start({ healthzBindAddress: taken, bindAddressHardFail: true })).rejects.toThrow(taken);
  });
});
