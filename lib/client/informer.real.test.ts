import { createServer, connect } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { ConfigMap } from '../api/types.ts';
import { startApiserver } from '../../test/fixtures/apiserver.ts';
import type { Apiserver } from '../../test/fixtures/apiserver.ts';
import type { ApiClient } from './client.ts';
import { isGone } from './errors.ts';
import { createInformer } from './informer.ts';
import type { Informer, InformerOptions } from './informer.ts';
import { createClient, loadKubeconfig } from './kubeconfig.ts';
import { CONFIG_MAPS, NAMESPACES } from './resource.ts';

let server: Apiserver;
let proxy: CuttingProxy;
let viaProxy: ApiClient;
beforeAll(async () => {
  server = await startApiserver();
  proxy = await CuttingProxy.start(Number(new URL(server.url).port));
  const path = server.writeKubeconfig(
    'proxy',
    { token: server.adminToken },
    `https://127.0.0.1:${proxy.port}`,
  );
  viaProxy = createClient(loadKubeconfig({ path }), { qps: 0 });
}, 300_000);
afterAll(async () => {
  await viaProxy.close();
  await proxy.stop();
  await server.stop();
}, 30_000);

let namespace: string;
let stop: AbortController;
let running: Promise<void>[];
beforeEach(async () => {
  stop = new AbortController();
  running = [];
  const made = await server.client.create(NAMESPACES, { metadata: { generateName: 'informer-' } });
  namespace = made.metadata.name;
});
afterEach(async () => {
  stop.abort();
  await Promise.all(running);
});

test.each([
  ['streamed', {}, 0],
  ['whole', { wholeList: true }, 1],
  ['paginated', { paginatedList: true }, 2],
])(
  'a %s list is complete, indexed, told to handlers and followed by changes',
  async (_name, how, listRequests) => {
    // More than one page.
    await inParallel(520, (i) => put(`cm-${i}`, { n: String(i % 10) }));
    const { informer, told, requests } = watchNamespace(server.client, {
      ...how,
      indexers: { n: (cm) => [cm.data?.['n'] ?? ''] },
    });
    await informer.synced(AbortSignal.timeout(20_000));
    expect(informer.store.size).toBe(520);
    expect(informer.store.byIndex('n', '3')).toHaveLength(52);
    expect(informer.store.get(`${namespace}/cm-7`)?.metadata.managedFields).toBeUndefined();
    expect(told.filter(([type]) => type === 'add')).toHaveLength(520); // delivered before synced() resolved
    expect(requests.lists).toBe(listRequests);

    await patch('cm-7', { n: 'x' });
    await server.client.delete(CONFIG_MAPS, { namespace, name: 'cm-8' });
    await until(() => told.some(([type, name]) => type === 'delete' && name === 'cm-8'));
    expect(told).toContainEqual(['update', 'cm-7', '7>x']);
    expect(informer.store.byIndex('n', 'x')).toHaveLength(1);
    expect(informer.store.size).toBe(519);
    await inParallel(520, (i) =>
      server.client.delete(CONFIG_MAPS, { namespace, name: `cm-${i}` }).catch(() => undefined),
    );
  },
  60_000,
);

test('a connection cut in the middle of a line loses no event and costs no relist', async () => {
  await put('before', { n: '1' });
  const { informer, told, requests, errors } = watchNamespace(viaProxy);
  await informer.synced(AbortSignal.timeout(20_000));
  for (let round = 0; round < 5; round++) {
    // The proxy lets so many bytes of the next answers through, then resets the connection: inside the line, whose
    // value is of characters of several bytes.
    proxy.cutAfter(300 + round * 217);
    await put(`cut-${round}`, { n: 'Straße-日本語-'.repeat(200) });
    await put(`after-${round}`, { n: String(round) });
    await until(() => informer.store.get(`${namespace}/after-${round}`) !== undefined);
  }
  expect(proxy.cuts).toBe(5);
  expect(errors.length).toBeGreaterThanOrEqual(5);
  const whole = informer.store.list().filter((cm) => cm.data?.['n'] === 'Straße-日本語-'.repeat(200));
  expect(whole).toHaveLength(5);
  await until(() => told.filter(([type]) => type === 'add').length === 11);
  expect(told.filter(([type]) => type !== 'add')).toEqual([]);
  expect(requests.initial).toBe(1);
}, 60_000);

test('the apiserver killed and restarted: changes made meanwhile arrive, without a relist', async () => {
  await put('a', { n: '1' });
  const { informer, told, requests } = watchNamespace(server.client);
  await informer.synced(AbortSignal.timeout(20_000));
  await server.kill();
  await server.restart();
  await patch('a', { n: '2' });
  await put('b', { n: '1' });
  await until(() => informer.store.get(`${namespace}/b`) !== undefined);
  await until(() => told.length === 3);
  expect(told).toEqual([
    ['add', 'a', '1'],
    ['update', 'a', '1>2'],
    ['add', 'b', '1'],
  ]);
  expect(requests.initial).toBe(1);
}, 90_000);

test.each([
  ['streamed', {}],
  ['whole', { wholeList: true }],
  ['paginated', { paginatedList: true }],
])(
  'history compacted while away (%s): relisted, deletes and re-creations are seen',
  async (_name, how) => {
    for (const name of ['kept', 'changed', 'deleted', 'recreated']) await put(name, { n: '1' });
    const { informer, told, errors } = watchNamespace(viaProxy, how);
    await informer.synced(AbortSignal.timeout(20_000));
    await proxy.refuse();
    await patch('changed', { n: '2' });
    await server.client.delete(CONFIG_MAPS, { namespace, name: 'deleted' });
    await server.client.delete(CONFIG_MAPS, { namespace, name: 'recreated' });
    await put('recreated', { n: '2' });
    await put('new', { n: '1' });
    // The watch cache forgets with the restart, etcd with the compaction.
    await server.compact();
    await server.restart();
    proxy.accept();
    await until(() => informer.store.get(`${namespace}/new`) !== undefined);
    await until(() => told.length === 9);
    expect(errors.some(isGone)).toBe(true);
    expect(told.slice(0, 4).every(([type]) => type === 'add')).toBe(true);
    expect(told.slice(4).toSorted((a, b) => a.join().localeCompare(b.join()))).toEqual([
      ['add', 'new', '1'],
      ['add', 'recreated', '2'],
      ['delete', 'deleted', '1'],
      ['delete', 'recreated', '1'],
      ['update', 'changed', '1>2'],
    ]);
    const order = told.filter(([, name]) => name === 'recreated').map(([type]) => type);
    expect(order).toEqual(['add', 'delete', 'add']);
  },
  90_000,
);

test('a server whose etcd is too old to stream lists is asked for pages instead', async () => {
  const old = await startApiserver();
  try {
    await old.client.create(CONFIG_MAPS, { metadata: { namespace: 'default', name: 'a' } });
    const errors: unknown[] = [];
    const informer = createInformer(old.client, CONFIG_MAPS, {
      namespace: 'default',
      onError: (err) => errors.push(err),
    });
    running.push(informer.run(stop.signal));
    await informer.synced(AbortSignal.timeout(20_000));
    expect(informer.store.get('default/a')).toBeDefined();
    expect(errors).toEqual([]);
  } finally {
    stop.abort();
    await old.stop();
  }
}, 60_000);

test('a watch that the server ends at its timeout is resumed quietly', async () => {
  const { informer, requests, errors } = watchNamespace(server.client, { minWatchSeconds: 1 });
  await informer.synced(AbortSignal.timeout(20_000));
  await until(() => requests.watches >= 2);
  await put('late', { n: '1' });
  await until(() => informer.store.get(`${namespace}/late`) !== undefined);
  expect(errors).toEqual([]);
  expect(requests.initial).toBe(1);
}, 30_000);

// What handlers were told: type, name, data.n (old>new for updates).
type Told = [string, string, string];

function watchNamespace(
  client: ApiClient,
  options: InformerOptions<ConfigMap> = {},
): {
  informer: Informer<ConfigMap>;
  told: Told[];
  errors: unknown[];
  requests: { lists: number; watches: number; initial: number };
} {
  const requests = { lists: 0, watches: 0, initial: 0 };
  const counting = new Proxy(client, {
    get(target, property) {
      if (property === 'requestText') {
        return (...args: Parameters<ApiClient['requestText']>) => {
          requests.lists++;
          return target.requestText(...args);
        };
      }
      if (property === 'stream') {
        return (...args: Parameters<ApiClient['stream']>) => {
          if (args[0].query?.['watch'] === true) requests.watches++;
          else requests.lists++;
          if (args[0].query?.['sendInitialEvents'] === true) requests.initial++;
          return target.stream(...args);
        };
      }
      const value: unknown = Reflect.get(target, property, target);
      return value;
    },
  });
  const errors: unknown[] = [];
  const told: Told[] = [];
  const informer = createInformer(counting, CONFIG_MAPS, {
    namespace,
    onError: (err) => errors.push(err),
    ...options,
  });
  const n = (cm: ConfigMap): string => cm.data?.['n'] ?? '';
  informer.addHandler({
    add: (cm) => told.push(['add', cm.metadata.name, n(cm)]),
    update: (old, cm) => told.push(['update', cm.metadata.name, `${n(old)}>${n(cm)}`]),
    delete: (cm) => told.push(['delete', cm.metadata.name, n(cm)]),
  });
  running.push(informer.run(stop.signal));
  return { informer, told, errors, requests };
}

async function put(name: string, data: Record<string, string>): Promise<void> {
  await server.client.create(CONFIG_MAPS, { metadata: { namespace, name }, data });
}

async function patch(name: string, data: Record<string, string>): Promise<void> {
  await server.client.patch(CONFIG_MAPS, { namespace, name }, { data }, { type: 'merge' });
}

async function inParallel(n: number, fn: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < n) await fn(next++);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('not so within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Passes bytes to the apiserver and back, and cuts connections on demand. */
class CuttingProxy {
  cuts = 0;
  readonly #server: Server;
  readonly #upstream: number;
  readonly #sockets = new Set<Socket>();
  #left = Number.POSITIVE_INFINITY;

  static async start(upstream: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(upstream);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  private constructor(upstream: number) {
    this.#upstream = upstream;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return address.port;
  }

  /** After `bytes` more bytes from the server, the connection they came on is reset. */
  cutAfter(bytes: number): void {
    this.#left = bytes;
  }

  /** Cuts everything; new connections are reset at once. */
  async refuse(): Promise<void> {
    this.#left = 0;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await new Promise((resolve) => setImmediate(resolve));
  }

  accept(): void {
    this.#left = Number.POSITIVE_INFINITY;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    if (this.#left === 0) {
      socket.resetAndDestroy();
      return;
    }
    const upstream = connect(this.#upstream, '127.0.0.1');
    for (const s of [socket, upstream]) {
      this.#sockets.add(s);
      s.on('close', () => {
        this.#sockets.delete(s);
        socket.destroy();
        upstream.destroy();
      });
      s.on('error', () => undefined);
    }
    socket.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      if (chunk.length < this.#left) {
        this.#left -= chunk.length;
        socket.write(chunk);
        return;
      }
      const part = chunk.subarray(0, this.#left);
      this.#left = Number.POSITIVE_INFINITY;
      this.cuts++;
      socket.write(part, () => socket.resetAndDestroy());
      upstream.destroy();
    });
  }
}
