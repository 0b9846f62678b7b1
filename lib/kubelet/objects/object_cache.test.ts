import type { ConfigMap, KubeObject, Pod } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import type { ApiClient } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import { fakeClient } from '../../client/fake_client.ts';
import type { Informer, InformerOptions } from '../../client/informer.ts';
import { ObjectCache, type ChangeDetection } from './object_cache.ts';
import { referencesOf } from './references.ts';

const pod = (uid: string, name: string): Pod => ({
  metadata: { name: 'p', namespace: 'ns', uid },
  spec: { containers: [{ name: 'c', envFrom: [{ configMapRef: { name } }] }] },
});

interface Watch {
  selector: string | undefined;
  stopped: boolean;
  /** The first list, or a later change. */
  show(objects: ConfigMap[]): void;
  fail(err: unknown): void;
}

function world(strategy: ChangeDetection) {
  const clock = new FakeClock(0);
  const server = new Map<string, ConfigMap>();
  const watches: Watch[] = [];
  let gets = 0;
  const unused = (): never => {
    throw new Error('not used');
  };
  const client = fakeClient({
    async get(_r, key) {
      gets++;
      await Promise.resolve();
      const found: KubeObject | undefined = server.get(`${key.namespace ?? ''}/${key.name}`);
      if (found === undefined) throw new ApiError('GET: not found', { status: 404, reason: 'NotFound' });
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fake serves one type of object only
      return structuredClone(found) as never;
    },
  });
  function informer<T extends KubeObject>(
    _c: ApiClient,
    _r: unknown,
    options: InformerOptions<T> = {},
  ): Informer<T> {
    let objects: readonly T[] = [];
    let add: ((object: T) => void) | undefined;
    const first = Promise.withResolvers<void>();
    const watch: Watch = {
      selector: options.fieldSelector,
      stopped: false,
      show(list) {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
        objects = list as unknown as T[];
        for (const object of objects) add?.(object);
        first.resolve();
      },
      fail: (err) => options.onError?.(err),
    };
    watches.push(watch);
    return {
      store: {
        get: (key) => objects.find((o) => `${o.metadata.namespace ?? ''}/${o.metadata.name}` === key),
        list: () => [...objects],
        keys: unused,
        byIndex: unused,
        indexValues: unused,
        size: 0,
        revision: 0,
      },
      addHandler(handler) {
        add = handler.add?.bind(handler);
        return () => undefined;
      },
      run: (signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            watch.stopped = true;
            resolve();
          });
        }),
      synced: () => first.promise,
      hasSynced: false,
    };
  }
  const cache = new ObjectCache({ client, createInformer: informer, clock, strategy, ttlMs: 60_000 });
  return { cache, clock, server, watches, gets: () => gets };
}

const conf = (name: string, value: string, immutable = false): ConfigMap => ({
  metadata: { namespace: 'ns', name },
  data: { k: value },
  ...(immutable ? { immutable } : {}),
});

test('Watch: one watch per object, shared by pods, ended with the last of them', async () => {
  const { cache, watches } = world('Watch');
  cache.register(pod('1', 'a'));
  cache.register(pod('2', 'a'));
  cache.register(pod('2', 'a'));
  expect(watches.map((w) => w.selector)).toEqual(['metadata.name=a']);
  watches[0]?.show([conf('a', 'x')]);
  expect((await cache.configMap('ns', 'a')).data).toEqual({ k: 'x' });
  cache.unregister('1');
  expect(watches[0]?.stopped).toBe(false);
  cache.register(pod('2', 'b')); // its spec names another one now
  expect(watches.map((w) => [w.selector, w.stopped])).toEqual([
    ['metadata.name=a', true],
    ['metadata.name=b', false],
  ]);
  cache.unregister('2');
  cache.unregister('unknown');
  expect(cache.watches).toBe(0);
});

test('Watch: an immutable object ends its own watch and stays', async () => {
  const { cache, watches } = world('Watch');
  cache.register(pod('1', 'a'));
  watches[0]?.show([conf('a', 'x', true)]);
  expect((await cache.configMap('ns', 'a')).data).toEqual({ k: 'x' });
  expect(watches[0]?.stopped).toBe(true);
  cache.register(pod('2', 'a'));
  expect((await cache.configMap('ns', 'a')).data).toEqual({ k: 'x' });
  expect(watches.length).toBe(1);
});

test('Watch: missing, and a server that does not answer, with the reason', async () => {
  const { cache, clock, watches } = world('Watch');
  cache.register(pod('1', 'a'));
  const waiting = cache.configMap('ns', 'a');
  watches[0]?.fail(new Error('connection refused'));
  const failed = waiting.catch((err: unknown) => err);
  await clock.advance(10_000);
  expect(await failed).toMatchObject({
    message: 'failed to sync configmap cache: timed out waiting for the condition: connection refused',
    notFound: false,
  });
  watches[0]?.show([]);
  await expect(cache.configMap('ns', 'a')).rejects.toMatchObject({
    message: 'configmap "a" not found',
    notFound: true,
  });
  expect(clock.pending).toBe(0);
});

test('Cache: read again after its time, and at once for a new pod', async () => {
  const { cache, clock, server, gets } = world('Cache');
  server.set('ns/a', conf('a', '1'));
  cache.register(pod('1', 'a'));
  const value = async () => (await cache.configMap('ns', 'a')).data?.['k'];
  expect([await value(), await value(), gets()]).toEqual(['1', '1', 1]);
  server.set('ns/a', conf('a', '2'));
  await clock.advance(59_000);
  expect(await value()).toBe('1');
  cache.register(pod('2', 'a'));
  expect(await value()).toBe('2');
  server.set('ns/a', conf('a', '3'));
  await clock.advance(61_000);
  expect(await value()).toBe('3');
});

test('Get: always asked; an immutable one once', async () => {
  const { cache, server, gets } = world('Get');
  server.set('ns/a', conf('a', '1'));
  server.set('ns/b', conf('b', '1', true));
  cache.register(pod('1', 'a'));
  cache.register(pod('2', 'b'));
  for (let i = 0; i < 3; i++) {
    await cache.configMap('ns', 'a');
    await cache.configMap('ns', 'b');
  }
  expect(gets()).toBe(4);
  await expect(cache.configMap('ns', 'none')).rejects.toThrow(/^configmap "none" not found$/);
});

test('references anywhere in a spec', () => {
  const found = referencesOf({
    metadata: { name: 'p' },
    spec: {
      imagePullSecrets: [{ name: 'pull' }, {}],
      initContainers: [
        { name: 'i', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'key', key: 'k' } } }] },
      ],
      containers: [
        { name: 'c', envFrom: [{ secretRef: { name: 'from' } }, { configMapRef: { name: 'cm-from' } }] },
      ],
      ephemeralContainers: [
        { name: 'e', env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'cm-key', key: 'k' } } }] },
      ],
      volumes: [
        { name: 'a', secret: { secretName: 'vol' } },
        { name: 'b', configMap: { name: 'cm-vol' } },
        {
          name: 'c',
          projected: { sources: [{ secret: { name: 'proj' } }, { configMap: { name: 'cm-proj' } }] },
        },
      ],
    },
  });
  expect([...found.secrets].sort()).toEqual(['from', 'key', 'proj', 'pull', 'vol']);
  expect([...found.configMaps].sort()).toEqual(['cm-from', 'cm-key', 'cm-proj', 'cm-vol']);
});
