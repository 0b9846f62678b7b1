/** hack/status: a table of the cluster's components and nodes; exit code 0 only when all is well. */
import { adminApi } from './admin.ts';
import { addressPlan } from './address_plan.ts';
import { field } from './api.ts';
import type { Api } from './api.ts';
import type { ComponentSpec } from './component.ts';
import { clusterComponents, wantedProcesses } from './components.ts';
import { healthProblem } from './health.ts';
import { PROXY_DAEMON_SET, SCHEDULER_DEPLOYMENT } from './in_cluster.ts';
import { parseName, UsageError } from './options.ts';
import { clusterPaths, rootsFrom } from './paths.ts';
import { fingerprint, isAlive, readRecords } from './processes.ts';
import type { ProcessRecord } from './processes.ts';
import {
  answerProblem,
  applicationUrls,
  daemonSetProblem,
  deploymentProblem,
  nodeProblem,
} from './readiness.ts';
import { readSettings } from './settings.ts';
import { age, table } from './table.ts';
import path from 'node:path';

const USAGE = `usage: hack/status [--name NAME]
Prints components, nodes and workloads of the cluster. Exit code 0 when all is well, 1 when something is not, 3 when
there is no such cluster.`;

/** One line: what, and what is wrong with it (nothing when well). */
interface Row {
  readonly name: string;
  readonly pid: string;
  readonly problem: string | undefined;
  readonly since: string;
  readonly log: string;
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseName(args);
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  const roots = rootsFrom(process.env);
  const paths = clusterPaths(roots.state, options.name);
  const settings = readSettings(paths);
  if (settings === undefined) {
    console.error(
      `hack/status: there is no cluster ${options.name} in ${roots.state}: hack/up --name ${options.name} makes one.`,
    );
    return 3;
  }
  const repo = path.resolve(import.meta.dirname, '../..');
  const cluster = { repo, roots, settings, paths, plan: addressPlan(settings.slot, settings.nodes) };
  const records = readRecords(paths);
  const now = new Date();
  const processes = await Promise.all(
    wantedProcesses(clusterComponents(cluster), settings).map((spec) =>
      processRow(
        spec,
        records.find((entry) => entry.id === spec.id),
        now,
      ),
    ),
  );
  const { kubelet, proxy, scheduler } = settings.flavours;
  console.log(
    `cluster ${settings.name}: kubelet ${kubelet}, kube-proxy ${proxy}, scheduler ${scheduler}${settings.inCluster ? ', kube-proxy and scheduler as pods' : ''}\n`,
  );
  print(['COMPONENT', 'PID', 'HEALTH', 'SINCE', 'LOG'], processes);
  const inApi = await apiRows(cluster, now);
  console.log('');
  print(['IN THE API', '', 'HEALTH', 'SINCE', 'WHERE'], inApi);
  return [...processes, ...inApi].every((row) => row.problem === undefined) ? 0 : 1;
}

function print(head: readonly string[], rows: readonly Row[]): void {
  console.log(
    table([head, ...rows.map((row) => [row.name, row.pid, row.problem ?? 'ok', row.since, row.log])]),
  );
}

async function processRow(spec: ComponentSpec, entry: ProcessRecord | undefined, now: Date): Promise<Row> {
  const base = { name: spec.id, log: entry?.log ?? '-' };
  if (entry === undefined) return { ...base, pid: '-', since: '-', problem: 'never started' };
  if (!isAlive(entry)) return { ...base, pid: '-', since: '-', problem: `ended (was pid ${entry.pid})` };
  const changed =
    spec.keeps === true || fingerprint(spec) === entry.fingerprint
      ? ''
      : ' (hack/up would restart it: program or settings changed)';
  return {
    ...base,
    pid: String(entry.pid),
    since: `${age(entry.since, now)}${changed}`,
    problem: await healthProblem(spec.health),
  };
}

async function apiRows(
  cluster: Parameters<typeof adminApi>[0] & { settings: { inCluster: boolean } },
  now: Date,
): Promise<Row[]> {
  let api: Api;
  try {
    api = adminApi(cluster);
  } catch (error) {
    return [
      {
        name: 'apiserver',
        pid: '',
        since: '-',
        log: '',
        problem: error instanceof Error ? error.message : String(error),
      },
    ];
  }
  const look = async (
    name: string,
    where: string,
    problemOf: (object: unknown) => string | undefined,
    log: string,
  ): Promise<Row> => {
    try {
      const object = await api.call('GET', where);
      const created = field(object, 'metadata', 'creationTimestamp');
      return {
        name,
        pid: '',
        since: typeof created === 'string' ? age(created, now) : '-',
        log,
        problem: problemOf(object),
      };
    } catch (error) {
      return {
        name,
        pid: '',
        since: '-',
        log,
        problem: error instanceof Error ? error.message : String(error),
      };
    }
  };
  const workload = (kind: 'deployments' | 'daemonsets', namespace: string, name: string): Promise<Row> =>
    look(
      name,
      `/apis/apps/v1/namespaces/${namespace}/${kind}/${name}`,
      kind === 'deployments' ? deploymentProblem : daemonSetProblem,
      `${namespace}/${kind}`,
    );
  const rows = await Promise.all([
    ...cluster.plan.nodes.map((node) =>
      look(node.name, `/api/v1/nodes/${node.name}`, nodeProblem, node.address),
    ),
    workload('deployments', 'kube-system', 'coredns'),
    workload('deployments', 'default', 'webapp'),
    ...(cluster.settings.inCluster
      ? [
          workload('deployments', SCHEDULER_DEPLOYMENT.namespace, SCHEDULER_DEPLOYMENT.name),
          workload('daemonsets', PROXY_DAEMON_SET.namespace, PROXY_DAEMON_SET.name),
        ]
      : []),
  ]);
  const urls = await applicationUrls(cluster, api).catch(() => []);
  const answers = await Promise.all(
    urls.map(async (url) => ({
      name: 'webapp answers',
      pid: '',
      since: '',
      log: url,
      problem: await answerProblem(url),
    })),
  );
  return [...rows, ...answers];
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`hack/status: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
