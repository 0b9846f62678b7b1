/** One node of a cluster of its own, whose kubelet is ours and stock in turn: same node, same flags, same configuration. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { rootsFrom } from '../../hack/cluster/paths.ts';
import { StandingCluster } from '../../hack/cluster/standing_cluster.ts';
import { getCondition } from '../../lib/api/conditions.ts';
import type { ApiClient } from '../../lib/client/client.ts';
import { createClient, loadKubeconfig } from '../../lib/client/kubeconfig.ts';
import { NODES } from '../../lib/client/resource.ts';
import { stockBinary } from '../../test/fixtures/stock_binaries.ts';

export const FLAVOURS = ['ours', 'stock'] as const;
export type Flavour = (typeof FLAVOURS)[number];

const NODE = 'node-1';
const KUBELET = `kubelet-${NODE}`;
const READY_LIMIT_MS = 90_000;
/** The default of 110 is less than the bench wants. */
const MAX_PODS = 300;

export class NodeUnderTest implements AsyncDisposable {
  readonly name = NODE;
  readonly client: ApiClient;
  readonly #cluster: StandingCluster;
  readonly #repo: string;
  readonly #config: string;
  /** Arguments for ours only, e.g. `--cpu-prof` of Node.js. */
  readonly #nodeOptions: readonly string[];

  private constructor(repo: string, cluster: StandingCluster, nodeOptions: readonly string[]) {
    this.#repo = repo;
    this.#cluster = cluster;
    this.#nodeOptions = nodeOptions;
    this.client = createClient(loadKubeconfig({ path: cluster.paths.kubeconfig('admin') }), { qps: 0 });
    this.#config = join(cluster.paths.node(NODE).dir, 'kubelet-bench.yaml');
    const config: unknown = parse(
      readFileSync(join(cluster.paths.node(NODE).dir, 'kubelet-config.yaml'), 'utf8'),
    );
    writeFileSync(this.#config, stringify(Object.assign({}, config, { maxPods: MAX_PODS })));
  }

  /** Brings the cluster up. */
  static async create(
    repo: string,
    name: string,
    nodeOptions: readonly string[] = [],
  ): Promise<NodeUnderTest> {
    await hack(repo, 'up', `--name=${name}`, '--nodes=1');
    const stateRoot = rootsFrom(process.env).state;
    return new NodeUnderTest(repo, new StandingCluster({ repo, stateRoot, name }), nodeOptions);
  }

  get pid(): number {
    return this.#cluster.record(KUBELET).pid;
  }

  /** Has this kubelet and no other run, and the node ready by its word. */
  async use(flavour: Flavour): Promise<void> {
    await this.stop();
    await this.forgetReady();
    await this.start(flavour);
    await this.ready();
  }

  async stop(): Promise<void> {
    if (this.#cluster.alive(KUBELET)) await this.#cluster.stop(KUBELET);
  }

  async start(flavour: Flavour): Promise<void> {
    const program: [string, ...string[]] =
      flavour === 'stock'
        ? [stockBinary('kubelet')]
        : this.#nodeOptions.length === 0
          ? [join(this.#repo, 'dist', 'ts-kubelet')]
          : [process.execPath, ...this.#nodeOptions, join(this.#repo, 'dist', 'ts-kubelet')];
    const flags = this.#cluster
      .record(KUBELET)
      .argv.filter((argument) => argument.startsWith('--') && !this.#nodeOptions.includes(argument))
      .map((flag) => (flag.startsWith('--config=') ? `--config=${this.#config}` : flag));
    await this.#cluster.start(KUBELET, [...program, ...flags]);
  }

  /** As the node lifecycle controller does for a node that went silent: only a kubelet can make it ready again. */
  async forgetReady(): Promise<void> {
    const at = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const conditions = [
      { type: 'Ready', status: 'Unknown', reason: 'Bench', lastHeartbeatTime: at, lastTransitionTime: at },
    ];
    await this.client.patch(
      NODES,
      { name: NODE },
      { status: { conditions } },
      { type: 'strategic-merge', subresource: 'status' },
    );
  }

  /** Resolves when the API says that the node is ready. */
  async ready(): Promise<void> {
    const end = performance.now() + READY_LIMIT_MS;
    for (;;) {
      const node = await this.client.get(NODES, { name: NODE });
      if (getCondition(node.status?.conditions, 'Ready')?.status === 'True') return;
      if (performance.now() > end) throw new Error(`${NODE} is not ready after ${READY_LIMIT_MS / 1000} s`);
      await sleep(20);
    }
  }

  /** One of the kubelet's pages, through the API server. */
  page(path: string): Promise<string> {
    return this.client.requestText({ method: 'GET', path: `/api/v1/nodes/${NODE}/proxy${path}` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await hack(this.#repo, 'down', `--name=${this.#cluster.name}`);
  }
}

async function hack(repo: string, script: 'up' | 'down', ...flags: readonly string[]): Promise<void> {
  await promisify(execFile)(join(repo, 'hack', script), flags, { maxBuffer: 2 ** 24 });
}
