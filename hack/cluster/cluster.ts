/** One cluster on this machine: everything that the steps of hack/up, down and status share. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AddressPlan } from './address_plan.ts';
import { entryFiles, processesIn, systemGroup } from './cgroups.ts';
import type { CgroupHierarchies } from './cgroups.ts';
import type { ComponentSpec } from './component.ts';
import { healthProblem } from './health.ts';
import type { ClusterPaths, Roots } from './paths.ts';
import {
  START_MARK,
  fingerprint,
  forget,
  isAlive,
  readRecords,
  signalProcess,
  start,
  stop,
} from './processes.ts';
import type { LaunchContext, ProcessRecord } from './processes.ts';
import { commandLine } from './procfs.ts';
import type { Progress } from './progress.ts';
import type { ClusterSettings } from './settings.ts';

export interface Cluster {
  readonly settings: ClusterSettings;
  readonly roots: Roots;
  /** The checkout. */
  readonly repo: string;
  readonly paths: ClusterPaths;
  readonly plan: AddressPlan;
  readonly cgroups: CgroupHierarchies;
  readonly progress: Progress;
  /** What this run changed, in words. */
  readonly changes: string[];
  readonly signal: AbortSignal;
}

/** A component that did not become well in time. */
export class NotHealthyError extends Error {
  override readonly name = 'NotHealthyError';
}

/** How processes of the cluster are started. */
export function launchContext(cluster: Cluster): LaunchContext {
  return {
    paths: cluster.paths,
    enterScript: path.join(cluster.repo, 'hack/cluster/enter.bash'),
    cgroupEntries: entryFiles(cluster.cgroups, systemGroup(cluster.settings.name)),
    nodePid: (node) => {
      const found = readRecords(cluster.paths).find((entry) => entry.id === node && isAlive(entry));
      if (found === undefined) throw new Error(`${node} is not up`);
      return found.pid;
    },
  };
}

/** Brings a component to run as `spec` says: starts it, or starts it anew when what it runs with has changed. */
export async function ensureComponent(cluster: Cluster, spec: ComponentSpec): Promise<void> {
  cluster.signal.throwIfAborted();
  const found = readRecords(cluster.paths).find((entry) => entry.id === spec.id);
  if (found !== undefined && isAlive(found)) {
    if (found.fingerprint === fingerprint(spec)) return;
    await stop(found, spec.stopMs);
    cluster.changes.push(`restarted ${spec.id}: its program or settings changed`);
  } else {
    cluster.changes.push(
      found === undefined ? `started ${spec.id}` : `started ${spec.id} again: it had ended`,
    );
  }
  endStrays(cluster, spec);
  await start(spec, launchContext(cluster));
}

/**
 * Ends what runs as `spec` wants without being on record: an earlier run was killed between starting it and writing
 * that down.
 */
export function endStrays(cluster: Cluster, spec: ComponentSpec): void {
  for (const pid of processesIn(cluster.cgroups, systemGroup(cluster.settings.name)))
    if (endsWith(commandLine(pid), spec.argv)) signalProcess(pid, 'SIGKILL');
}

function endsWith(argv: readonly string[], end: readonly string[]): boolean {
  return (
    argv.length >= end.length && end.every((argument, i) => argv[argv.length - end.length + i] === argument)
  );
}

/** Ends a component that is not wanted any more. */
export async function retire(cluster: Cluster, id: string, why: string): Promise<void> {
  const found = readRecords(cluster.paths).find((entry) => entry.id === id);
  if (found === undefined) return;
  if (isAlive(found)) {
    await stop(found);
    cluster.changes.push(`ended ${id}: ${why}`);
  }
  forget(cluster.paths, id);
}

/** Waits until `spec` is well. Rejects when it ends, or is not well after `timeoutMs`. */
export async function waitHealthy(cluster: Cluster, spec: ComponentSpec, timeoutMs = 60_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  const log = path.join(cluster.paths.logs, `${spec.id}.log`);
  for (;;) {
    cluster.signal.throwIfAborted();
    const problem = await healthProblem(spec.health);
    if (problem === undefined) return;
    const entry: ProcessRecord | undefined = readRecords(cluster.paths).find((one) => one.id === spec.id);
    if (entry === undefined || !isAlive(entry))
      throw new NotHealthyError(`${spec.id} ended at its start; the end of ${log}:\n${lastLines(log, 8)}`);
    if (performance.now() > end)
      throw new NotHealthyError(
        `${spec.id} is not well after ${timeoutMs / 1000} s (${problem}); the end of ${log}:\n${lastLines(log, 8)}`,
      );
    await sleep(100, undefined, { signal: cluster.signal });
  }
}

/** Writes `text` to `file` when it differs. Returns whether it did. */
export function writeIfChanged(file: string, text: string, mode = 0o644): boolean {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return false;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
  return true;
}

/** The last lines of a log, none from before the last start. */
function lastLines(file: string, count: number): string {
  if (!existsSync(file)) return '(no log)';
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const start = lines.findLastIndex((line) => line.startsWith(START_MARK));
  return lines
    .slice(start + 1)
    .slice(-count)
    .join('\n');
}
