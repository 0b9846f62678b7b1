/** `/ui` of the proxy: all Services with what becomes of their packets, and how the rules get into the kernel. */
import type { Clock } from '../../base/clock.ts';
import type { Routes } from '../../component/serving/routes.ts';
import { installPage } from '../../component/ui/page_server.ts';
import { KUBERNETES_VERSION } from '../../component/version.ts';
import type { ExplainSource } from '../explain/explain.ts';
import { explainDestination, explainService, parseDestination } from '../explain/explain.ts';
import { PROXY_PAGE_SCRIPT } from './generated/proxy_page.ts';
import type { UiOverview, UiPacket, UiTotals } from './page_data.ts';
import type { SyncHistory } from './sync_history.ts';
import { findServices, totalsOf } from './ui_data.ts';

export interface UiSources {
  readonly clock: Clock;
  readonly mode: string;
  readonly nodeName: string;
  readonly history: SyncHistory;
  /** The families that rules are written for. */
  readonly explainSources: () => readonly ExplainSource[];
  readonly isNodeAddress: (ip: string) => boolean;
}

/** However many look, the Services are counted no more often than that. */
const FRESH_MS = 1000;

export function installUi(routes: Routes, sources: UiSources): void {
  const { clock, mode, nodeName, history, explainSources, isNodeAddress } = sources;
  let known: { readonly at: number; readonly totals: UiTotals } | undefined;
  const totals = (): UiTotals => {
    const at = clock.monotonic();
    if (known === undefined || at - known.at > FRESH_MS) known = { at, totals: totalsOf(explainSources()) };
    return known.totals;
  };
  installPage(routes, {
    path: '/ui',
    title: 'ts-kube-proxy',
    script: PROXY_PAGE_SCRIPT,
    data: {
      data: (): UiOverview => ({
        now: clock.now(),
        version: KUBERNETES_VERSION,
        node: nodeName,
        mode,
        totals: totals(),
        families: explainSources().map(({ family, backend }) => ({
          family,
          rules: backend.ruleCounts(),
          nodeAddress: backend.policy.nodeIPs[0] ?? '',
        })),
        syncs: history.latest(),
      }),
      services: (_rest, query) => findServices(explainSources(), query.get('search') ?? ''),
      service: ([namespace = '', name = '']) => explainService(explainSources(), `${namespace}/${name}`),
      packet: (_rest, query): UiPacket => {
        const destination = parseDestination(
          query.get('destination') ?? '',
          query.get('protocol') ?? 'tcp',
          query.get('source') ?? '',
        );
        return destination === undefined
          ? {
              problem: 'Want a destination as IP:PORT, [IPv6]:PORT, and a source of the same family or none.',
            }
          : { explanation: explainDestination(explainSources(), destination, isNodeAddress) };
      },
    },
  });
}
