/** The kubelet's page over pods in memory, served over plain HTTP: for looking at it, and for tests in a browser. */
import type { Clock } from '../../base/clock.ts';
import { nullLog } from '../../base/log.ts';
import type { Node, Pod } from '../../api/types.ts';
import { createPlainServer } from '../../component/serving/server.ts';
import { Routes } from '../../component/serving/routes.ts';
import { MemoryTimeline } from '../explain/timeline.ts';
import { installUi } from '../ui/kubelet_ui.ts';

export interface KubeletPage {
  readonly url: string;
  readonly timeline: MemoryTimeline;
  /** By NAMESPACE/NAME, each with its status. */
  readonly pods: Map<string, Pod>;
  node: Node | undefined;
  close(): Promise<void>;
}

export async function kubeletPageInMemory(clock: Clock): Promise<KubeletPage> {
  const routes = new Routes();
  const timeline = new MemoryTimeline(clock);
  const pods = new Map<string, Pod>();
  const byUid = (uid: string): Pod | undefined => [...pods.values()].find((p) => p.metadata.uid === uid);
  const server = await createPlainServer({
    address: '127.0.0.1',
    port: 0,
    log: nullLog,
    handler: routes.handle,
  });
  const page: KubeletPage = {
    url: `http://127.0.0.1:${server.port}/ui`,
    timeline,
    pods,
    node: undefined,
    close: () => server.close(),
  };
  installUi(routes, {
    clock,
    nodeName: 'node-1',
    timeline,
    node: () => page.node,
    pods: {
      pod: byUid,
      podByName: (namespace, name) => pods.get(`${namespace}/${name}`),
      pods: () => [...pods.values()],
      status: (uid) => byUid(uid)?.status,
    },
  });
  return page;
}
