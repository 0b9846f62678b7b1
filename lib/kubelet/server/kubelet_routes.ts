/** What the kubelet answers at which path. */
import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { allContainers } from '../../api/pod.ts';
import type { Node, Pod } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import { run } from '../../base/subprocess.ts';
import { HealthChecks } from '../../component/health.ts';
import { installSlis } from '../../component/health_slis.ts';
import type { RootLogger } from '../../component/logging.ts';
import type { Metrics } from '../../component/metrics.ts';
import type { Exchange, Handler } from '../../component/serving/exchange.ts';
import { json, text } from '../../component/serving/exchange.ts';
import { Routes } from '../../component/serving/routes.ts';
import { verbosityHandler } from '../../component/verbosity_handler.ts';
import { configz, flagz, statusz } from '../../component/zpages.ts';
import { isCriError } from '../../cri/errors.ts';
import type { HttpMetrics } from '../metrics/http_metrics.ts';
import { kernelMetrics, type PodGroups, readKernel } from '../metrics/kernel_metrics.ts';
import { endOf, waitsFor } from '../explain/waits_for.ts';
import { podUid } from '../runtime/runtime_names.ts';
import { installUi } from '../ui/kubelet_ui.ts';
import { plain } from './access.ts';
import { serveContainerLogs } from './container_logs/handler.ts';
import { EXPOSITION_TYPE } from './exposition.ts';
import { serveHostLogs } from './host_logs.ts';
import { cpuTopology, type MachineFigures, machineMetrics, swapTotal } from './machine_metrics.ts';
import { serveNodeLogQuery } from './node_log_query.ts';
import { findPod, podPath, runningContainer } from './pod_path.ts';
import { RequestError } from './request_error.ts';
import { sessionUrl } from './streaming_request.ts';
import type { Summary } from './summary.ts';
import { type CgroupStats, cgroupStats } from './stats/cgroup_stats.ts';
import {
  cadvisorMetrics,
  cgroupLabels,
  type CgroupNames,
  groupLabels,
  resourceMetrics,
} from './usage_metrics.ts';
import type { KubeletView } from './view.ts';

export interface KubeletRouteOptions {
  view: KubeletView;
  metrics: Metrics;
  /** Served at /metrics/probes. */
  probeMetrics?: Metrics;
  /** Counts the requests. */
  httpMetrics?: HttpMetrics;
  /** Every flag with its value, for /flagz. */
  flags: ReadonlyMap<string, string>;
  /** `enableDebuggingHandlers`: exec, attach, port-forward, run, logs of containers and of the host. */
  debuggingHandlers: boolean;
  /** `enableSystemLogHandler` */
  systemLogHandler: boolean;
  /** `enableSystemLogQuery`: logs of services by name, below /logs/. */
  systemLogQuery: boolean;
  /** `enableDebugFlagsHandler` */
  debugFlagsHandler: boolean;
  log: RootLogger;
  clock: Clock;
  signal: AbortSignal;
}

/** Adds a handler for some methods at a path, or below it when it ends with `/`. */
type On = (methods: readonly string[], path: string, handler: Handler) => void;

function adder(routes: Routes): On {
  return (methods, path, handler) => {
    const guarded = guard(methods, handler);
    if (path.endsWith('/')) routes.prefix(path, guarded);
    else routes.exact(path, guarded);
  };
}

/** What anyone may read who may read at all: health, pods, usage and metrics (`readOnlyPort`). */
export function readOnlyRoutes(options: KubeletRouteOptions): Routes {
  const { view, log, clock, metrics, probeMetrics, signal } = options;
  const routes = new Routes();
  const on = adder(routes);
  const health = new HealthChecks(
    log,
    // Whether the log gets written, which stock buffers; ours is not.
    { name: 'log', check: () => undefined },
    {
      name: 'syncloop',
      check: () => {
        const problem = view.syncLoopProblem();
        if (problem !== undefined) throw new Error(problem);
      },
    },
  );
  health.install(routes, '/healthz');
  installSlis(routes, { healthz: health });

  const pods: Handler = ({ res }) => json(res, 200, podList(view));
  on(['GET'], '/pods', pods);
  on(['GET'], '/pods/', exactly('/pods/', pods));
  on(['GET'], '/metrics', metrics.handle);
  if (probeMetrics !== undefined) on(['GET'], '/metrics/probes', probeMetrics.handle);
  on(['GET'], '/metrics/resource', async ({ res }) => {
    const summary = await view.stats.summary({ onlyCPUAndMemory: true }, signal);
    text(res, resourceMetrics(summary), EXPOSITION_TYPE);
  });
  on(['GET'], '/metrics/cadvisor', async ({ res }) => {
    const summary = await view.stats.summary({ onlyCPUAndMemory: false }, signal);
    const classes = await classGroups(view, clock.now());
    const names: CgroupNames = {
      groups: classes,
      podCgroup: (uid) => view.podCgroup?.(uid),
      container: (uid, name) =>
        view.runtime.podStatus(uid)?.containers.find((c) => c.name === name && c.state === 'running'),
    };
    const groups = [...classes.keys()].map((path): PodGroups => ({
      path,
      labels: groupLabels(path),
      containers: [],
      hostNetwork: true,
    }));
    const kernel =
      view.hierarchy && (await readKernel(view.hierarchy, [...groups, ...podGroups(view, summary, names)]));
    const more = kernel === undefined ? '' : kernelMetrics(kernel, clock.now());
    const ofMachine = machineMetrics(await machine(view.node()));
    text(res, cadvisorMetrics(summary, names) + more + ofMachine, EXPOSITION_TYPE);
  });
  on(['GET'], '/stats/summary', async ({ res, query }) => {
    const onlyCPUAndMemory = query.get('only_cpu_and_memory') === 'true';
    text(
      res,
      JSON.stringify(await view.stats.summary({ onlyCPUAndMemory }, signal), null, 1),
      'application/json',
    );
  });
  return routes;
}

/** What classes of pods use, by the names of their groups. */
async function classGroups(
  { classCgroups, hierarchy }: KubeletView,
  nowMs: number,
): Promise<ReadonlyMap<string, CgroupStats>> {
  if (hierarchy === undefined) return new Map();
  const time = new Date(nowMs).toISOString();
  const groups = (classCgroups?.() ?? []).map(
    async (path) => [path, await cgroupStats(hierarchy, path, time)] as const,
  );
  return new Map(await Promise.all(groups));
}

/** The groups of the pods that there are figures of. */
function podGroups(view: KubeletView, { pods }: Summary, names: CgroupNames): PodGroups[] {
  const { ofPod, ofContainer } = cgroupLabels(names);
  return pods.flatMap((pod) => {
    const { uid } = pod.podRef;
    const path = view.podCgroup?.(uid);
    if (path === undefined) return [];
    const containers = pod.containers.flatMap(({ name }) => {
      const id = names.container?.(uid, name)?.id;
      return id === undefined ? [] : [{ id, labels: ofContainer(pod, name) }];
    });
    return [
      { path, labels: ofPod(pod), containers, hostNetwork: view.pods.pod(uid)?.spec.hostNetwork === true },
    ];
  });
}

/** All paths of the authenticated port. */
export function kubeletRoutes(options: KubeletRouteOptions): Routes {
  const { view, log, clock, signal, debuggingHandlers } = options;
  const routes = readOnlyRoutes(options);
  const on = adder(routes);
  on(['GET'], '/configz', configz({ kubeletconfig: () => view.configuration() }));
  on(['GET'], '/statusz', statusz('kubelet', clock, routes));
  on(['GET'], '/flagz', flagz('kubelet', options.flags));
  if (options.debugFlagsHandler) routes.exact('/debug/flags/v', verbosityHandler(log));
  on(['GET'], '/debug/explain/pod/', (exchange) => explainPod(view, exchange));
  installUi(routes, { ...view, clock });
  on(['POST'], '/checkpoint/', (exchange) => checkpoint(view, exchange, signal));

  if (!debuggingHandlers) return routes;
  on(['GET'], '/containerLogs/', (exchange) => serveContainerLogs(view, exchange, { clock, log, signal }));
  const running: Handler = ({ res }) => json(res, 200, runningPodList(view));
  on(['GET'], '/runningpods', running);
  on(['GET'], '/runningpods/', exactly('/runningpods/', running));
  on(['POST'], '/run/', (exchange) => runCommand(view, exchange, signal));
  // Reached by requests that ask for no upgrade; the others go to the upgrade handler.
  for (const path of ['/exec/', '/attach/', '/portForward/'])
    on(['GET', 'POST'], path, async ({ path, query }) => {
      // Fails with 404 and the like before it is said that the way of asking is wrong.
      await sessionUrl({ ...view, streaming: NO_SESSIONS }, { path, query }, signal);
    });
  if (options.systemLogHandler) {
    const root = view.hostLogDir ?? '/var/log';
    routes.exact('/logs', ({ res }) => void res.writeHead(307, { location: '/logs/' }).end());
    on(['GET'], '/logs/', (exchange) =>
      options.systemLogQuery && exchange.query.has('query')
        ? serveNodeLogQuery(exchange, { root, run, signal })
        : serveHostLogs(exchange, root),
    );
  }
  return routes;
}

const RUN_TIMEOUT_MS = 10 * 60_000;

/** In place of the runtime where a session cannot follow. */
const NO_SESSIONS: KubeletView['streaming'] = {
  exec: () => Promise.reject(upgradeRequired()),
  attach: () => Promise.reject(upgradeRequired()),
  portForward: () => Promise.reject(upgradeRequired()),
};

function upgradeRequired(): RequestError {
  return new RequestError(500, 'Upgrade request required\n');
}

/** Answers other methods with 405 and expected errors with their status. */
function guard(methods: readonly string[], handler: Handler): Handler {
  return async (exchange) => {
    const { req, res } = exchange;
    const method = req.method === 'HEAD' ? 'GET' : (req.method ?? '');
    if (!methods.includes(method)) {
      res.setHeader('allow', methods.join(', '));
      plain(res, 405, '405: Method Not Allowed');
      return;
    }
    try {
      await handler(exchange);
    } catch (err) {
      if (!(err instanceof RequestError) || res.headersSent) throw err;
      plain(res, err.status, err.message);
    }
  };
}

function exactly(path: string, handler: Handler): Handler {
  return (exchange) =>
    exchange.path === path ? handler(exchange) : plain(exchange.res, 404, '404: Page Not Found');
}

function podList(view: KubeletView): unknown {
  const items = view.pods.pods().map((pod) => {
    const { apiVersion: _apiVersion, kind: _kind, ...rest } = pod;
    const status = view.pods.status(pod.metadata.uid ?? '');
    return status === undefined ? rest : { ...rest, status };
  });
  return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items };
}

function runningPodList(view: KubeletView): unknown {
  const items = view.runtime.pods().map((pod) => {
    const containers = pod.containers
      .filter((c) => c.state === 'running')
      .map((c) => ({ name: c.name, image: c.image, resources: {} }));
    return {
      metadata: { name: pod.name, namespace: pod.namespace, uid: pod.uid },
      spec: { containers: containers.length > 0 ? containers : null },
      status: {},
    };
  });
  return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items };
}

async function runCommand(view: KubeletView, exchange: Exchange, signal: AbortSignal): Promise<void> {
  const { pod, container } = namedContainer(view, exchange.path, 'pod does not exist');
  if (container === undefined) throw new RequestError(500, `container not found ("${pod.container}")`);
  const argv = (exchange.query.get('cmd') ?? '').split(' ');
  let result: Awaited<ReturnType<KubeletView['exec']['execSync']>>;
  try {
    result = await view.exec.execSync(container.id, argv, { timeoutMs: RUN_TIMEOUT_MS, signal });
  } catch (err) {
    if (!isCriError(err)) throw err;
    throw new RequestError(500, err.rpcMessage, { cause: err });
  }
  const output = Buffer.concat([result.stdout, result.stderr]);
  if (result.exitCode !== 0)
    throw new RequestError(
      500,
      `command '${argv.join(' ')}' exited with ${result.exitCode}: ${result.stderr.length > 0 ? Buffer.from(result.stderr).toString() : ''}`,
    );
  text(exchange.res, output);
}

async function checkpoint(view: KubeletView, exchange: Exchange, signal: AbortSignal): Promise<void> {
  const { pod: path, object, container } = namedContainer(view, exchange.path, 'pod does not exist');
  const { namespace, name, container: containerName } = path;
  const failed = (why: string): RequestError =>
    new RequestError(500, `checkpointing of ${namespace}/${name}/${containerName} failed (${why})`);
  if (!allContainers(object).some((c) => c.name === containerName))
    throw new RequestError(404, `container ${containerName} does not exist`);
  if (container === undefined) throw failed(`container ${containerName} not found`);
  if (view.checkpoint === undefined) throw failed('the container runtime cannot checkpoint containers');
  const ref = { uid: object.metadata.uid ?? '', namespace, name };
  try {
    const archive = await view.checkpoint(ref, containerName, container.id, signal);
    json(exchange.res, 200, { items: [archive] });
  } catch (err) {
    throw failed(isCriError(err) ? err.rpcMessage : errorMessage(err));
  }
}

function namedContainer(view: KubeletView, path: string, message: string) {
  const pod = podPath(path, { container: true });
  if (pod === undefined) throw new RequestError(404, '404: Page Not Found');
  const object: Pod = findPod(view, pod, message);
  return { pod, object, container: runningContainer(view, object, pod.container) };
}

function explainPod(view: KubeletView, { res, path }: Exchange): void {
  const [namespace = '', name = '', ...more] = path.replace('/debug/explain/pod/', '').split('/');
  const explanation = more.length === 0 ? view.timeline.explain(namespace, name) : undefined;
  const pod = more.length === 0 ? view.pods.podByName(namespace, name) : undefined;
  const uid = pod === undefined ? explanation?.pod.uid : podUid(pod);
  if (uid === undefined)
    throw new RequestError(404, `nothing is known of pod "${namespace}/${name}" on this node\n`);
  // A pod of that name before this one has its own timeline.
  const own = explanation?.pod.uid === uid ? explanation : undefined;
  const status = pod === undefined ? undefined : (view.pods.status(uid) ?? pod.status);
  const waiting = pod === undefined ? (own?.waitingFor ?? '') : waitsFor(pod, status, own?.waitingFor);
  const ended = endOf(status);
  json(res, 200, {
    pod: { namespace, name, uid },
    ...(waiting === '' ? {} : { waitingFor: waiting }),
    ...(ended === undefined ? {} : { ended }),
    entries: own?.entries ?? [],
  });
}

async function machine(node: Node | undefined): Promise<MachineFigures> {
  const { capacity, nodeInfo } = node?.status ?? {};
  const cores = Number(capacity?.['cpu']);
  return {
    cores: Number.isFinite(cores) && cores > 0 ? cores : cpus().length,
    memoryBytes: totalmem(),
    swapBytes: swapTotal(await readFile('/proc/meminfo', 'utf8')),
    topology: cpuTopology(await readFile('/proc/cpuinfo', 'utf8')),
    bootId: nodeInfo?.bootID ?? '',
    machineId: nodeInfo?.machineID ?? '',
    systemUuid: nodeInfo?.systemUUID ?? '',
    kernelVersion: nodeInfo?.kernelVersion ?? '',
    osImage: nodeInfo?.osImage ?? '',
  };
}
