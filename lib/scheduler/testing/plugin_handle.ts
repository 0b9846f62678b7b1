/** A handle for plugins in tests: an empty cluster in memory, and a client that refuses every call. */
import { FakeClock } from '../../base/fake_clock.ts';
import { nullLog } from '../../base/log.ts';
import { fakeClient } from '../../client/fake_client.ts';
import { SchedulerCache } from '../cache/cache.ts';
import type { ClusterStores } from '../framework/cluster_objects.ts';
import { emptyClusterStores } from '../framework/cluster_objects.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
import { WaitingPods } from '../framework/waiting_pods.ts';
import { NominatedPods } from '../queue/nominated_pods.ts';

export function pluginHandle(
  given: Partial<PluginHandle> = {},
): PluginHandle & { readonly objects: ClusterStores } {
  const clock = new FakeClock();
  return {
    cache: new SchedulerCache(),
    nominated: new NominatedPods(),
    waiting: new WaitingPods(clock),
    client: fakeClient({}),
    clock,
    log: nullLog,
    recorder: { event: () => undefined, flush: () => Promise.resolve() },
    activate: () => undefined,
    releaseGated: () => undefined,
    ...given,
    objects: emptyClusterStores(),
  };
}
