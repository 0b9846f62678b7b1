/** What the bench through an apiserver measures of one scheduler. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figures } from '../figures.ts';
import { percentile } from '../figures.ts';
import type { ApiCluster } from './api_cluster.ts';
import type { SchedulerProcess } from './scheduler_process.ts';

export interface Trial {
  readonly cluster: ApiCluster;
  /** Starts the scheduler under test; the bench stops it. */
  readonly start: () => SchedulerProcess;
  /** Different for each trial: the names of its pods begin so. */
  readonly prefix: string;
  /** How many pods. */
  readonly pods: number;
}

export interface Part {
  /** Pods that have their nodes before the first trial. */
  readonly standing: number;
  readonly measure: (trial: Trial) => Promise<Figures>;
}

export const PARTS: Readonly<Record<string, Part>> = {
  throughput: { standing: 0, measure: throughput },
  latency: { standing: 0, measure: latency },
  'cold-start': { standing: 50_000, measure: coldStart },
};

const PATIENCE_MS = 180_000;
const EVENTS_PATIENCE_MS = 20_000;
const STEADY_PER_SECOND = 200;
/** The scheduler is up and warm before a steady stream of pods is measured. */
const WARM_UP_MS = 5000;

/** The pods wait when the scheduler starts: nobody else is at work then but the apiserver. */
async function throughput({ cluster, start, prefix, pods }: Trial): Promise<Figures> {
  await cluster.createPods(prefix, pods);
  const before = cluster.cpuSeconds;
  let scheduler: SchedulerProcess | undefined;
  try {
    const seen = await cluster.whileWatching({ prefix, count: pods, timeoutMs: PATIENCE_MS }, async () => {
      scheduler = start();
      await Promise.resolve();
    });
    if (scheduler === undefined) throw new Error('not started');
    const times = [...seen.values()].toSorted((a, b) => a - b);
    const [first = NaN, last = NaN] = [times[0], times.at(-1)];
    const cpu = scheduler.cpuSeconds;
    const figures = {
      'pods a second, first to last binding': [(pods - 1) / ((last - first) / 1000)],
      'seconds from start to the last binding': [(last - scheduler.startedAt) / 1000],
      'CPU ms a pod, start included': [(cpu * 1000) / pods],
      'RSS in MB': [scheduler.residentMegabytes],
    };
    // Events are written behind.
    const end = performance.now() + EVENTS_PATIENCE_MS;
    let events = 0;
    while (events < pods && performance.now() < end) {
      await sleep(250);
      events = await cluster.events();
    }
    return {
      ...figures,
      'CPU ms a pod, with all events written': [(scheduler.cpuSeconds * 1000) / pods],
      'events written, % of pods': [(events / pods) * 100],
      'CPU ms a pod of apiserver and etcd': [((cluster.cpuSeconds - before) * 1000) / pods],
    };
  } finally {
    await scheduler?.stop();
    await cluster.clear();
  }
}

/** From the sending of the request that creates a pod until its binding is seen on a watch. */
async function latency({ cluster, start, prefix, pods }: Trial): Promise<Figures> {
  const scheduler = start();
  try {
    const warm = (WARM_UP_MS / 1000) * STEADY_PER_SECOND;
    const sent = new Map<string, number>();
    let cpu = NaN;
    const stream = async (count: number, name: string): Promise<void> => {
      const began = performance.now();
      const creating: Promise<void>[] = [];
      for (let i = 0; i < count;) {
        const due = Math.min(count, Math.floor(((performance.now() - began) / 1000) * STEADY_PER_SECOND) + 1);
        for (; i < due; i++) {
          sent.set(`${name}-${i}`, performance.now());
          creating.push(cluster.createPod(`${name}-${i}`));
        }
        await sleep(1);
      }
      await Promise.all(creating);
    };
    await cluster.whileWatching({ prefix: `${prefix}w`, count: warm, timeoutMs: PATIENCE_MS }, () =>
      stream(warm, `${prefix}w`),
    );
    const seen = await cluster.whileWatching({ prefix, count: pods, timeoutMs: PATIENCE_MS }, async () => {
      const before = scheduler.cpuSeconds;
      await stream(pods, prefix);
      cpu = scheduler.cpuSeconds - before;
    });
    const waits = [...seen].map(([name, at]) => at - (sent.get(name) ?? NaN));
    return {
      'ms from creation to binding, median': [percentile(waits, 0.5)],
      'ms from creation to binding, p99': [percentile(waits, 0.99)],
      'ms from creation to binding, longest': [Math.max(...waits)],
      'CPU ms a pod': [(cpu * 1000) / pods],
      'RSS in MB': [scheduler.residentMegabytes],
    };
  } finally {
    await scheduler.stop();
    await cluster.clear();
  }
}

/** From the start of the process until the binding of the one pod that waits is seen. */
async function coldStart({ cluster, start, prefix }: Trial): Promise<Figures> {
  const name = `${prefix}-0`;
  await cluster.createPod(name);
  let scheduler: SchedulerProcess | undefined;
  try {
    const seen = await cluster.whileWatching({ prefix, count: 1, timeoutMs: PATIENCE_MS }, async () => {
      scheduler = start();
      await Promise.resolve();
    });
    if (scheduler === undefined) throw new Error('not started');
    return {
      'seconds from start to the first binding': [((seen.get(name) ?? NaN) - scheduler.startedAt) / 1000],
      'CPU seconds until then': [scheduler.cpuSeconds],
      'RSS in MB then': [scheduler.residentMegabytes],
    };
  } finally {
    await scheduler?.stop();
    await cluster.deletePod(name);
  }
}
