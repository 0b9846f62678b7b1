/**
 * The kubelet put together. Each concern has its file in `assembly/`: a function that takes what was made before it and
 * returns (or starts) its own. A new part is a file there and a line here; what it says about the node goes to
 * `nodeInputs`, what it refuses to `admission`, what it does in the background to `background`.
 */
import type { ParsedFlags } from '../component/flags.ts';
import type { DaemonContext } from '../component/lifecycle.ts';
import { createBase } from './assembly/base.ts';
import { containerInputs } from './assembly/container_inputs.ts';
import { createImages } from './assembly/images.ts';
import { createMetrics } from './assembly/metrics.ts';
import { startEviction } from './assembly/eviction.ts';
import { startHousekeeping } from './assembly/housekeeping.ts';
import { createNode } from './assembly/node.ts';
import { startNode } from './assembly/node_start.ts';
import { cleanUpOrphans } from './assembly/orphan_cleanup.ts';
import { knownPods } from './assembly/pods.ts';
import { createProbes } from './assembly/probes.ts';
import { connectToRuntime, followRuntime } from './assembly/runtime.ts';
import { loadResizes } from './assembly/resizes.ts';
import { startServers } from './assembly/servers.ts';
import { delayShutdown } from './assembly/shutdown.ts';
import { runSources } from './assembly/sources.ts';
import { addStateMetrics } from './assembly/state_metrics.ts';
import { createStats } from './assembly/stats.ts';
import { createUserNamespaces } from './assembly/user_namespaces.ts';
import { createWorkers, runWorkers } from './assembly/workers.ts';
import type { kubeletFlags } from './flags.ts';

const EVENTS_FLUSH_MS = 2000;

/**
 * Runs the daemon until `ctx.signal` aborts.
 *
 * @throws Error when it cannot start; the message is the one sentence that the operator sees
 */
export async function run(flags: ParsedFlags<typeof kubeletFlags>, ctx: DaemonContext): Promise<void> {
  const base = await createBase(flags, ctx);
  const { background, config, log, signal } = base;

  // ---------------------------------------------------------- made, in the order of who needs whom
  const counting = { ...base, ...createMetrics(base) };
  const known = {
    ...counting,
    ...(await loadResizes(base)),
    ...(await connectToRuntime(counting)),
    ...knownPods(counting),
  };
  const onNode = { ...known, ...(await createNode(known)) };
  const equipped = { ...onNode, ...containerInputs(onNode), ...createProbes(onNode) };
  const supplied = {
    ...equipped,
    ...(await createImages(equipped)),
    ...(await createUserNamespaces(equipped)),
  };
  const working = { ...supplied, ...createStats(supplied), ...createWorkers(supplied) };
  addStateMetrics(working);

  // ---------------------------------------------------------- started
  await startNode(working);
  if (base.hasApi) background.start('Node reporter failed', working.reporter.run(signal));
  background.start('Status writer failed', working.statuses.run(signal));
  await followRuntime(working);
  const kept = { ...working, ...startHousekeeping(working) };
  startEviction(kept);
  delayShutdown(kept);
  runWorkers(working);
  const kubelet = { ...kept, ...runSources(kept) };
  cleanUpOrphans(kubelet);

  // ---------------------------------------------------------- served, until the end
  const servers = await startServers(kubelet, flags);
  ctx.notify.ready(`Running pods of node ${working.nodeName}`);
  ctx.notify.startWatchdog(() => kubelet.cache.problem() === undefined, signal);
  log.info('Kubelet is running', { address: config.address, port: config.port });
  await aborted(signal);
  await Promise.all(servers.map((server) => server.close()));
  await background.ended();
  // Events are best effort.
  await kubelet.recorder.flush(AbortSignal.timeout(EVENTS_FLUSH_MS)).catch(() => undefined);
  kubelet.objects.close();
  kubelet.cri.close();
  for (const client of [kubelet.client, kubelet.eventClient, kubelet.heartbeatClient]) await client.close();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
