/** The parts of the bench. Each measures the kubelet that runs, once, and leaves the pods that the next one begins with. */
import { setTimeout as sleep } from 'node:timers/promises';
import { median, percentile, type Figures } from '../figures.ts';
import { cpuSeconds, residentMegabytes } from '../process_cost.ts';
import type { BenchPods } from './bench_pods.ts';
import { counterOf, gaugeOf, quantileBetween } from './exposition.ts';
import type { Flavour, NodeUnderTest } from './node_under_test.ts';

export interface Trial {
  readonly node: NodeUnderTest;
  readonly pods: BenchPods;
  readonly flavour: Flavour;
  /** Tells one trial's pods from another's. */
  readonly name: string;
}

export interface Part {
  readonly title: string;
  /** Pods that stand when the kubelet is started and while it is measured. */
  readonly standing: { readonly obedient?: number; readonly http?: number; readonly tcp?: number };
  measure(trial: Trial): Promise<Figures>;
}

const SETTLE_MS = 12_000;
const WINDOW_MS = 30_000;
const ONE_BY_ONE = 10;
const BATCH = 50;

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

async function oneByOne({ pods, name }: Trial): Promise<Figures> {
  await sleep(5000);
  const [starts, obedient, deaf]: [number[], number[], number[]] = [[], [], []];
  for (const pod of numbered(`x-${name}`, ONE_BY_ONE)) {
    const kind = starts.length % 2 === 0 ? 'obedient' : 'deaf';
    starts.push(...(await pods.start([pod], kind)));
    (kind === 'obedient' ? obedient : deaf).push(...(await pods.delete([pod])));
  }
  return {
    'one by one: bind to Ready, median ms': [median(starts)],
    'one by one: bind to Ready, slowest ms': [Math.max(...starts)],
    'one by one: deletion, obeys SIGTERM, median ms': [median(obedient)],
    'one by one: deletion, SIGKILL after 1 s, median ms': [median(deaf)],
  };
}

async function batch({ node, pods, name }: Trial): Promise<Figures> {
  await sleep(5000);
  const names = numbered(`x-${name}`, BATCH);
  const before = cpuSeconds(node.pid);
  const starts = await pods.start(names, 'obedient');
  const started = cpuSeconds(node.pid);
  const deletions = await pods.delete(names);
  return {
    'batch of 50: bind to Ready, median ms': [median(starts)],
    'batch of 50: bind to Ready, p99 ms': [percentile(starts, 0.99)],
    'batch of 50: CPU of the kubelet, s': [started - before],
    'batch of 50: deletion, median ms': [median(deletions)],
    'batch of 50: deletion, p99 ms': [percentile(deletions, 0.99)],
  };
}

async function steady({ node, pods }: Trial): Promise<Figures> {
  await sleep(SETTLE_MS);
  const before = cpuSeconds(node.pid);
  await sleep(WINDOW_MS);
  const used = cpuSeconds(node.pid) - before;
  return {
    '100 pods, 100 probes a second: CPU, % of a core': [(used / WINDOW_MS) * 100_000],
    '100 pods, 100 probes a second: RSS, MiB': [residentMegabytes(node.pid)],
    '100 pods: containers restarted': [pods.restarts()],
  };
}

async function full({ node, flavour }: Trial): Promise<Figures> {
  await sleep(SETTLE_MS);
  const [began, before] = [performance.now(), cpuSeconds(node.pid)];
  const probesBefore = counterOf(await node.page('/metrics/probes'), 'prober_probe_total');
  // What it says of the event loop covers the time since it was last asked.
  const pageBefore = await node.page('/metrics');
  await sleep(WINDOW_MS);
  const page = await node.page('/metrics');
  const probes = counterOf(await node.page('/metrics/probes'), 'prober_probe_total') - probesBefore;
  const seconds = (performance.now() - began) / 1000;
  return {
    'full node: probes carried out a second': [probes / seconds],
    'full node: CPU, % of a core': [((cpuSeconds(node.pid) - before) / seconds) * 100],
    'full node: RSS, MiB': [residentMegabytes(node.pid)],
    ...(flavour === 'ours'
      ? {
          'full node: event loop delay, p99 ms': [gaugeOf(page, 'nodejs_eventloop_lag_p99_seconds') * 1000],
          'full node: event loop delay, longest ms': [
            gaugeOf(page, 'nodejs_eventloop_lag_max_seconds') * 1000,
          ],
          'full node: probes late, p99 ms (at most)': [
            quantileBetween(pageBefore, page, 'ts_kubelet_probe_lateness_seconds', 0.99) * 1000,
          ],
        }
      : {}),
  };
}

async function cold({ node, pods, flavour, name }: Trial): Promise<Figures> {
  const restarts = pods.restarts();
  await node.stop();
  await node.forgetReady();
  const began = performance.now();
  const first = pods.start([`x-${name}`], 'obedient').then(() => performance.now() - began);
  await node.start(flavour);
  await node.ready();
  const ready = performance.now() - began;
  const pod = await first;
  await sleep(5000);
  const used = cpuSeconds(node.pid);
  await pods.delete([`x-${name}`]);
  return {
    'cold start over 100 pods: to a ready node, ms': [ready],
    'cold start over 100 pods: to a new pod that is Ready, ms': [pod],
    'cold start over 100 pods: CPU until 5 s later, s': [used],
    'cold start over 100 pods: containers restarted': [pods.restarts() - restarts],
  };
}

export const PARTS: Readonly<Record<string, Part>> = {
  single: { title: 'pods one by one over 50', standing: { obedient: 50 }, measure: oneByOne },
  batch: { title: 'a batch of 50 over 50', standing: { obedient: 50 }, measure: batch },
  steady: { title: '100 pods, 100 probes a second', standing: { http: 50, tcp: 50 }, measure: steady },
  cold: { title: 'cold start over 100 pods', standing: { http: 50, tcp: 50 }, measure: cold },
  // With DNS and the web application, 250.
  full: { title: '250 pods, 247 probes a second', standing: { http: 124, tcp: 123 }, measure: full },
};
