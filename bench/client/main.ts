/**
 * Measures lib/client against its targets and exits with 1 when one is missed:
 *   - 5,000 pods of a real apiserver listed and indexed in under 1 s, adding under 120 MB to the process;
 *   - 10,000 watch events a second sustained on less than one core.
 * Run: node bench/client/main.ts [runs]   (default 5; needs the stock kube-apiserver, see test/fixtures)
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startApiserver } from '../../test/fixtures/apiserver.ts';
import { createPods, PODS_IN_CLUSTER } from './pods.ts';
import { recordFrames } from './frames.ts';

const EVENTS_PER_SECOND = 10_000;
const WATCH_SECONDS = 5;

const runs = Number(process.argv[2] ?? 5);
if (!Number.isInteger(runs) || runs < 1) {
  console.error(`runs: got ${process.argv[2]}, want a whole number of at least 1`);
  process.exit(2);
}

/** Runs a measurement in a process of its own, so that memory and CPU are its alone. */
async function measure(script: string, args: readonly string[]): Promise<Record<string, number>> {
  const path = join(import.meta.dirname, script);
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', path, ...args], {
    timeout: 120_000,
  });
  const values: unknown = JSON.parse(stdout);
  if (typeof values !== 'object' || values === null) throw new Error(`${script} printed ${stdout}`);
  return Object.fromEntries(Object.entries(values).map(([k, v]) => [k, Number(v)]));
}

let missed = 0;
const [load = 0] = loadavg();
if (load > availableParallelism() / 2) {
  console.log(
    `note: the machine is busy (load ${load.toFixed(1)}): times of the wall clock include its other work`,
  );
}

interface Target {
  readonly below?: number;
  readonly atLeast?: number;
}

/** Prints the spread of one figure; with a target, whether the median meets it. */
function report(what: string, unit: string, values: readonly number[], target?: Target): void {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number): string => (sorted[Math.floor((sorted.length - 1) * q)] ?? Number.NaN).toFixed(2);
  const { below = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = target ?? {};
  const ok = target === undefined || (Number(at(0.5)) < below && Number(at(0.5)) >= atLeast);
  if (!ok) missed++;
  const want = target?.below === undefined ? `>= ${atLeast}` : `< ${below}`;
  const verdict = target === undefined ? '' : ` | target ${want} ${unit}: ${ok ? 'met' : 'MISSED'}`;
  console.log(
    `${what.padEnd(46)} min ${at(0)} | median ${at(0.5)} | max ${at(1)} ${unit} (n=${values.length})${verdict}`,
  );
}

async function repeat(script: string, args: readonly string[]): Promise<(name: string) => readonly number[]> {
  const results: Record<string, number>[] = [];
  for (let i = 0; i < runs; i++) results.push(await measure(script, args));
  return (name) => results.map((r) => r[name] ?? Number.NaN);
}

const dir = mkdtempSync(join(tmpdir(), 'tsk-bench-client-'));
try {
  const framesPath = join(dir, 'frames');
  const server = await startApiserver();
  try {
    await createPods(server.client);
    const frames = await recordFrames(server.client);
    writeFileSync(framesPath, frames.join('\n'));
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0) / frames.length;
    console.log(`${frames.length} pods, ${bytes.toFixed(0)} bytes each as a watch event`);
    for (const mode of ['streamed', 'paginated']) {
      const of = await repeat('measure_list.ts', [server.kubeconfigPath, mode, String(PODS_IN_CLUSTER)]);
      report(`list and index 5,000 pods, ${mode}`, 's', of('seconds'), { below: 1 });
      report('  the same bytes streamed and not decoded', 's', of('floorSeconds'));
      report(`  CPU of this process, ${mode}`, 's', of('cpuSeconds'));
      report(`  memory added at its peak, ${mode}`, 'MB', of('peakMb'), { below: 120 });
      report(`  memory kept after a collection, ${mode}`, 'MB', of('keptMb'), { below: 120 });
    }
  } finally {
    await server.stop();
  }
  const paced = await repeat('measure_watch.ts', [
    framesPath,
    String(EVENTS_PER_SECOND),
    String(WATCH_SECONDS),
  ]);
  report('watch at 10,000 events/s: CPU', 'cores', paced('cores'), { below: 1 });
  report('  CPU for 10,000 events', 's', paced('cpuPer10k'), { below: 1 });
  report('  events a second', 'events/s', paced('eventsPerSecond'), { atLeast: 0.99 * EVENTS_PER_SECOND });
  report('  behind the server at the end', 's', paced('lagSeconds'), { below: 0.25 });
  const unpaced = await repeat('measure_watch.ts', [framesPath, '0', String(WATCH_SECONDS)]);
  report('watch as fast as it goes', 'events/s', unpaced('eventsPerSecond'));
} finally {
  rmSync(dir, { recursive: true, force: true });
}
if (missed > 0) {
  console.error(`${missed} target(s) missed`);
  process.exitCode = 1;
}
