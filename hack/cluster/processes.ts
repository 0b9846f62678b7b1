/** Starts, finds and ends the cluster's processes. Each leaves a record in the run folder, which outlives hack/up. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
  readFileSync,
  existsSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { field } from './api.ts';
import type { ComponentSpec } from './component.ts';
import type { ClusterPaths } from './paths.ts';
import { allProcesses, processStat } from './procfs.ts';

/** What is known of a started process. */
export interface ProcessRecord {
  readonly id: string;
  readonly pid: number;
  /** See ProcessStat.startTicks: a record whose pid now belongs to another process counts as dead. */
  readonly startTicks: number;
  /** RFC 3339. */
  readonly since: string;
  readonly argv: readonly string[];
  /** Digest over everything that a restart would change; see {@link fingerprint}. */
  readonly fingerprint: string;
  readonly log: string;
  readonly node?: string;
}

/** Where and in which groups to start something. */
export interface LaunchContext {
  readonly paths: ClusterPaths;
  /** Path of enter.bash. */
  readonly enterScript: string;
  readonly cgroupEntries: readonly string[];
  /** Pid (as the host sees it) of the first process of each node. */
  readonly nodePid: (node: string) => number;
}

/** Digest of argv, environment, the program file and the contents of the input files. */
export function fingerprint(spec: Pick<ComponentSpec, 'argv' | 'env' | 'inputs'>): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([spec.argv, spec.env ?? {}]));
  for (const file of spec.argv.filter((argument) => argument.startsWith('/') && existsSync(argument))) {
    const { size, mtimeMs } = statSync(file);
    if (statSync(file).isFile()) hash.update(`${file} ${size} ${mtimeMs}`);
  }
  for (const file of spec.inputs) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

/** Starts `spec` detached, with stdout and stderr appended to its log, and records it. */
export async function start(spec: ComponentSpec, context: LaunchContext): Promise<ProcessRecord> {
  const { paths } = context;
  mkdirSync(paths.logs, { recursive: true });
  mkdirSync(paths.run, { recursive: true });
  const log = path.join(paths.logs, `${spec.id}.log`);
  const inNode = spec.node === undefined ? [] : enterNode(context.nodePid(spec.node));
  const argv = [context.enterScript, ...context.cgroupEntries, '--', ...inNode, ...spec.argv];
  const outer = launch(argv, log, spec.env);
  // nsenter has to fork to enter a pid namespace: the program is its child.
  const pid = spec.node === undefined ? outer : await childOf(outer, spec.id);
  return record(spec, pid, log, context);
}

/** The nsenter command that enters a node by its first process (and its root, should that not be the machine's). */
export function enterNode(pid: number): string[] {
  return [
    'nsenter',
    `--target=${pid}`,
    '--mount',
    '--root',
    '--wd',
    '--uts',
    '--ipc',
    '--net',
    '--pid',
    '--',
  ];
}

/** Begins the line that heads each start in a log. */
export const START_MARK = '=== hack/up starts:';

/** Starts `argv` detached in a session of its own and gives its pid. */
export function launch(argv: readonly string[], log: string, env?: Readonly<Record<string, string>>): number {
  const [program, ...args] = argv;
  if (program === undefined) throw new Error('launch: no program');
  const output = openSync(log, 'a');
  try {
    writeSync(output, `${START_MARK} ${new Date().toISOString()} ${argv.join(' ')}\n`);
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', output, output],
      cwd: '/',
      env: { PATH: process.env['PATH'], HOME: '/root', LANG: 'C.UTF-8', ...env },
    });
    child.once('error', (error) =>
      writeFileSync(log, `cannot start ${program}: ${error.message}\n`, { flag: 'a' }),
    );
    child.unref();
    if (child.pid === undefined) throw new Error(`cannot start ${program}: see ${log}`);
    return child.pid;
  } finally {
    closeSync(output);
  }
}

/** Waits for the one child of `parent` and gives its pid. */
export async function childOf(parent: number, what: string): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const child = allProcesses().find((stat) => stat.parent === parent);
    if (child !== undefined) return child.pid;
    if (processStat(parent) === undefined) break;
    await sleep(10);
  }
  throw new Error(`${what}: ended at its start`);
}

export function record(
  spec: Pick<ComponentSpec, 'id' | 'argv' | 'env' | 'inputs' | 'node'>,
  pid: number,
  log: string,
  context: Pick<LaunchContext, 'paths'>,
): ProcessRecord {
  const stat = processStat(pid);
  if (stat === undefined) throw new Error(`${spec.id}: ended at its start, see ${log}`);
  const entry: ProcessRecord = {
    id: spec.id,
    pid,
    startTicks: stat.startTicks,
    since: new Date().toISOString(),
    argv: spec.argv,
    fingerprint: fingerprint(spec),
    log,
    ...(spec.node === undefined ? {} : { node: spec.node }),
  };
  const { run } = context.paths;
  mkdirSync(run, { recursive: true });
  replaceFile(path.join(run, `${spec.id}.pid`), `${pid}\n`);
  replaceFile(path.join(run, `${spec.id}.json`), `${JSON.stringify(entry, undefined, 2)}\n`);
  return entry;
}

/** Reads all records of a cluster. A torn or foreign file is left out: the scans find what it would have named. */
export function readRecords(paths: ClusterPaths): ProcessRecord[] {
  if (!existsSync(paths.run)) return [];
  return readdirSync(paths.run)
    .filter((name) => name.endsWith('.json'))
    .map((name) => parseRecord(readFileSync(path.join(paths.run, name), 'utf8')))
    .filter((entry) => entry !== undefined)
    .sort((a, b) => a.id.localeCompare(b.id));
}

/** Validates the text of a record. */
export function parseRecord(text: string): ProcessRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const [id, pid, startTicks, since, argv, fingerprint, log, node] = [
    'id',
    'pid',
    'startTicks',
    'since',
    'argv',
    'fingerprint',
    'log',
    'node',
  ].map((name) => field(value, name));
  const argvIsText =
    Array.isArray(argv) && argv.every((argument): argument is string => typeof argument === 'string');
  if (typeof id !== 'string' || typeof pid !== 'number' || typeof startTicks !== 'number') return undefined;
  if (typeof since !== 'string' || typeof fingerprint !== 'string' || typeof log !== 'string' || !argvIsText)
    return undefined;
  return {
    id,
    pid,
    startTicks,
    since,
    argv,
    fingerprint,
    log,
    ...(typeof node === 'string' ? { node } : {}),
  };
}

/** Whether the recorded process still runs. */
export function isAlive(entry: Pick<ProcessRecord, 'pid' | 'startTicks'>): boolean {
  return processStat(entry.pid)?.startTicks === entry.startTicks;
}

/** SIGTERM, then SIGKILL after `graceMs`; returns when the process is gone. */
export async function stop(
  entry: Pick<ProcessRecord, 'pid' | 'startTicks' | 'id'>,
  graceMs = 5000,
): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGTERM', graceMs],
    ['SIGKILL', 5000],
  ] as const) {
    const end = performance.now() + patienceMs;
    if (patienceMs > 0 && isAlive(entry)) signalProcess(entry.pid, signal);
    while (isAlive(entry)) {
      if (performance.now() > end) break;
      await sleep(20);
    }
    if (!isAlive(entry)) return;
  }
  throw new Error(`${entry.id} (pid ${entry.pid}) does not end, not even by SIGKILL`);
}

export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

export function forget(paths: ClusterPaths, id: string): void {
  rmSync(path.join(paths.run, `${id}.json`), { force: true });
  rmSync(path.join(paths.run, `${id}.pid`), { force: true });
}

function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
