/** A proxy over a packet filter in memory, with its page served over plain HTTP: for looking at it, and for tests in a browser. */
import { systemClock } from '../../base/clock.ts';
import { nullLog } from '../../base/log.ts';
import { Routes } from '../../component/serving/routes.ts';
import { createPlainServer } from '../../component/serving/server.ts';
import { FakeNetfilter } from '../iptables/fake_netfilter.ts';
import type { ServiceTracker } from '../tracker/tracker.ts';
import { installUi } from '../ui/proxy_ui.ts';
import { SyncHistory } from '../ui/sync_history.ts';
import { familyProxy } from './family_proxy_under_test.ts';
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
  const under = new ProxyUnderTest({ netfilter, policy: { nodeIPs: [PAGE_NODE] } });
  const { tracker } = under;
  const history = new SyncHistory();
  const proxy = familyProxy(under, { onSync: history.add });
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
      proxy.apply(tracker.take());
      await proxy.sync(new AbortController().signal);
    },
    close: () => server.close(),
  };
}
