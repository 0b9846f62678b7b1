/** One proxy program, from its start with many Services to the end, and what it cost. */
import { readFileSync } from 'node:fs';
import { endpoint, service, slice } from '../../lib/proxy/testing/objects.ts';
import { cleanNode } from '../../lib/proxy/testing/proxies.ts';
import type { Mode } from '../../lib/proxy/testing/situations.ts';
import type { TestBed } from '../../lib/proxy/testing/test_bed.ts';
import { POD1, POD2 } from '../../lib/proxy/testing/test_bed.ts';
import type { ProxyProcess } from '../../lib/proxy/testing/watched_node.ts';
import { WatchedNode } from '../../lib/proxy/testing/watched_node.ts';

/** Name with unit to the values measured. */
export type Figures = Readonly<Record<string, readonly number[]>>;

export const PARTS = ['first-sync', 'change', 'churn', 'data-path', 'memory', 'idle'] as const;
export type Part = (typeof PARTS)[number];

export interface Workload {
  readonly services: number;
  readonly endpoints: number;
  /** So many Services arrive at a time, each time once those before are in force. */
  readonly portion: number;
  readonly parts: ReadonlySet<Part>;
  readonly changes: number;
  readonly churnSeconds: number;
  readonly idleSeconds: number;
  /** `minSyncPeriod` of both; undefined: their default. */
  readonly minSync: string | undefined;
}

const FIRST_SYNC_LIMIT_MS = 900_000;
/** A proxy that takes longer for one change is given up. */
const CHANGE_LIMIT_MS = 600_000;
/** No further change is begun after so long. */
const CHANGES_LIMIT_MS = 180_000;
const TICKS_A_SECOND = 100;
const CHURN_TICK_MS = 100;
const CHANGES_A_TICK = 10;
const FLOOD_SECONDS = 5;
const WARM_UP_SECONDS = 2;
const FLOOD_LINES = 4;
const SETTLE_MS = 3000;

const DEFAULTS = {
  internalTrafficPolicy: 'Cluster',
  sessionAffinity: 'None',
  ipFamilies: ['IPv4'],
  ipFamilyPolicy: 'SingleStack',
};
const vip = (n: number): string => `10.${96 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
const podIP = (n: number): string => `10.${112 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Connections to cluster IPs without rules are reset by the node at once, so that nobody waits for a timeout. (A route that
 * is unreachable does not do: the message about it may come while the client is still in its call, and is lost then.)
 */
export function prepareBed(bed: TestBed): void {
  bed.exec('node', ['ip', 'route', 'add', 'local', '10.96.0.0/12', 'dev', 'lo']);
}

export async function measure(
  bed: TestBed,
  program: readonly string[],
  mode: Mode,
  workload: Workload,
): Promise<Figures> {
  const node = await WatchedNode.start(bed);
  try {
    await putObjects(node, workload, 0);
    const fields = workload.minSync === undefined ? {} : { [mode]: { minSyncPeriod: workload.minSync } };
    const started = performance.now();
    const proxy = node.startProxy(program, mode, fields);
    const found: Record<string, readonly number[]> = {};
    try {
      await new Measurement(bed, node, proxy, workload, found).run(started);
    } catch (err) {
      throw new Error(
        `${program.join(' ')}: ${String(err)}\n${proxy.log().split('\n').slice(-8).join('\n')}`,
        {
          cause: err,
        },
      );
    }
    return found;
  } finally {
    await node.stop();
    await cleanNode(bed);
  }
}

/** One portion of the Services; whether the last of them is in force can be told by connecting to it. */
async function putObjects(node: WatchedNode, workload: Workload, from: number): Promise<void> {
  const end = Math.min(from + workload.portion, workload.services);
  for (let n = from; n < end; n++) {
    await node.put('services', service(`b/s${n}`, vip(n), DEFAULTS));
    const slice = n === end - 1 ? probeSlice(n, POD1) : fullSlice(n, workload.endpoints, 0);
    await node.put('endpointslices', slice);
  }
}

function probeSlice(n: number, host: string): object {
  return slice(`b/s${n}-1`, `s${n}`, [endpoint(`${host}@n1`)]);
}

// The first endpoint of a Service moves to and fro.
function fullSlice(n: number, endpoints: number, moved: 0 | 1): object {
  const hosts = Array.from({ length: endpoints }, (_, i) =>
    i === 0 && moved === 1 ? `10.127.${(n >> 8) & 255}.${n & 255}@n2` : `${podIP(n * endpoints + i)}@n2`,
  );
  return slice(`b/s${n}-1`, `s${n}`, hosts);
}

class Measurement {
  readonly #bed: TestBed;
  readonly #node: WatchedNode;
  readonly #proxy: ProxyProcess;
  readonly #workload: Workload;
  readonly #found: Record<string, readonly number[]>;
  readonly #last: number;
  #now: 'pod1' | 'pod2' = 'pod1';

  constructor(
    bed: TestBed,
    node: WatchedNode,
    proxy: ProxyProcess,
    workload: Workload,
    found: Record<string, readonly number[]>,
  ) {
    this.#bed = bed;
    this.#node = node;
    this.#proxy = proxy;
    this.#workload = workload;
    this.#found = found;
    this.#last = workload.services - 1;
  }

  async run(started: number): Promise<void> {
    const { parts, portion, services } = this.#workload;
    for (let from = portion; from < services; from += portion) {
      await this.#answeredBy('pod1', FIRST_SYNC_LIMIT_MS, from - 1);
      await putObjects(this.#node, this.#workload, from);
    }
    await this.#answeredBy('pod1', FIRST_SYNC_LIMIT_MS);
    if (parts.has('first-sync')) {
      this.#found['first sync, s'] = [(performance.now() - started) / 1000];
      this.#found['first sync, CPU s'] = [this.#cpuSeconds()];
    }
    // What is left to do after the rules are in force: the other address family, other modes' rules.
    await this.#quiet();
    if (parts.has('memory')) this.#found['memory after the first sync (RSS), MiB'] = [this.#memory('VmRSS')];
    if (parts.has('change')) await this.#changes();
    if (parts.has('data-path')) await this.#dataPath();
    if (parts.has('idle')) await this.#idle();
    if (parts.has('churn')) await this.#churn();
    if (parts.has('memory')) {
      this.#found['memory at the end (RSS), MiB'] = [this.#memory('VmRSS')];
      this.#found['memory at most (RSS), MiB'] = [this.#memory('VmHWM')];
    }
  }

  async #changes(): Promise<void> {
    const latencies: number[] = [];
    const before = this.#cpuSeconds();
    const began = performance.now();
    while (latencies.length < this.#workload.changes && performance.now() - began < CHANGES_LIMIT_MS) {
      // Longer than the least time between two syncs.
      await pause(1300);
      latencies.push(await this.#flip());
    }
    this.#found['one endpoint changed, ms to a connection'] = latencies;
    this.#found['one endpoint changed, CPU ms'] = [((this.#cpuSeconds() - before) / latencies.length) * 1000];
  }

  async #churn(): Promise<void> {
    const { services, endpoints, churnSeconds } = this.#workload;
    const until = performance.now() + churnSeconds * 1000;
    const cpu = this.#cpuSeconds();
    const memory: number[] = [];
    let n = 0;
    let moved: 0 | 1 = 1;
    const feed = async (): Promise<void> => {
      let due = performance.now();
      while (performance.now() < until) {
        for (let i = 0; i < CHANGES_A_TICK; i++) {
          await this.#node.put('endpointslices', fullSlice(n, endpoints, moved), 'MODIFIED');
          // A prime step: changes are all over the table.
          n = (n + 7919) % (services - 1);
          if (n === 0) moved = moved === 1 ? 0 : 1;
        }
        due += CHURN_TICK_MS;
        await pause(Math.max(0, due - performance.now()));
      }
    };
    const latencies: number[] = [];
    const probe = async (): Promise<void> => {
      while (performance.now() < until) {
        // Not in step with the syncs.
        await pause(Math.random() * 1000);
        latencies.push(await this.#flip());
      }
    };
    // What the heap takes when it begins to work is no growth: the last four fifths tell.
    const watchMemory = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) {
        await pause((churnSeconds * 1000) / 5);
        memory.push(this.#memory('VmRSS'));
      }
    };
    const began = performance.now();
    await Promise.all([feed(), probe(), watchMemory()]);
    const seconds = (performance.now() - began) / 1000;
    latencies.sort((a, b) => a - b);
    this.#found['100 changes a second: ms to a connection'] = latencies;
    this.#found['100 changes a second: p99 ms'] = [latencies[Math.floor(latencies.length * 0.99)] ?? NaN];
    this.#found['100 changes a second: CPU, % of a core'] = [((this.#cpuSeconds() - cpu) / seconds) * 100];
    this.#found['100 changes a second: RSS after each fifth, MiB'] = memory;
    this.#found['100 changes a second: growth of RSS after the first fifth, MiB'] = [
      (memory.at(-1) ?? NaN) - (memory[0] ?? NaN),
    ];
    await this.#quiet();
  }

  async #dataPath(): Promise<void> {
    // The client that connects for the first time is slower than the one that has: whoever is measured first would lose by it.
    await this.#bed.flood('far', vip(this.#last), 80, WARM_UP_SECONDS, FLOOD_LINES);
    const result = await this.#bed.flood('far', vip(this.#last), 80, FLOOD_SECONDS, FLOOD_LINES);
    if (result.failed > 0) throw new Error(`${result.failed} connections failed`);
    this.#found['connections a second to the last Service'] = [result.perSecond];
    this.#found['connect to the last Service, median ms'] = [result.medianMs];
    this.#found['connect to the last Service, p99 ms'] = [result.p99Ms];
  }

  async #idle(): Promise<void> {
    const before = this.#cpuSeconds();
    await pause(this.#workload.idleSeconds * 1000);
    this.#found['idle CPU, % of a core'] = [
      ((this.#cpuSeconds() - before) / this.#workload.idleSeconds) * 100,
    ];
  }

  /** Sends the last Service elsewhere. @returns milliseconds until a connection gets there */
  async #flip(): Promise<number> {
    const [host, name] = this.#now === 'pod1' ? ([POD2, 'pod2'] as const) : ([POD1, 'pod1'] as const);
    const at = performance.now();
    await this.#node.put('endpointslices', probeSlice(this.#last, host), 'MODIFIED');
    await this.#answeredBy(name, CHANGE_LIMIT_MS);
    this.#now = name;
    return performance.now() - at;
  }

  async #answeredBy(name: string, limitMs: number, n = this.#last): Promise<void> {
    const began = performance.now();
    let said = '';
    for (;;) {
      const answer = await this.#bed.ask('far', 'tcp', vip(n), 80, 500);
      if (answer.by === name) return;
      said = answer.by ?? answer.error;
      if (!this.#proxy.isRunning) throw new Error('the proxy ended');
      if (performance.now() - began > limitMs)
        throw new Error(`no connection to ${name} in ${limitMs} ms (last: ${said})`);
      // Without a pause a slow proxy is asked until no port of the client is left.
      await pause(2);
    }
  }

  /** Until the proxy uses hardly any CPU. */
  async #quiet(): Promise<void> {
    for (;;) {
      const before = this.#cpuSeconds();
      await pause(SETTLE_MS);
      if (this.#cpuSeconds() - before < (SETTLE_MS / 1000) * 0.05) return;
    }
  }

  /** Of the process and the programs that it ran. */
  #cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.#proxy.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, text) => sum + Number(text), 0);
    return ticks / TICKS_A_SECOND;
  }

  #memory(what: 'VmRSS' | 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.#proxy.pid}/status`, 'utf8');
    return Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
  }
}
