/** A scheduler over a cluster in memory, with its page served over plain HTTP: for looking at it, and for tests in a browser. */
import type { Node, Pod } from '../../api/types.ts';
import { systemClock } from '../../base/clock.ts';
import { nullLog } from '../../base/log.ts';
import { decodeConfig } from '../../component/config/document.ts';
import { Routes } from '../../component/serving/routes.ts';
import { createPlainServer } from '../../component/serving/server.ts';
import { assembleScheduler } from '../assemble_scheduler.ts';
import { SCHEDULER_CONFIG_KIND } from '../config/scheduler_config.ts';
import { givenObjects } from '../simulator/cluster_objects.ts';
import { NO_METRICS } from '../metrics.ts';
import { SimulatedCluster } from '../simulator/simulated_cluster.ts';
import { Activity } from '../ui/activity.ts';
import { installUi } from '../ui/scheduler_ui.ts';

export interface RunningPage {
  readonly url: string;
  /** A pod more that wants a node. */
  submit(pod: Pod): void;
  /** Resolves when every pod was tried. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export async function schedulerInMemory(nodes: readonly Node[]): Promise<RunningPage> {
  const { apiVersion, kind } = SCHEDULER_CONFIG_KIND;
  const cluster = new SimulatedCluster(
    givenObjects(
      nodes.map((node) => ({ object: { apiVersion: 'v1', kind: 'Node', ...node }, where: 'test' })),
    ),
  );
  const activity = new Activity(systemClock);
  const recorder = { event: () => undefined, flush: () => Promise.resolve() };
  const parts = assembleScheduler({
    config: decodeConfig({ apiVersion, kind }, 'test', [SCHEDULER_CONFIG_KIND]),
    source: 'test',
    client: cluster.client,
    clock: systemClock,
    log: nullLog,
    objects: cluster.stores,
    recorders: new Map([['default-scheduler', recorder]]),
    metrics: () => activity.observe(NO_METRICS),
  });
  cluster.connect(parts);
  const stop = new AbortController();
  const running = parts.scheduler.run(stop.signal);
  const routes = new Routes();
  installUi(routes, {
    ...parts,
    clock: systemClock,
    pods: cluster.stores.pods,
    activity,
    isScheduling: () => true,
  });
  const server = await createPlainServer({
    address: '127.0.0.1',
    port: 0,
    log: nullLog,
    handler: routes.handle,
  });
  return {
    url: `http://127.0.0.1:${server.port}/ui`,
    submit: (pod) => cluster.submit(pod),
    async settled() {
      for (;;) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        const { active, inFlight } = parts.queue.counts();
        if (active === 0 && inFlight === 0) return;
      }
    },
    async close() {
      stop.abort(new Error('test over'));
      await running;
      parts.queue.close();
      await server.close();
    },
  };
}
