import type { ConfigMap } from '../api/types.ts';
import { SharedCache } from './shared_cache.ts';

const cm = (name: string, resourceVersion: string, uid = `uid-${name}`): ConfigMap => ({
  metadata: { name, namespace: 'ns', uid, resourceVersion },
});

function recording(cache: SharedCache<ConfigMap>): { told: string[]; remove: () => void } {
  const told: string[] = [];
  const show = (o: ConfigMap): string => `${o.metadata.name}@${o.metadata.resourceVersion}`;
  const remove = cache.addHandler({
    add: (o) => told.push(`add ${show(o)}`),
    update: (old, o) => told.push(`update ${show(old)} ${show(o)}`),
    delete: (o) => told.push(`delete ${show(o)}`),
  });
  return { told, remove };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

let errors: unknown[];
let cache: SharedCache<ConfigMap>;
beforeEach(() => {
  errors = [];
  cache = new SharedCache<ConfigMap>({}, undefined, (err) => errors.push(err));
});

test('handlers hear of changes in order, in a later turn than the store', async () => {
  const { told } = recording(cache);
  cache.replace([cm('a', '1')]);
  cache.put(cm('a', '2'));
  cache.put(cm('b', '3'));
  cache.remove(cm('a', '4'));
  expect(cache.store.size).toBe(1);
  expect(told).toEqual([]);
  await settle();
  expect(told).toEqual(['add a@1', 'update a@1 a@2', 'add b@3', 'delete a@4']);
});

test('an object shares with its former self, a new one with the one before it, and with nothing else', () => {
  const labelled = (name: string, version: string, app: string): ConfigMap => {
    const { metadata } = cm(name, version);
    return { metadata: { ...metadata, labels: { app } }, data: { name } };
  };
  const [a1, b1, a2, c1] = [
    labelled('a', '1', 'web'),
    labelled('b', '1', 'web'),
    labelled('a', '2', 'other'),
    labelled('c', '1', 'other'),
  ];
  for (const object of [a1, b1, a2, c1]) cache.put(object);
  expect(b1.metadata.labels).toBe(a1.metadata.labels);
  expect(a2.data).toBe(a1.data);
  expect(c1.metadata.labels).not.toBe(a2.metadata.labels);
  expect(cache.store.list()).toEqual([
    labelled('a', '2', 'other'),
    labelled('b', '1', 'web'),
    labelled('c', '1', 'other'),
  ]);
});

test('a relist tells of what changed, is gone, is new or was made anew, and of nothing else', async () => {
  cache.replace([cm('same', '1'), cm('changed', '1'), cm('gone', '1'), cm('anew', '1')]);
  const { told } = recording(cache);
  await settle();
  told.length = 0;
  cache.replace([cm('same', '1'), cm('changed', '2'), cm('anew', '2', 'other-uid'), cm('new', '2')]);
  await settle();
  expect(told).toEqual([
    'delete gone@1',
    'update changed@1 changed@2',
    'delete anew@1',
    'add anew@2',
    'add new@2',
  ]);
});

test('a late handler gets adds for what is there, then changes, once', async () => {
  cache.replace([cm('a', '1')]);
  cache.put(cm('b', '1'));
  const { told, remove } = recording(cache);
  cache.put(cm('a', '2'));
  await settle();
  expect(told).toEqual(['add a@1', 'add b@1', 'update a@1 a@2']);
  remove();
  cache.put(cm('a', '3'));
  await settle();
  expect(told).toHaveLength(3);
});

test('a handler that throws is told of, and goes on; others do not notice', async () => {
  cache.addHandler({
    add: () => {
      throw new Error('broken handler');
    },
  });
  const { told } = recording(cache);
  cache.replace([cm('a', '1'), cm('b', '1')]);
  await settle();
  expect(errors.map(String)).toEqual(Array(2).fill('Error: handler threw on add: broken handler'));
  expect(told).toEqual(['add a@1', 'add b@1']);
});

test('synced means that the first list has been told to the handlers there were', async () => {
  const { told } = recording(cache);
  const synced = cache.synced().then(() => told.length);
  expect(cache.hasSynced).toBe(false);
  cache.replace(Array.from({ length: 1_000 }, (_, i) => cm(`n${i}`, '1')));
  expect(cache.hasSynced).toBe(false);
  expect(await synced).toBe(1_000);
  expect(cache.hasSynced).toBe(true);
  await cache.synced();
});

test('synced does not wait for a handler that was removed, and an empty list counts', async () => {
  const { remove } = recording(cache);
  cache.replace([]);
  expect(cache.hasSynced).toBe(true);
  const other = new SharedCache<ConfigMap>({}, undefined, () => undefined);
  const second = recording(other);
  other.replace([cm('a', '1')]);
  second.remove();
  expect(other.hasSynced).toBe(true);
  remove();
});

test('waiting for the sync ends with the signal', async () => {
  const stop = new AbortController();
  const waiting = cache.synced(stop.signal);
  stop.abort(new Error('shutting down'));
  await expect(waiting).rejects.toThrow('shutting down');
});

test('a transform that throws is told of and the object kept as it is', async () => {
  const failing = new SharedCache<ConfigMap>(
    {},
    () => {
      throw new Error('broken transform');
    },
    (err) => errors.push(err),
  );
  failing.replace([cm('a', '1')]);
  expect(failing.store.get('ns/a')).toEqual(cm('a', '1'));
  expect(String(errors[0])).toMatch('transform threw on ns/a');
});

test('closed, nothing further is told', async () => {
  const { told } = recording(cache);
  cache.replace([cm('a', '1')]);
  cache.close();
  cache.put(cm('b', '1'));
  await settle();
  expect(told).toEqual([]);
});
