/** A proxy over a packet filter in memory, with its page served over plain HTTP: for looking at it, and for tests in a browser. */
import { systemClock } from '../../base/clock.ts';
import { nullLog } from '../../base/log.ts';
import { Metrics } from '../../component/metrics.ts';
import { Routes } from '../../component/serving/routes.ts';
import { createPlainServer } from '../../component/serving/server.ts';
import { ConntrackCleaner } from '../conntrack/cleaner.ts';
import { FamilyProxy } from '../family_proxy.ts';
import { FakeNetfilter } from '../iptables/fake_netfilter.ts';
import { createProxyMetrics } from '../proxy_metrics.ts';
import type { ServiceTracker } from '../tracker/tracker.ts';
import { installUi } from '../ui/proxy_ui.ts';
import { SyncHistory } from '../ui/sync_history.ts';
import { ProxyUnderTest } from './proxy_under_test.ts';

export const PAGE_NODE = '192.0.2.1';

export interface ProxyPage {
  readonly url: string;
  readonly tracker: ServiceTracker;
  readonly netfilter: FakeNetfilter;
  /** Brings what the tracker was told into force. Rejects when the packet filter refuses all of it. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export async function proxyInMemory(): Promise<ProxyPage> {
  const netfilter = new FakeNetfilter();
  const { tracker, planner, backend } = new ProxyUnderTest({ netfilter, policy: { nodeIPs: [PAGE_NODE] } });
  const history = new SyncHistory();
  const proxy = new FamilyProxy({
    planner,
    backend,
    conntrack: new ConntrackCleaner({
      family: backend.family,
      nodeAddresses: () => new Set([PAGE_NODE]),
      run: () => Promise.resolve({ exitCode: 0, stdout: '', stderr: '' }),
    }),
    metrics: createProxyMetrics(
      new Metrics(),
      { pendingServiceChanges: () => 0, pendingEndpointChanges: () => 0 },
      'iptables',
    ),
    clock: systemClock,
    log: nullLog,
    onRejected: () => undefined,
    onSync: history.add,
  });
  const routes = new Routes();
  installUi(routes, {
    clock: systemClock,
    mode: 'iptables',
    nodeName: 'n1',
    history,
    explainSources: () => [proxy],
    isNodeAddress: (ip) => ip === PAGE_NODE,
  });
  const server = await createPlainServer({
    address: '127.0.0.1',
    port: 0,
    log: nullLog,
    handler: routes.handle,
  });
  return {
    url: `http://127.0.0.1:${server.port}/ui`,
    tracker,
    netfilter,
    async sync() {
      proxy.apply(tracker.take().services, []);
      await proxy.sync(new AbortController().signal);
    },
    close: () => server.close(),
  };
}
