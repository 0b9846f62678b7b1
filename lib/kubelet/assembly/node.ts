/** The Node object of this machine. */
import { readFile } from 'node:fs/promises';
import { createInformer } from '../../client/informer.ts';
import type { NodeReporter } from '../contracts.ts';
import { bootTime, startupMetrics } from '../metrics/startup_metrics.ts';
import { NO_PRESSURE, type Pressure } from '../node/conditions.ts';
import { declaredFeatures } from '../node/declared_features.ts';
import { createNodeReporter } from '../node/reporter.ts';
import { ImageList } from '../runtime/image_list.ts';
import type { Base } from './base.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { Pods } from './pods.ts';
import type { Runtime } from './runtime.ts';

/** What parts of the kubelet say about the node; each part adds its own, none takes another's place. */
export class NodeInputs {
  /** Why the node is not ready. */
  readonly problems: (() => readonly string[])[] = [];
  /** What the node is short of; a pressure that anyone reports counts. */
  readonly pressure: (() => Pressure)[] = [];
  /** For `node.status.volumesInUse`. */
  readonly volumesInUse: (() => readonly string[])[] = [];
}

export interface NodeParts {
  readonly reporter: NodeReporter;
  readonly nodeInputs: NodeInputs;
  /** `node.status.allocatable` */
  readonly allocatable: () => Readonly<Record<string, string>>;
  readonly hostIPs: () => readonly string[];
}

export async function createNode(base: Base & KubeletMetrics & Runtime & Pods): Promise<NodeParts> {
  const { cache, clock, cri, events, health, log, version: kubeletVersion } = base;
  const bootMs = bootTime(await readFile('/proc/stat', 'utf8').catch(() => ''));
  const startMs = clock.now() - process.uptime() * 1000;
  const nodeInputs = new NodeInputs();
  nodeInputs.problems.push(
    () => health.problems(),
    () => {
      const problem = cache.problem();
      return problem === undefined ? [] : [`PLEG is not healthy: ${problem}`];
    },
  );
  const imageList = new ImageList(cri);
  const reporter = await createNodeReporter({
    client: base.heartbeatClient,
    createInformer,
    options: base,
    facts: {
      health: () => ({ problems: nodeInputs.problems.flatMap((read) => read()) }),
      runtimeVersion: () => health.version,
      images: (signal) => imageList.read(signal),
      runtimeHandlers: () => health.handlers,
      runtimeFeatures: () => health.features,
      volumesInUse: () => nodeInputs.volumesInUse.flatMap((read) => read()),
    },
    declaredFeatures: declaredFeatures(base.gates),
    pressure: () => anyPressure(nodeInputs.pressure.map((read) => read())),
    startup: startupMetrics(base.metrics, { bootMs, startMs }, clock),
    events,
    kubeletVersion,
    clock,
    log,
  });
  health.onChange(() => reporter.poke());
  return {
    reporter,
    nodeInputs,
    allocatable: () => reporter.node().status?.allocatable ?? {},
    hostIPs: () => reporter.hostIPs(),
  };
}

function anyPressure(reported: readonly Pressure[]): Pressure {
  return reported.reduce(
    (all, one) => ({
      memory: all.memory || one.memory,
      disk: all.disk || one.disk,
      pid: all.pid || one.pid,
    }),
    NO_PRESSURE,
  );
}
