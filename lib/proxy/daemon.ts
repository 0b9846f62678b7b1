/** The proxy daemon: configuration, watches, syncs and servers put together. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import type { EndpointSlice, Node, Service } from '../api/types.ts';
import { errorMessage, isAbort } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { UnusedMemory } from '../base/unused_memory.ts';
import type { ApiClient } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import { createEventRecorder } from '../client/events.ts';
import { createInformer } from '../client/informer.ts';
import { createClient, loadKubeconfig } from '../client/kubeconfig.ts';
import { ENDPOINT_SLICES, NODES, SERVICES } from '../client/resource.ts';
import { ConfigError } from '../component/config/document.ts';
import { applyDaemonSettings } from '../component/daemon_settings.ts';
import type { FeatureGates } from '../component/feature_gates.ts';
import type { ParsedFlags } from '../component/flags.ts';
import { formatFlags } from '../component/flags.ts';
import type { DaemonContext } from '../component/lifecycle.ts';
import type { RunningServer } from '../component/serving/server.ts';
import { clientMetrics } from '../component/client_metrics.ts';
import { Metrics } from '../component/metrics.ts';
import { watchFileContent } from './config/file_change.ts';
import { configOf } from './config/from_flags.ts';
import { modeSettings } from './config/mode_settings.ts';
import type { ProxyConfig } from './config/proxy_config.ts';
import { configProblems, fieldsWithoutEffect } from './config/validate.ts';
import { ConntrackCleaner } from './conntrack/cleaner.ts';
import { FamilyProxy } from './family_proxy.ts';
import { proxyFlags } from './flags.ts';
import { ProxyHealth } from './healthcheck/proxy_health.ts';
import type { ServiceHealth } from './healthcheck/service_health.ts';
import { ServiceHealthServers } from './healthcheck/service_health.ts';
import type { Family } from './model/address.ts';
import { AddressRange } from './model/address.ts';
import { ServicePlanner } from './model/planner.ts';
import type { ServicePort } from './model/service_port.ts';
import type { NodeState } from './node_state.ts';
import { UNKNOWN_NODE, familyPolicy, machineAddresses, nodeNameOf, nodeState } from './node_state.ts';
import { createProxyMetrics } from './proxy_metrics.ts';
import { startServers } from './servers.ts';
import type { FamilySupport } from './startup.ts';
import { applyOomScore, cleanUp, prepareFamilies, prepareMachine, writeConfig } from './startup.ts';
import { SyncRunner } from './sync_runner.ts';
import type { InputProblem } from './tracker/service_ports.ts';
import { HEADLESS_LABEL, SERVICE_PROXY_NAME_LABEL } from './tracker/service_ports.ts';
import { storedService, storedSlice } from './tracker/stored_fields.ts';
import { ServiceTracker } from './tracker/tracker.ts';
import { SyncHistory } from './ui/sync_history.ts';

type Flags = ParsedFlags<typeof proxyFlags>;

// Not even fetched: Services and slices that are none of this proxy's business.
const OUR_SERVICES = `!${SERVICE_PROXY_NAME_LABEL}`;
const OUR_SLICES = `${OUR_SERVICES},!${HEADLESS_LABEL}`;
/** All rules are compared with the kernel that often; flushes are noticed by the canary much earlier. */
const FULL_SYNC_MS = 3_600_000;
/** A sync of so many takes much memory for a moment: 10,000 Services with three endpoints 300 MB, where 60 MB stay in use. */
const MANY_SERVICES = 1000;

/**
 * With 10,000 Services and 100 changes a second 196 MB at most instead of 323, for some CPU. One of the few flags that the
 * engine reads each time anew.
 */
const HEAP_GROWTH = '--heap-growing-percent=25';
/** A proxy mostly waits: at 10 ms, measuring the event loop would be most of what it does then. */
const EVENT_LOOP_EVERY_MS = 100;

interface Settings {
  readonly config: ProxyConfig;
  readonly gates: FeatureGates;
}

/**
 * Runs the daemon until `ctx.signal` aborts. Rules stay in force when it ends, however it ends. When the content of its
 * config file changes, it begins anew with the new one; one that is wrong is reported, and the old one stays in force.
 *
 * @throws Error when it cannot start; the message is the one sentence that the operator sees
 */
export async function run(flags: Flags, ctx: DaemonContext): Promise<void> {
  const { log } = ctx;
  setFlagsFromString(HEAP_GROWTH);
  let content = contentOf(flags);
  let settings: Settings = settle(flags, log);
  if (flags.values['write-config-to'] !== '')
    return writeConfig(settings.config, flags.values['write-config-to'], log);
  if (flags.values.cleanup) return cleanUp(log);
  const history = new SyncHistory();

  for (;;) {
    const { config, gates } = settings;
    await applyOomScore(config.oomScoreAdj, log);
    if (flags.values['init-only']) return void (await prepareMachine(config, log));
    const renewal = new AbortController();
    const stop = new AbortController();
    let next: Settings | undefined;
    watchConfig(flags, ctx, content, stop.signal, (changed, changedContent) => {
      next = changed;
      content = changedContent;
      renewal.abort();
    });
    const signal = AbortSignal.any([ctx.signal, renewal.signal]);
    try {
      history.beginAnew();
      await new ProxyDaemon({ flags, config, gates, history, ctx: { ...ctx, signal } }).run();
    } catch (err) {
      if (!renewal.signal.aborted || ctx.signal.aborted || !isAbort(err, signal)) throw err;
    } finally {
      stop.abort();
    }
    if (ctx.signal.aborted || next === undefined) return undefined;
    settings = next;
  }
}

/** @throws ConfigError, FeatureGateError: nothing is changed then */
function settle(flags: Flags, log: DaemonContext['log']): Settings {
  const source = flags.values.config || 'command line';
  const config = configOf(flags, ({ path, message }) =>
    log.warn('A field of the configuration is left out', { field: path, why: message }),
  );
  const problems = configProblems(config);
  if (problems.length > 0) throw new ConfigError(source, problems);
  for (const field of fieldsWithoutEffect(config))
    log.warn('A field of the configuration has no effect', field);
  const gates = applyDaemonSettings({
    log,
    flags,
    source,
    featureGates: Object.entries(config.featureGates),
    logging: config.logging,
    showHiddenMetricsForVersion: config.showHiddenMetricsForVersion,
  });
  return { config, gates };
}

// Read before it is decoded: what is written between the two is a change.
function contentOf(flags: Flags): string {
  const path = flags.values.config;
  try {
    return path === '' ? '' : readFileSync(path, 'utf8');
  } catch {
    return ''; // decoding it says what is wrong
  }
}

function watchConfig(
  flags: Flags,
  { log, clock }: DaemonContext,
  content: string,
  signal: AbortSignal,
  onChange: (settings: Settings, content: string) => void,
): void {
  const path = flags.values.config;
  if (path === '') return;
  const onError = (err: unknown): void =>
    log.error(err, 'Cannot watch the config file; changes of it need a restart', { file: path });
  try {
    const changed = (now: string): void => {
      try {
        const settings = settle(flags, log);
        log.info('The config file has changed; beginning anew with it', { file: path });
        onChange(settings, now);
      } catch (err) {
        log.error(err, 'The changed config file cannot be used; the old configuration stays in force', {
          file: path,
        });
      }
    };
    watchFileContent(content, { path, clock, signal, onChange: changed, onError });
  } catch (err) {
    onError(err);
  }
}

interface ProxyDaemonOptions extends Settings {
  readonly flags: Flags;
  /** Outlives this daemon when the config file changes. */
  readonly history: SyncHistory;
  readonly ctx: DaemonContext;
}

class ProxyDaemon {
  readonly #flags: Flags;
  readonly #config: ProxyConfig;
  readonly #gates: FeatureGates;
  readonly #ctx: DaemonContext;
  readonly #log: Log;
  readonly #nodeName: string;
  readonly #tracker: ServiceTracker;
  readonly #metrics = new Metrics();
  readonly #client: ApiClient;
  readonly #events: EventRecorder;
  readonly #memory = new UnusedMemory();
  readonly #history: SyncHistory;
  // Set in run(), before anything that uses them is started.
  #families: Array<{ proxy: FamilyProxy; support: FamilySupport }> = [];
  #node: NodeState = UNKNOWN_NODE;
  #policies = '';
  // Families in which no rules of another mode are left.
  readonly #alone = new Set<Family>();

  constructor({ flags, config, gates, history, ctx }: ProxyDaemonOptions) {
    this.#flags = flags;
    this.#config = config;
    this.#gates = gates;
    this.#ctx = ctx;
    this.#log = ctx.log;
    this.#history = history;
    this.#nodeName = nodeNameOf(config, hostname());
    this.#client = createClient(
      loadKubeconfig({
        ...(config.clientConnection.kubeconfig === '' ? {} : { path: config.clientConnection.kubeconfig }),
        ...(flags.values.master === '' ? {} : { server: flags.values.master }),
      }),
      {
        qps: config.clientConnection.qps,
        burst: config.clientConnection.burst,
        userAgent: 'ts-kube-proxy',
        clock: ctx.clock,
        observe: clientMetrics(this.#metrics),
        onError: (err) => ctx.log.error(err, 'API client'),
      },
    );
    this.#events = createEventRecorder(this.#client, {
      component: 'kube-proxy',
      host: this.#nodeName,
      clock: ctx.clock,
      api: 'events.k8s.io/v1',
      onError: (err) => ctx.log.v(2).info('Event dropped', { err: errorMessage(err) }),
      log: ctx.log,
    });
    this.#tracker = new ServiceTracker({
      nodeName: this.#nodeName,
      onProblems: (object, problems) => this.#reportProblems(object, problems),
    });
  }

  async run(): Promise<void> {
    // What is begun ends with this daemon, whatever else lets it end.
    const end = new AbortController();
    const signal = AbortSignal.any([this.#ctx.signal, end.signal]);
    const running: Array<Promise<unknown>> = [];
    const servers: Array<Pick<RunningServer, 'close'>> = [];
    try {
      await this.#run(signal, running, servers);
    } finally {
      end.abort();
      await Promise.allSettled(running);
      await Promise.allSettled(servers.map((server) => server.close()));
      await this.#client.close();
    }
  }

  async #run(
    signal: AbortSignal,
    running: Array<Promise<unknown>>,
    servers: Array<Pick<RunningServer, 'close'>>,
  ): Promise<void> {
    const { clock, notify } = this.#ctx;
    const log = this.#log;
    // The machine is looked at while the apiserver answers and this process goes on.
    const preparing = prepareFamilies(this.#config, log);
    running.push(preparing);
    const tracker = this.#tracker;
    const nodes = createInformer(this.#client, NODES, {
      fieldSelector: `metadata.name=${this.#nodeName}`,
      clock,
      onError: (err) => log.error(err, 'Failed to watch the Node'),
    });
    const services = createInformer(this.#client, SERVICES, {
      labelSelector: OUR_SERVICES,
      transform: storedService,
      clock,
      onError: (err) => log.error(err, 'Failed to watch Services'),
    });
    const slices = createInformer(this.#client, ENDPOINT_SLICES, {
      labelSelector: OUR_SLICES,
      transform: storedSlice,
      clock,
      onError: (err) => log.error(err, 'Failed to watch EndpointSlices'),
    });
    let synced = false;
    const changed = (): void => {
      // Half of the Services would be worse than the rules that are there from before.
      if (!synced) return;
      for (const { proxy } of this.#families) {
        health.queued(proxy.family);
        metrics.lastQueued.set({ ip_family: proxy.family }, clock.now() / 1000);
      }
      runner.request();
    };
    services.addHandler({
      add: (s) => (tracker.setService(s), changed()),
      update: (_old, s) => (tracker.setService(s), changed()),
      delete: (s) => (tracker.deleteService(s), changed()),
    });
    slices.addHandler({
      add: (s) => (tracker.setSlice(s), changed()),
      update: (_old, s) => (tracker.setSlice(s), changed()),
      delete: (s) => (tracker.deleteSlice(s), changed()),
    });
    let isNodeEligible = true;
    const onNode = (node: Node): void => {
      this.#node = nodeState(node);
      isNodeEligible = this.#node.eligible;
      if (synced && this.#applyNode()) changed();
    };
    nodes.addHandler({
      add: onNode,
      update: (_old, node) => onNode(node),
      // What was known stays: a Node object that is made anew (by the kubelet) must not change rules twice.
      delete: () => {
        isNodeEligible = false;
      },
    });
    running.push(services.run(signal), slices.run(signal), nodes.run(signal));

    this.#metrics.addProcessMetrics(this.#gates, EVENT_LOOP_EVERY_MS);
    const metrics = createProxyMetrics(
      this.#metrics,
      {
        pendingServiceChanges: () => tracker.pendingServiceChanges,
        pendingEndpointChanges: () => tracker.pendingEndpointChanges,
      },
      this.#config.mode === 'nftables' ? 'nftables' : 'iptables',
    );
    const supports = await preparing;
    const health = new ProxyHealth({
      clock,
      families: supports.map((s) => s.family),
      timeoutMs: 2 * modeSettings(this.#config).syncPeriod,
      isNodeEligible: () => isNodeEligible,
      onAnswer: (path, code) => metrics[path].inc({ code: String(code) }),
    });
    const runner = new SyncRunner({
      clock,
      minIntervalMs: modeSettings(this.#config).minSyncPeriod,
      periodMs: modeSettings(this.#config).syncPeriod,
      sync: () => this.#sync(metrics, health, serviceServers),
      periodic: () => this.#periodic(runner, serviceServers),
      onError: (err, retryInMs) => log.error(err, 'Sync failed', { retryIn: `${Math.round(retryInMs)}ms` }),
    });

    const serviceServers = new ServiceHealthServers({
      log,
      addresses: (family) =>
        this.#families.find(({ proxy }) => proxy.family === family)?.proxy.backend.policy.nodePortAddresses,
      proxyHealthy: () => health.isServing,
      onListenError: (service, err) => this.#healthPortTaken(service, err),
    });
    servers.push(serviceServers);
    const started = await startServers({
      config: this.#config,
      flags: formatFlags(proxyFlags, this.#flags),
      log: this.#ctx.log,
      clock,
      metrics: this.#metrics,
      health,
      nodeName: this.#nodeName,
      history: this.#history,
      explainSources: () => this.#families.map(({ proxy }) => proxy),
      isNodeAddress,
    });
    servers.push(...started);
    this.#events.event({ apiVersion: 'v1', kind: 'Node', name: this.#nodeName }, 'Normal', 'Starting', '', {
      action: 'StartKubeProxy',
    });
    // Rules of before are in force, and an apiserver that is away must not make the service manager restart the proxy.
    notify.ready('waiting for the apiserver');
    await Promise.all([nodes.synced(signal), services.synced(signal), slices.synced(signal)]);
    this.#setFamilies(supports, metrics);
    this.#applyNode();
    synced = true;
    changed();
    notify.status(`${services.store.size} Services`);
    log.info('Watching Services and EndpointSlices', {
      node: this.#nodeName,
      services: services.store.size,
      endpointSlices: slices.store.size,
      families: supports.map((s) => s.family),
    });
    const fullSync = this.#requestFullSyncs(runner);
    await runner.run(signal);
    fullSync.cancel();
  }

  #setFamilies(supports: readonly FamilySupport[], metrics: ReturnType<typeof createProxyMetrics>): void {
    const { clock } = this.#ctx;
    this.#families = supports.map((support) => ({
      support,
      proxy: new FamilyProxy({
        backend: support.createBackend(this.#policy(support), this.#log),
        planner: new ServicePlanner(this.#tracker, { family: support.family, nodeName: this.#nodeName }),
        conntrack: new ConntrackCleaner({
          family: support.family,
          nodeAddresses: () => new Set(machineAddresses().map((a) => a.ip)),
        }),
        metrics,
        clock,
        log: this.#log,
        onRejected: (id, error) => this.#reportRejected(id, error),
        onSync: this.#history.add,
      }),
    }));
    this.#policies = this.#policyText();
    for (const { proxy } of this.#families) {
      if (proxy.backend.policy.localDetector !== undefined) continue;
      this.#log.info('Traffic of pods cannot be told from other traffic: no range of pods is known', {
        ipFamily: proxy.family,
        detectLocalMode: this.#config.detectLocalMode,
      });
    }
  }

  #policy(support: FamilySupport): ReturnType<typeof familyPolicy> {
    return familyPolicy(support.family, this.#config, this.#node, machineAddresses(), support);
  }

  #policyText(): string {
    return JSON.stringify(
      this.#families.map(({ support }) => this.#policy(support)),
      (_key, value: unknown) => (value instanceof AddressRange ? value.toString() : value),
    );
  }

  /** Addresses, pod ranges or zone may have changed. @returns whether rules have to change */
  #applyNode(): boolean {
    let changed = false;
    for (const { proxy } of this.#families) {
      const changes = proxy.planner.setZone(this.#node.zone);
      if (changes.length > 0) changed = true;
      proxy.accept(changes);
    }
    const policies = this.#policyText();
    if (policies === this.#policies) return changed;
    this.#policies = policies;
    for (const { proxy, support } of this.#families) proxy.backend.setPolicy(this.#policy(support));
    return true;
  }

  async #sync(
    metrics: ReturnType<typeof createProxyMetrics>,
    health: ProxyHealth,
    serviceServers: ServiceHealthServers,
  ): Promise<void> {
    const changes = this.#tracker.take();
    metrics.serviceChanges.inc(changes.serviceChanges);
    metrics.endpointChanges.inc(changes.endpointChanges);
    for (const { proxy } of this.#families) proxy.apply(changes);
    const failures: unknown[] = [];
    for (const { proxy, support } of this.#families) {
      try {
        // Not aborted by a shutdown: a commit under way is finished, the next start finds it complete.
        await proxy.sync(new AbortController().signal);
        health.updated(proxy.family);
        await this.#removeOtherModes(support);
      } catch (err) {
        failures.push(err);
      }
    }
    await serviceServers.update(this.#serviceHealth());
    if (changes.services.size > MANY_SERVICES) this.#memory.release();
    if (failures.length > 0)
      throw failures.length === 1 ? failures[0] : new AggregateError(failures, 'both families');
  }

  /** After the first sync, so that no packet is without rules while one mode takes over from another. */
  async #removeOtherModes(support: FamilySupport): Promise<void> {
    if (this.#alone.has(support.family)) return;
    if (await support.removeOtherModes()) {
      this.#log.info('Removed the rules of a proxy in another mode', { ipFamily: support.family });
    }
    this.#alone.add(support.family);
  }

  async #periodic(runner: SyncRunner, serviceServers: ServiceHealthServers): Promise<void> {
    if (this.#applyNode()) runner.request();
    for (const { proxy } of this.#families) {
      if (await proxy.backend.isIntact()) continue;
      this.#log.warn('Rules of the proxy were flushed or changed by another program; repairing', {
        ipFamily: proxy.family,
      });
      proxy.backend.requestFullSync();
      runner.request();
    }
    // A port of a health check that another program had may be free by now.
    await serviceServers.update(this.#serviceHealth());
    this.#memory.release();
  }

  #requestFullSyncs(runner: SyncRunner): { cancel(): void } {
    const arm = (): { cancel(): void } =>
      this.#ctx.clock.setTimer(FULL_SYNC_MS, () => {
        for (const { proxy } of this.#families) proxy.backend.requestFullSync();
        runner.request();
        timer = arm();
      });
    let timer = arm();
    return { cancel: () => timer.cancel() };
  }

  #serviceHealth(): ServiceHealth[] {
    const found: ServiceHealth[] = [];
    for (const { proxy } of this.#families) {
      const byService = new Map<string, { port: ServicePort; local: Set<string> }>();
      for (const { port } of proxy.planner.plans.values()) {
        if (port.healthCheckNodePort === 0) continue;
        const key = `${port.namespace}/${port.name}`;
        const entry = byService.get(key) ?? { port, local: new Set<string>() };
        byService.set(key, entry);
        for (const e of this.#tracker.endpoints(port)) if (e.isLocal && e.ready) entry.local.add(e.ip);
      }
      for (const { port, local } of byService.values())
        found.push({
          namespace: port.namespace,
          name: port.name,
          family: proxy.family,
          port: port.healthCheckNodePort,
          localEndpoints: local.size,
        });
    }
    return found;
  }

  #reportProblems(object: Service | EndpointSlice, problems: readonly InputProblem[]): void {
    const { namespace = '', name, uid } = object.metadata;
    const kind = 'spec' in object ? 'Service' : 'EndpointSlice';
    const message = problems.map((p) => p.message).join('; ');
    this.#log.warn('Part of an object cannot be used', { kind, namespace, name, message });
    const apiVersion = kind === 'Service' ? 'v1' : 'discovery.k8s.io/v1';
    const ref = { apiVersion, kind, namespace, name, ...(uid === undefined ? {} : { uid }) };
    this.#events.event(ref, 'Warning', 'InvalidServiceData', message);
  }

  #reportRejected(id: string, error: Error): void {
    this.#log.error(error, 'The kernel refused the rules of a Service; the others are in force', {
      servicePort: id,
    });
    const [namespace = '', rest = ''] = id.split('/');
    const name = rest.split(':')[0] ?? '';
    const note = `The rules of ${id} were refused: ${errorMessage(error)}`.slice(0, 1000);
    this.#events.event(
      { apiVersion: 'v1', kind: 'Service', namespace, name },
      'Warning',
      'FailedToProgramService',
      note,
    );
  }

  #healthPortTaken({ namespace, name, port }: ServiceHealth, err: unknown): void {
    this.#log.error(err, 'Cannot serve a health check node port', { service: `${namespace}/${name}`, port });
    this.#events.event(
      { apiVersion: 'v1', kind: 'Service', namespace, name },
      'Warning',
      'FailedToStartServiceHealthcheck',
      `node ${this.#nodeName} failed to start healthcheck "${namespace}/${name}" on port ${port}: ${errorMessage(err)}`,
    );
  }
}

function isNodeAddress(ip: string): boolean {
  return machineAddresses().some((a) => a.ip === ip);
}
