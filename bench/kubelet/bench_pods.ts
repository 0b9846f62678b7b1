/** Pods of the bench: made on the node under test (bound as they are created), watched, deleted, with the times of it all. */
import { getCondition } from '../../lib/api/conditions.ts';
import type { Pod } from '../../lib/api/types.ts';
import type { ApiClient } from '../../lib/client/client.ts';
import { isNotFound } from '../../lib/client/errors.ts';
import { createInformer } from '../../lib/client/informer.ts';
import { NAMESPACES, PODS, SERVICE_ACCOUNTS } from '../../lib/client/resource.ts';

const IMAGE = 'ts-kubernetes.local/busybox:dev';
const NAMESPACE = 'bench';
const LIMIT_MS = 300_000;
const HTTP_PORT = 8080;

/** What the only container of a pod does. */
export type Kind =
  /** Sleeps; ends at once by SIGTERM. */
  | 'obedient'
  /** Sleeps; SIGTERM does not end it. */
  | 'deaf'
  /** Answers HTTP, asked by a readiness probe each second. */
  | 'http'
  /** As `http`, the probe only connects. */
  | 'tcp';

const SCRIPTS: Readonly<Record<Kind, string>> = {
  obedient: 'trap "exit 0" TERM; while :; do sleep 3600 & wait; done',
  deaf: 'trap "" TERM; while :; do sleep 3600; done',
  http: `mkdir -p /tmp/www; echo ok > /tmp/www/index.html; exec httpd -f -p ${HTTP_PORT} -h /tmp/www`,
  tcp: `mkdir -p /tmp/www; exec httpd -f -p ${HTTP_PORT} -h /tmp/www`,
};

export class BenchPods {
  readonly #client: ApiClient;
  readonly #node: string;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  readonly #readyAt = new Map<string, number>();
  readonly #goneAt = new Map<string, number>();
  readonly #pods: ReturnType<typeof createInformer<Pod>>;

  private constructor(client: ApiClient, node: string) {
    this.#client = client;
    this.#node = node;
    this.#pods = createInformer(client, PODS, { namespace: NAMESPACE });
    const note = (pod: Pod): void => {
      const { name } = pod.metadata;
      if (isReady(pod) && !this.#readyAt.has(name)) this.#readyAt.set(name, performance.now());
      for (const listener of this.#listeners) listener();
    };
    this.#pods.addHandler({
      add: note,
      update: (_old, pod) => note(pod),
      delete: ({ metadata: { name } }) => {
        this.#goneAt.set(name, performance.now());
        for (const listener of this.#listeners) listener();
      },
    });
  }

  static async create(client: ApiClient, node: string): Promise<BenchPods> {
    await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
    for (;;) {
      const found = await client
        .get(SERVICE_ACCOUNTS, { namespace: NAMESPACE, name: 'default' })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      if (found !== undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const pods = new BenchPods(client, node);
    void pods.#pods.run(pods.#stop.signal);
    await pods.#pods.synced();
    return pods;
  }

  /** Creates pods all at once, waits until they are ready, and gives the milliseconds that each took. */
  async start(names: readonly string[], kind: Kind): Promise<number[]> {
    const created = new Map<string, number>();
    await Promise.all(
      names.map(async (name) => {
        created.set(name, performance.now());
        await this.#client.create(PODS, podOf(name, this.#node, kind));
      }),
    );
    return this.#times(created, this.#readyAt, 'ready');
  }

  /** Deletes pods with a grace of one second all at once, and gives the milliseconds until each was gone. */
  async delete(names: readonly string[]): Promise<number[]> {
    const deleted = new Map<string, number>();
    await Promise.all(
      names.map(async (name) => {
        deleted.set(name, performance.now());
        await this.#client.delete(PODS, { namespace: NAMESPACE, name }, { gracePeriodSeconds: 1 });
      }),
    );
    return this.#times(deleted, this.#goneAt, 'gone');
  }

  /** Brings the number of standing pods of a kind to `count`: `<kind>-0` and so on. */
  async keep(count: number, kind: Kind): Promise<void> {
    const standing = this.#pods.store
      .list()
      .map(({ metadata }) => metadata.name)
      .filter((name) => name.startsWith(`${kind}-`));
    const wanted = Array.from({ length: count }, (_, i) => `${kind}-${i}`);
    const surplus = standing.filter((name) => !wanted.includes(name));
    if (surplus.length > 0) await this.delete(surplus);
    const missing = wanted.filter((name) => !standing.includes(name));
    for (const name of missing) this.#readyAt.delete(name);
    for (let i = 0; i < missing.length; i += 25) await this.start(missing.slice(i, i + 25), kind);
  }

  /** Restarts of all containers that stand, added up. */
  restarts(): number {
    return this.#pods.store
      .list()
      .flatMap((pod) => pod.status?.containerStatuses ?? [])
      .reduce((sum, { restartCount }) => sum + restartCount, 0);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#client.delete(NAMESPACES, { name: NAMESPACE });
  }

  async #times(since: ReadonlyMap<string, number>, at: Map<string, number>, what: string): Promise<number[]> {
    const end = performance.now() + LIMIT_MS;
    const missing = (): string[] => [...since.keys()].filter((name) => !at.has(name));
    while (missing().length > 0) {
      const failed = this.#pods.store
        .list()
        .find((pod) => since.has(pod.metadata.name) && pod.status?.phase === 'Failed');
      if (failed !== undefined)
        throw new Error(
          `${failed.metadata.name} failed: ${failed.status?.reason ?? ''} ${failed.status?.message ?? ''}`,
        );
      if (performance.now() > end) throw new Error(`not ${what} after ${LIMIT_MS / 1000} s: ${missing()[0]}`);
      await this.#changed();
    }
    return [...since].map(([name, begun]) => {
      const then = at.get(name) ?? NaN;
      at.delete(name);
      return then - begun;
    });
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, 1000);
      this.#listeners.add(done);
    });
  }
}

function isReady(pod: Pod): boolean {
  return getCondition(pod.status?.conditions, 'Ready')?.status === 'True';
}

function podOf(name: string, node: string, kind: Kind): Pod {
  const probe = {
    http: { httpGet: { path: '/', port: HTTP_PORT } },
    tcp: { tcpSocket: { port: HTTP_PORT } },
    obedient: undefined,
    deaf: undefined,
  }[kind];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 1,
      tolerations: [{ operator: 'Exists' }],
      containers: [
        {
          name: 'main',
          image: IMAGE,
          command: ['sh', '-c', SCRIPTS[kind]],
          ...(probe === undefined
            ? {}
            : { readinessProbe: { ...probe, periodSeconds: 1, timeoutSeconds: 1 } }),
        },
      ],
    },
  };
}
