/** The daemon: from flags and config file to a running scheduler. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { stringify } from 'yaml';
import { keepHeapSmall } from '../base/heap_growth.ts';
import type { ApiClient } from '../client/client.ts';
import type { ClientOptions } from '../client/http_client.ts';
import { text } from '../component/serving/exchange.ts';
import { createEventRecorder } from '../client/events.ts';
import type { EventRecorder } from '../client/events.ts';
import { createClient, inClusterConfig, loadKubeconfig } from '../client/kubeconfig.ts';
import { runLeaderElection } from '../client/leader_election.ts';
import { clientMetrics } from '../component/client_metrics.ts';
import { startComponentServer } from '../component/component_server.ts';
import { encodeConfig } from '../component/config/document.ts';
import { applyDaemonSettings } from '../component/daemon_settings.ts';
import { checkVersionFlags } from '../component/feature_flags.ts';
import type { ParsedFlags } from '../component/flags.ts';
import { formatFlags } from '../component/flags.ts';
import { HealthChecks } from '../component/health.ts';
import type { DaemonContext } from '../component/lifecycle.ts';
import { ExitError } from '../component/lifecycle.ts';
import type { Gauge } from '../component/metrics.ts';
import { Metrics } from '../component/metrics.ts';
import { metricsSettings } from '../component/metrics_settings.ts';
import { KUBERNETES_VERSION, userAgent } from '../component/version.ts';
import { assembleScheduler } from './assemble_scheduler.ts';
import { clusterInformers } from './cluster_informers.ts';
import { configOf } from './config/config_of_flags.ts';
import { schedulerNames } from './config/profiles_of_config.ts';
import type { SchedulerConfig } from './config/scheduler_config.ts';
import { SCHEDULER_CONFIG_KIND } from './config/scheduler_config.ts';
import { explainHandler } from './explain/explain_handler.ts';
import { EXPLAIN_PREFIX } from './explain/explain_prefix.ts';
import { gatesWithoutEffect } from './feature_gates.ts';
import { schedulerFlags } from './flags.ts';
import { Activity } from './ui/activity.ts';
import { installUi } from './ui/scheduler_ui.ts';
import { Extender } from './extender/extender.ts';
import { httpPost } from './extender/http_post.ts';
import { answerPluginImports } from './own_plugins/import_hook.ts';
import { loadPlugins } from './own_plugins/load_plugins.ts';
import type { OwnPlugins } from './own_plugins/own_plugins.ts';
import type { PluginDefinition } from './own_plugins/plugin_definition.ts';
import { watchPlugins } from './own_plugins/plugin_watchdog.ts';
import { createSchedulerMetrics } from './metrics.ts';
import { podResourceMetrics } from './pod_resource_metrics.ts';

/**
 * Runs the daemon until `ctx.signal` aborts.
 *
 * @throws ConfigError, ProfileError, KubeconfigError, ListenError when it cannot start, ExitError when it lost the Lease
 */
export async function run(flags: ParsedFlags<typeof schedulerFlags>, ctx: DaemonContext): Promise<void> {
  const { clock, log, signal } = ctx;
  const definitions = await pluginsOf(flags.values['plugin-module']);
  checkVersionFlags(flags.values);
  const metrics = new Metrics(metricsSettings(flags.values));
  const gates = applyDaemonSettings({
    log,
    flags,
    source: 'command line',
    featureGates: flags.values['feature-gates'],
  });
  const config = configOf(
    flags,
    definitions.map((definition) => definition.name),
    gates,
  );
  for (const vain of gatesWithoutEffect(gates)) log.warn('Feature gate has no effect', { ...vain });
  log.info('Starting Kubernetes Scheduler', { version: KUBERNETES_VERSION, implementation: 'ts-scheduler' });
  let mayWrite = (): boolean => true;
  const observe = clientMetrics(metrics);
  const guarded: ClientOptions = {
    observe,
    beforeSend(method) {
      if (method !== 'GET' && !mayWrite()) throw new LeadershipOverError('the lease is not held any more');
    },
  };
  const client = connect(config, flags.values.master, ctx, guarded);
  // Of its own, so that a burst of bindings cannot keep the Lease from being renewed.
  const election = connect(config, flags.values.master, ctx, { qps: 0, observe });
  // And so that a burst of events does not hold bindings up, as each client has its own limit of calls a second.
  const events = connect(config, flags.values.master, ctx, guarded);
  const source = flags.values.config === '' ? 'command line' : flags.values.config;
  metrics.addProcessMetrics(gates);
  const cluster = clusterInformers(client, clock, (err) => log.error(err, 'List or watch failed'));
  const { nodes, pods, objects } = cluster;
  const recorders = createRecorders(schedulerNames(config), events, ctx);
  const own = definitions.length === 0 ? undefined : ownPlugins(definitions, metrics);
  const extenders = config.extenders.map((extender) => ({ extender, http: httpPost(extender) }));
  const activity = new Activity(clock);
  let isScheduling = false;
  const { scheduler, cache, queue, decisions, profiles, handlers } = assembleScheduler({
    config,
    source,
    client,
    clock,
    log,
    objects,
    gates,
    recorders,
    extenders: extenders.map(({ extender, http }) => new Extender(extender, http.post)),
    metrics: (sources) => activity.observe(createSchedulerMetrics(metrics, sources)),
    ...(own === undefined ? {} : { ownPlugins: own.plugins }),
    maxUnschedulableMs: flags.values['pod-max-in-unschedulable-pods-duration'],
  });
  if (flags.values['write-config-to'] !== '') {
    // Only now: profiles that cannot be made are refused.
    writeFileSync(flags.values['write-config-to'], stringify(encodeConfig(config, SCHEDULER_CONFIG_KIND)));
    queue.close();
    await Promise.all([own?.close(), client.close(), election.close(), events.close()]);
    return;
  }
  nodes.addHandler(handlers.nodes);
  pods.addHandler(handlers.pods);
  cluster.wake(queue);

  const healthz = new HealthChecks(log);
  const readyz = new HealthChecks(log);
  const { leaderElect } = config.leaderElection;
  let leads = false;
  if (leaderElect)
    for (const checks of [healthz, readyz])
      checks.add('leaderElection', () => {
        if (leads && !mayWrite()) throw new Error('the lease ran out');
      });
  // A standby that watches nothing yet is ready to take over.
  const isIdle = (): boolean => leaderElect && config.delayCacheUntilActive && !leads;
  readyz.add('sched-handler-sync', () => {
    if (!isIdle() && !cluster.hasSynced)
      throw new Error('nodes, pods and what they refer to are not listed yet');
  });
  readyz.add('shutdown', () => {
    if (signal.aborted) throw new Error('process is shutting down');
  });
  const server = await startComponentServer({
    ctx,
    values: flags.values,
    flags: formatFlags(schedulerFlags, flags),
    healthz,
    livez: new HealthChecks(log),
    readyz,
    metrics,
    configurations: { componentconfig: () => encodeConfig(config, SCHEDULER_CONFIG_KIND) },
    addRoutes: (routes) => {
      const sources = { pods: pods.store, queue, decisions };
      routes.exact('/metrics/resources', ({ res }) => {
        text(res, podResourceMetrics(pods.store.list()), metrics.registry.contentType);
      });
      routes.prefix(EXPLAIN_PREFIX, explainHandler(sources));
      installUi(routes, { ...sources, clock, cache, profiles, activity, isScheduling: () => isScheduling });
    },
  });

  // Not guarded: that leadership is over can only be told afterwards.
  const [recorder] = createRecorders(schedulerNames(config).slice(0, 1), election, ctx).values();
  const leading = metrics.gauge({
    name: 'leader_election_master_status',
    help: 'Whether this process holds the lease (1) or waits for it (0).',
    labelNames: ['name'],
  });
  if (leaderElect) leading.set({ name: COMPONENT }, 0);
  const informers = new AbortController();
  let watching = isIdle() ? undefined : cluster.run(informers.signal);
  try {
    const work = async (leading: AbortSignal, holds = (): boolean => true): Promise<void> => {
      mayWrite = holds;
      leads = true;
      watching ??= cluster.run(informers.signal);
      await cluster.synced(leading);
      keepHeapSmall();
      log.info('Scheduling', {
        nodes: nodes.store.size,
        pods: pods.store.size,
        profiles: [...profiles.keys()],
      });
      ctx.notify.status(`scheduling for ${[...profiles.keys()].join(', ')}`);
      isScheduling = true;
      await scheduler.run(leading);
      isScheduling = false;
      leads = false;
    };
    ctx.notify.ready('started');
    ctx.notify.startWatchdog(async () => (await healthz.problem()) === undefined, signal);
    await (leaderElect ? lead(config, { client: election, recorder, leading }, ctx, work) : work(signal));
  } finally {
    mayWrite = () => true; // events of what was done; everything else has been told to end
    queue.close();
    await own?.close();
    informers.abort(new Error('shutting down'));
    await watching;
    await recorder?.flush();
    await Promise.all(Array.from(recorders.values(), (one) => one.flush()));
    await server?.close();
    await Promise.all(extenders.map(({ http }) => http.close()));
    await Promise.all([client.close(), election.close(), events.close()]);
  }
}

/** Every pod that is bound makes an event: they must keep pace with the bindings of a burst. */
const EVENT_WRITERS = 8;
const MAX_QUEUED_EVENTS = 10_000;

/** A scheduler that was stopped past its lease must not bind what the next one may have bound elsewhere. */
class LeadershipOverError extends Error {
  override readonly name = 'LeadershipOverError';
}

async function pluginsOf(paths: readonly string[]): Promise<readonly PluginDefinition[]> {
  if (paths.length === 0) return [];
  answerPluginImports();
  return await loadPlugins(paths);
}

function ownPlugins(
  definitions: readonly PluginDefinition[],
  metrics: Metrics,
): { readonly plugins: OwnPlugins; close(): Promise<void> } {
  const overruns = metrics.counter({
    name: 'scheduler_plugin_overruns_total',
    help: 'Pods for which a plugin took more than its budget.',
    labelNames: ['plugin', 'extension_point'],
  });
  const watch = watchPlugins();
  const now = (): number => performance.now();
  const onOverrun = (plugin: string, point: string): void => overruns.inc({ plugin, extension_point: point });
  return {
    plugins: { definitions, guard: { now, watch, onOverrun } },
    close: () => watch.close(),
  };
}

function connect(
  config: SchedulerConfig,
  master: string,
  ctx: DaemonContext,
  options: ClientOptions,
): ApiClient {
  const { kubeconfig, qps, burst } = config.clientConnection;
  const target =
    kubeconfig === '' && master === ''
      ? inClusterConfig()
      : loadKubeconfig({
          ...(kubeconfig === '' ? {} : { path: kubeconfig }),
          ...(master === '' ? {} : { server: master }),
        });
  return createClient(target, {
    qps,
    burst,
    userAgent: userAgent(ctx.name),
    clock: ctx.clock,
    onError: (err) => ctx.log.error(err, 'API client'),
    ...options,
  });
}

/** Events go out under the name of the profile, so each has a recorder of its own. */
function createRecorders(
  names: readonly string[],
  client: ApiClient,
  { clock, log }: DaemonContext,
): ReadonlyMap<string, EventRecorder> {
  return new Map(
    names.map((component) => [
      component,
      createEventRecorder(client, {
        component,
        host: hostname(),
        clock,
        api: 'events.k8s.io/v1',
        writers: EVENT_WRITERS,
        maxQueued: MAX_QUEUED_EVENTS,
        onError: (err) => log.error(err, 'Event dropped'),
        log,
      }),
    ]),
  );
}

interface ElectionParts {
  readonly client: ApiClient;
  readonly recorder: EventRecorder | undefined;
  readonly leading: Gauge<'name'>;
}

/** Of the stock scheduler, in what others see of it. */
const COMPONENT = 'kube-scheduler';

/** Competes for the Lease and works while it is held; ends the process when it is lost, as a new one starts clean. */
async function lead(
  config: SchedulerConfig,
  { client, recorder, leading }: ElectionParts,
  { clock, log, signal }: DaemonContext,
  work: (signal: AbortSignal, holds: () => boolean) => Promise<void>,
): Promise<void> {
  const { leaseDuration, renewDeadline, retryPeriod, resourceName, resourceNamespace } =
    config.leaderElection;
  const identity = `${hostname()}_${randomUUID()}`;
  let wasLeader = false;
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: resourceNamespace, name: resourceName },
  };
  const tell = (what: string): void =>
    recorder?.event(lease, 'Normal', 'LeaderElection', `${identity} ${what}`);
  await runLeaderElection({
    client,
    namespace: resourceNamespace,
    name: resourceName,
    identity,
    leaseDurationMs: leaseDuration,
    renewDeadlineMs: renewDeadline,
    retryPeriodMs: retryPeriod,
    releaseOnCancel: true,
    clock,
    onStartedLeading(working, holds) {
      wasLeader = true;
      leading.set({ name: COMPONENT }, 1);
      tell('became leader');
      return work(working, holds);
    },
    onStoppedLeading() {
      leading.set({ name: COMPONENT }, 0);
      if (wasLeader) tell('stopped leading');
      log.info('Stopped leading', { identity });
    },
    onNewLeader: (leader) => log.info('Leader', { leader, self: leader === identity }),
    onError: (err) => log.error(err, 'Leader election'),
    signal,
  });
  if (!signal.aborted) throw new ExitError('leaderelection lost', 1);
}
