/** The kubelet put together: the one place that knows all its concerns. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../api/types.ts';
import { errorMessage, isAbort } from '../base/errors.ts';
import type { ApiClient } from '../client/client.ts';
import { isConflict, isNotFound } from '../client/errors.ts';
import { createEventRecorder } from '../client/events.ts';
import { createInformer } from '../client/informer.ts';
import { createClient, loadKubeconfig } from '../client/kubeconfig.ts';
import { PODS, RUNTIME_CLASSES, SERVICES } from '../client/resource.ts';
import { alwaysAllow } from '../component/authz/authorizer.ts';
import { delegatedAuthentication, delegatedAuthorization } from '../component/delegated_auth.ts';
import { formatFlags, type ParsedFlags } from '../component/flags.ts';
import type { DaemonContext } from '../component/lifecycle.ts';
import { Metrics } from '../component/metrics.ts';
import { nodeTlsSettings } from '../component/serving/tls_options.ts';
import { servingCertificate } from '../component/serving_certificate.ts';
import { reportedVersion } from '../component/information_flags.ts';
import { connectRuntime } from '../cri/runtime_client.ts';
import { nodeAdmission } from './admission/admission.ts';
import { parseCgroupRoot } from './cgroups/cgroup_names.ts';
import { readHierarchy } from './cgroups/hierarchy.ts';
import { PodCgroups } from './cgroups/pod_cgroups.ts';
import type { KubeletConfig } from './config/kubelet_config.ts';
import { loadOptions } from './config/options.ts';
import type { ContainerExec, KubeletDirs, PodView, ProbeHost } from './contracts.ts';
import { createPodDnsConfigurer } from './dns/configurer.ts';
import { expandVariables } from './env/expansion.ts';
import { createEnvResolver } from './env/resolver.ts';
import { MemoryTimeline } from './explain/timeline.ts';
import { kubeletFlags } from './flags.ts';
import { createNodeReporter } from './node/reporter.ts';
import { ObjectCache } from './objects/object_cache.ts';
import { RuntimeCache } from './pleg/runtime_cache.ts';
import { findOrphans } from './podworkers/orphans.ts';
import { PodRemover } from './podworkers/pod_remover.ts';
import { PodWorkers } from './podworkers/pod_workers.ts';
import { attempt } from './probes/attempt.ts';
import { createProbeManager } from './probes/manager.ts';
import { ContainerGc } from './runtime/container_gc.ts';
import { ContainerLogsDir } from './runtime/container_logs_dir.ts';
import { ContainerStop } from './runtime/container_stop.ts';
import { ImageList } from './runtime/image_list.ts';
import { Images } from './runtime/images.ts';
import { PodSync } from './runtime/pod_sync.ts';
import { podUid } from './runtime/runtime_names.ts';
import { RuntimeHealth } from './runtime/runtime_health.ts';
import { startHealthzServer, startKubeletServer } from './server/server.ts';
import type { KubeletView, StreamingRuntime } from './server/view.ts';
import { MirrorPods } from './sources/mirror_pods.ts';
import { MirrorLoop } from './sources/mirror_loop.ts';
import { isStatic, PodManager } from './sources/pod_manager.ts';
import { StaticFiles } from './sources/static_files.ts';
import { createStatsSource } from './stats/stats_source.ts';
import { containerStatusOf } from './podworkers/container_status_of.ts';
import { kubeletEvents } from './status/kubelet_events.ts';
import { StatusWriter } from './status/status_writer.ts';
import { TerminationMessages } from './status/termination_message.ts';
import { envFileReader } from './volumes/env_file_reader.ts';
import { inTreePlugins } from './volumes/in_tree.ts';
import { createVolumeManager, prepareRoot } from './volumes/manager.ts';
import { createTokenSource } from './volumes/token.ts';

const ORPHANS_INTERVAL_MS = 10_000;
const RUNTIME_WAIT_MS = 60_000;
const CONTAINER_LOGS_DIR = '/var/log/containers';

/**
 * Runs the daemon until `ctx.signal` aborts.
 *
 * @throws Error when it cannot start; the message is the one sentence that the operator sees
 */
export async function run(flags: ParsedFlags<typeof kubeletFlags>, ctx: DaemonContext): Promise<void> {
  const { clock, log, signal } = ctx;
  const { options, document, warnings } = loadOptions(flags);
  const { config, nodeName } = options;
  for (const warning of warnings) log.warn(warning);
  if (options.flags.kubeconfig === '')
    throw new Error('--kubeconfig is required: running without an apiserver is not supported yet');
  const version = reportedVersion(flags.values);
  log.info('Kubelet version', { kubeletVersion: version, nodeName });
  await checkMachine(config);
  await lowerOomScore(config.oomScoreAdj, log);

  const dirs: KubeletDirs = {
    root: options.flags.rootDir,
    podLogs: config.podLogsDir,
    containerLogs: CONTAINER_LOGS_DIR,
  };
  await prepareRoot(dirs.root);
  await mkdir(dirs.podLogs, { recursive: true, mode: 0o755 });

  const client: ApiClient = createClient(loadKubeconfig({ path: options.flags.kubeconfig }), {
    qps: config.kubeAPIQPS,
    burst: config.kubeAPIBurst,
    userAgent: `kubelet/${version} (linux/amd64) ts-kubelet`,
    clock,
  });
  const onError = (what: string) => (error: unknown) => {
    if (!isAbort(error, signal)) log.error(error, what);
  };

  // ---------------------------------------------------------- runtime
  const cri = connectRuntime({
    endpoint: config.containerRuntimeEndpoint,
    imageEndpoint: config.imageServiceEndpoint,
    requestTimeoutMs: config.runtimeRequestTimeout,
  });
  const health = new RuntimeHealth(cri, clock, log);
  await waitForRuntime(health, config, ctx);
  const hierarchy = await readHierarchy();
  const driver = await cgroupDriver(cri, config, signal);
  const cgroups = new PodCgroups({
    hierarchy,
    driver,
    root: parseCgroupRoot(config.cgroupRoot),
    enabled: config.cgroupsPerQOS,
    cpuCFSQuota: config.cpuCFSQuota,
    cpuPeriodUs: config.cpuCFSQuotaPeriod * 1000,
    podPidsLimit: config.podPidsLimit,
    log,
  });
  await cgroups.init();
  const cache = new RuntimeCache({ cri, clock, log });

  // ---------------------------------------------------------- pods and what is said about them
  const timeline = new MemoryTimeline(clock);
  const manager = new PodManager({
    pod: (pod) => {
      workers.set(pod);
      mirrors.wake();
    },
    gone: (uid) => {
      workers.gone(uid);
      mirrors.wake();
    },
    mirror: (staticUid) => {
      if (staticUid !== undefined) statuses.refresh(staticUid);
      mirrors.wake();
    },
  });
  const recorder = createEventRecorder(client, {
    component: 'kubelet',
    host: nodeName,
    clock,
    api: 'core/v1',
    onError: onError('Cannot write an event'),
  });
  const events = kubeletEvents(recorder, nodeName, (pod) => manager.apiPod(podUid(pod)));
  const statuses = new StatusWriter({ client, clock, log, apiPod: (uid) => manager.apiPod(uid) });
  const messages = new TerminationMessages(log);
  const logs = new ContainerLogsDir(dirs);
  const exec: ContainerExec = {
    async execSync(containerId, argv, { timeoutMs, signal: execSignal }) {
      const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
      const response = await cri.execSync(
        { containerId, cmd: [...argv], timeout: BigInt(Math.min(seconds, 2 ** 31)) },
        { signal: execSignal, timeoutMs: Math.min(timeoutMs, 2 ** 31) + 10_000 },
      );
      return { exitCode: response.exitCode, stdout: response.stdout, stderr: response.stderr };
    },
  };

  // ---------------------------------------------------------- node
  const imageList = new ImageList(cri);
  const reporter = await createNodeReporter({
    client,
    createInformer,
    options,
    facts: {
      health: () => ({
        problems: [
          ...health.problems(),
          ...present(cache.problem()).map((problem) => `PLEG is not healthy: ${problem}`),
        ],
      }),
      runtimeVersion: () => health.version,
      images: (imagesSignal) => imageList.read(imagesSignal),
      runtimeHandlers: () => health.handlers,
      volumesInUse: () => volumes.volumesInUse(),
    },
    events,
    kubeletVersion: version,
    clock,
    log,
  });
  const allocatable = (): Readonly<Record<string, string>> => reporter.node().status?.allocatable ?? {};
  const hostIPs = (): readonly string[] => reporter.hostIPs();
  health.onChange(() => {
    reporter.poke();
    workers.wakeAll();
  });

  // ---------------------------------------------------------- volumes, environment, names, probes
  const objects = new ObjectCache({
    client,
    createInformer,
    clock,
    strategy: config.configMapAndSecretChangeDetectionStrategy,
  });
  const tokens = createTokenSource(client, clock, log);
  const volumes = createVolumeManager({
    dirs,
    plugins: inTreePlugins({ objects, tokens, allocatable, clock }),
    objects,
    tokens,
    recursiveReadOnly: (name) =>
      health.handlers.some(
        (handler) => handler.name === (name ?? '') && handler.features.recursiveReadOnlyMounts,
      ),
    clock,
    log,
  });
  const services = createInformer(client, SERVICES, {
    indexers: { namespace: (service) => [service.metadata.namespace ?? ''] },
    clock,
    onError: onError('Cannot watch services'),
  });
  const runtimeClasses = createInformer(client, RUNTIME_CLASSES, {
    clock,
    onError: onError('Cannot watch runtime classes'),
  });
  const env = createEnvResolver({
    objects,
    services: {
      get hasSynced() {
        return services.hasSynced;
      },
      services: (namespace) => services.store.byIndex('namespace', namespace),
    },
    allocatable,
    envFiles: envFileReader(dirs),
    events,
  });
  const dns = createPodDnsConfigurer({
    dirs,
    clusterDNS: config.clusterDNS,
    clusterDomain: config.clusterDomain,
    resolvConf: config.resolvConf,
    events,
  });
  const probeHost: ProbeHost = {
    ...exec,
    runningContainer: (uid, name) =>
      cache.podStatus(uid)?.containers.find((c) => c.name === name && c.state === 'running'),
    podIP: (uid) => {
      const pod = manager.pod(uid) ?? workers.worker(uid)?.pod;
      return pod?.spec.hostNetwork === true ? hostIPs()[0] : cache.podStatus(uid)?.sandboxes[0]?.ips[0];
    },
    lastKnownReady: (uid, name, containerId) => {
      const known = containerStatusOf(statuses.get(uid) ?? manager.apiPod(uid)?.status, name);
      if (known?.containerID?.split('://')[1] !== containerId) return undefined;
      return { ready: known.ready, started: known.started === true };
    },
  };
  const probes = createProbeManager({
    host: probeHost,
    events,
    clock,
    log,
    attempt,
    userAgent: 'kube-probe/1.36',
  });

  // ---------------------------------------------------------- workers
  const images = new Images({
    cri,
    clock,
    events,
    maxParallelPulls: config.maxParallelImagePulls,
    secret: (namespace, name, readSignal) => objects.secret(namespace, name, readSignal),
  });
  const stop = new ContainerStop({ cri, clock, log, events, timeline, exec });
  const sync = new PodSync({
    cri,
    cache,
    clock,
    log,
    dirs,
    events,
    timeline,
    images,
    env,
    dns,
    expand: expandVariables,
    exec,
    stop,
    logs,
    security: { seccompRoot: join(dirs.root, 'seccomp'), seccompDefault: config.seccompDefault },
    resources: () => ({
      cpuCFSQuota: config.cpuCFSQuota,
      cpuPeriodUs: config.cpuCFSQuotaPeriod * 1000,
      memoryCapacity: totalmem(),
      cgroupV2: hierarchy.version === 2,
    }),
    hostIPs,
    runtimeHandler: async (pod, waitSignal) => {
      const name = pod.spec.runtimeClassName;
      if (name === undefined || name === '') return '';
      await runtimeClasses.synced(waitSignal);
      const found = runtimeClasses.store.get(name);
      if (found === undefined) throw new Error(`RuntimeClass.node.k8s.io "${name}" not found`);
      return found.handler;
    },
  });
  const remover = new PodRemover({ cri, cache, dirs, logs });
  const admission = nodeAdmission({
    config,
    nodeName,
    node: () => reporter.node(),
    active: () =>
      workers
        .workers()
        .filter((worker) => worker.state === 'syncing' || worker.state === 'terminating')
        .filter((worker) => worker.admitted)
        .flatMap((worker) => present(worker.pod)),
  });
  const workers = new PodWorkers({
    clock,
    worker: {
      clock,
      log,
      cache,
      sync,
      stop,
      images,
      volumes,
      cgroups,
      probes,
      statuses,
      messages,
      remover,
      events,
      timeline,
      backoff: { initialMs: 10_000, maxMs: config.crashLoopBackOff.maxContainerRestartPeriod },
      runtimeName: () => health.runtimeName,
      hostIPs,
      networkProblem: () => health.networkProblem,
      admit: admission,
      deleteFromApi: (pod, deleteSignal) => deleteFromApi(client, manager, pod, deleteSignal),
    },
    removed: (uid) => statuses.forget(uid),
    wanted: (uid) => manager.pod(uid),
  });
  cache.onChange((uid) => workers.wake(uid));
  probes.onChange(({ uid }) => workers.wake(uid));

  // ---------------------------------------------------------- sources
  const pods = createInformer(client, PODS, {
    fieldSelector: `spec.nodeName=${nodeName}`,
    clock,
    onError: onError('Cannot watch pods'),
  });
  pods.addHandler({
    add: (pod) => manager.set(pod),
    update: (_old, pod) => manager.set(pod),
    delete: (pod) => manager.delete(pod),
  });
  const mirrors = new MirrorLoop({
    mirrors: new MirrorPods({ client, log, node: () => reporter.node() }),
    pods: manager,
    synced: () => pods.hasSynced,
    clock,
    log,
  });
  const staticFiles =
    config.staticPodPath === ''
      ? undefined
      : new StaticFiles({
          path: config.staticPodPath,
          intervalMs: config.fileCheckFrequency,
          nodeName,
          pods: manager,
          clock,
          log,
        });

  // ---------------------------------------------------------- everything runs
  // Statuses and volumes outlive the workers' last words by little; all end with the signal.
  const tasks: Promise<unknown>[] = [];
  const start = (what: string, task: Promise<unknown>): void => {
    tasks.push(task.catch(onError(what)));
  };
  start('Runtime health failed', health.run(signal));
  start('Runtime cache failed', cache.run(signal));
  start('Service informer failed', services.run(signal));
  start('Runtime class informer failed', runtimeClasses.run(signal));
  start('Node reporter failed', reporter.run(signal));
  start('Status writer failed', statuses.run(signal));
  start('Volume manager failed', volumes.run(signal));
  start('Probes failed', probes.run(signal));
  while (!cache.synced && !signal.aborted) await clock.sleep(50, signal).catch(() => undefined);
  start('Pod workers failed', workers.run(signal));
  if (staticFiles !== undefined) start('Static pods failed', staticFiles.run(signal));
  start('Pod informer failed', pods.run(signal));
  start('Mirror pods failed', mirrors.run(signal));
  start('Container garbage collection failed', new ContainerGc({ cri, cache, logs, clock, log }).run(signal));
  start(
    'Periodic sync failed',
    every(config.syncFrequency, () => workers.wakeAll()),
  );
  start(
    'Balancing cgroups failed',
    every(60_000, () => cgroups.balance(manager.pods())),
  );
  start('Orphan clean-up failed', cleanOrphans());

  const podView: PodView = {
    pod: (uid) => manager.pod(uid),
    podByName: (namespace, name) => manager.podByName(namespace, name),
    pods: () => manager.pods(),
    status: (uid) => statuses.get(uid),
  };
  const streaming: StreamingRuntime = {
    exec: async ({ argv, ...request }, streamSignal) =>
      (await cri.exec({ ...request, cmd: [...argv] }, { signal: streamSignal, timeoutMs: 30_000 })).url,
    attach: async (request, streamSignal) =>
      (await cri.attach(request, { signal: streamSignal, timeoutMs: 30_000 })).url,
    portForward: async ({ sandboxId, ports }, streamSignal) =>
      (
        await cri.portForward(
          { podSandboxId: sandboxId, port: [...ports] },
          { signal: streamSignal, timeoutMs: 30_000 },
        )
      ).url,
  };
  const view: KubeletView = {
    nodeName,
    pods: podView,
    runtime: cache,
    exec,
    streaming,
    stats: createStatsSource({ cri, runtime: cache, clock, nodeName, rootDir: dirs.root }),
    timeline,
    node: () => reporter.node(),
    syncLoopProblem: () => cache.problem(),
    configuration: () => document,
  };
  const servers = await startServers();
  ctx.notify.ready();
  ctx.notify.startWatchdog(() => cache.problem() === undefined, signal);
  log.info('Kubelet is running', { address: config.address, port: config.port });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.all(servers.map((server) => server.close()));
  await Promise.all(tasks);
  await recorder.flush(AbortSignal.timeout(2000)).catch(() => undefined); // events are best effort
  objects.close();
  cri.close();
  await client.close();

  async function every(intervalMs: number, act: () => void | Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(intervalMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await act();
      } catch (error) {
        onError('Periodic work failed')(error);
      }
    }
  }

  async function cleanOrphans(): Promise<void> {
    await pods.synced(signal);
    // Static pods are read at once; give their workers the time to be there.
    await staticFiles?.scan();
    while (!signal.aborted) {
      try {
        const known = (uid: string): boolean =>
          manager.pod(uid) !== undefined || workers.worker(uid) !== undefined;
        for (const ref of await findOrphans({ dirs, runtime: cache, cgroups, logs, known })) {
          if (known(ref.uid)) continue;
          log.info('Removing what is left of a pod that is gone', {
            podUID: ref.uid,
            pod: `${ref.namespace}/${ref.name}`,
          });
          workers.orphan(ref);
        }
      } catch (error) {
        onError('Orphan clean-up failed')(error);
      }
      await clock.sleep(ORPHANS_INTERVAL_MS, signal).catch(() => undefined);
    }
  }

  async function startServers() {
    const started: { close(): Promise<void> }[] = [];
    if (config.healthzPort > 0) {
      started.push(
        await startHealthzServer({ address: config.healthzBindAddress, port: config.healthzPort, log }),
      );
    }
    if (!config.enableServer) return started;
    const { tls, warnings: tlsWarnings } = nodeTlsSettings({
      minVersion: config.tlsMinVersion,
      cipherSuites: config.tlsCipherSuites,
    });
    for (const warning of tlsWarnings) log.warn(warning);
    const authentication = await delegatedAuthentication(
      {
        client,
        clientCAFile: config.authentication.x509.clientCAFile,
        requestHeader: {
          clientCAFile: '',
          allowedNames: [],
          usernameHeaders: [],
          uidHeaders: [],
          groupHeaders: [],
          extraHeaderPrefixes: [],
        },
        lookup: false,
        tolerateLookupFailure: true,
        tokens: config.authentication.webhook.enabled,
        tokenCacheTtlMs: config.authentication.webhook.cacheTTL,
        anonymous: config.authentication.anonymous.enabled,
      },
      { clock, log, signal },
    );
    const authorizer =
      config.authorization.mode === 'AlwaysAllow'
        ? alwaysAllow
        : delegatedAuthorization(
            {
              client,
              alwaysAllowPaths: [],
              allowedTtlMs: config.authorization.webhook.cacheAuthorizedTTL,
              deniedTtlMs: config.authorization.webhook.cacheUnauthorizedTTL,
            },
            { clock, log },
          );
    const certificate = await servingCertificate({
      certFile: config.tlsCertFile,
      keyFile: config.tlsPrivateKeyFile,
      certDir: options.flags.certDir,
      name: 'kubelet',
      hosts: [nodeName, ...hostIPs()],
      clock,
      log,
      signal,
    });
    started.push(
      await startKubeletServer({
        view,
        address: config.address,
        port: config.port,
        certificate,
        tls,
        authentication,
        authorizer,
        metrics: new Metrics(),
        flags: formatFlags(kubeletFlags, flags),
        debuggingHandlers: config.enableDebuggingHandlers,
        systemLogHandler: config.enableSystemLogHandler,
        streamingIdleTimeoutMs: config.streamingConnectionIdleTimeout,
        log,
        clock,
        signal,
      }),
    );
    return started;
  }
}

/** Removes a deleted pod from the API for good; its containers, volumes and cgroup are gone. */
async function deleteFromApi(
  client: ApiClient,
  manager: PodManager,
  pod: Pod,
  signal: AbortSignal,
): Promise<void> {
  const target = isStatic(pod) ? manager.mirrorOf(pod) : pod;
  if (target?.metadata.deletionTimestamp === undefined) return;
  const { namespace, name, uid } = target.metadata;
  try {
    await client.delete(
      PODS,
      { namespace, name },
      { gracePeriodSeconds: 0, ...(uid === undefined ? {} : { preconditions: { uid } }), signal },
    );
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

async function waitForRuntime(
  health: RuntimeHealth,
  config: KubeletConfig,
  ctx: DaemonContext,
): Promise<void> {
  const until = ctx.clock.monotonic() + RUNTIME_WAIT_MS;
  for (;;) {
    try {
      await health.check(ctx.signal);
      return;
    } catch (error) {
      if (ctx.signal.aborted || ctx.clock.monotonic() > until) {
        throw new Error(
          `the container runtime at ${config.containerRuntimeEndpoint} does not answer: ${errorMessage(error)}`,
          { cause: error },
        );
      }
      await ctx.clock.sleep(500, ctx.signal);
    }
  }
}

/** The runtime's word counts, where it has one. */
async function cgroupDriver(
  cri: ReturnType<typeof connectRuntime>,
  config: KubeletConfig,
  signal: AbortSignal,
): Promise<'cgroupfs' | 'systemd'> {
  try {
    const { linux } = await cri.runtimeConfig({}, { signal, timeoutMs: 10_000 });
    if (linux !== undefined) return linux.cgroupDriver === 0 ? 'systemd' : 'cgroupfs';
  } catch (error) {
    if (cri.supports('runtimeConfig')) throw error;
  }
  return config.cgroupDriver;
}

async function checkMachine(config: KubeletConfig): Promise<void> {
  const hierarchy = await readHierarchy();
  if (hierarchy.version === 1 && config.failCgroupV1) {
    throw new Error(
      'kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported and will be removed in a future release; set failCgroupV1 to false to run on it',
    );
  }
  const swaps = (await readFile('/proc/swaps', 'utf8')).trim().split('\n');
  if (config.failSwapOn && swaps.length > 1) {
    throw new Error(
      'running with swap on is not supported, please disable swap or set --fail-swap-on flag to false',
    );
  }
}

async function lowerOomScore(value: number, log: DaemonContext['log']): Promise<void> {
  try {
    await writeFile('/proc/self/oom_score_adj', String(value));
  } catch (error) {
    log.warn('Cannot set the oom_score_adj of the kubelet; going on', { value, err: errorMessage(error) });
  }
}

function present<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}
