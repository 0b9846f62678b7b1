import * as fc from 'fast-check';
import type { ConfigMap } from '../api/types.ts';
import { keyOf } from '../api/types.ts';
import { Store } from './store.ts';

const cm = (name: string, values: readonly string[], namespace = 'ns'): ConfigMap => ({
  metadata: { name, namespace },
  data: Object.fromEntries(values.map((v) => [v, ''])),
});
const byData = { data: (o: ConfigMap) => Object.keys(o.data ?? {}) };

test('after any changes the index agrees with the objects', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const values = fc.uniqueArray(fc.constantFrom('x', 'y', 'z'));
  const change = fc.oneof(
    fc.tuple(fc.constant('put'), name, values),
    fc.tuple(fc.constant('remove'), name, values),
  );
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const store = new Store(byData);
      const model = new Map<string, ConfigMap>();
      for (const [what, n, v] of changes) {
        const object = cm(n, v);
        if (what === 'put') {
          expect(store.put(object)).toBe(model.get(keyOf(object)));
          model.set(keyOf(object), object);
        } else {
          expect(store.remove(keyOf(object))).toBe(model.get(keyOf(object)));
          model.delete(keyOf(object));
        }
      }
      expect(new Set(store.list())).toEqual(new Set(model.values()));
      for (const value of ['x', 'y', 'z']) {
        const want = [...model.values()].filter((o) => value in (o.data ?? {}));
        expect(new Set(store.byIndex('data', value))).toEqual(new Set(want));
        expect(store.indexValues('data').includes(value)).toBe(want.length > 0);
      }
    }),
  );
});

test('keys are namespace/name, or the name of a cluster-scoped object', () => {
  const store = new Store<ConfigMap>();
  store.put(cm('a', []));
  store.put({ metadata: { name: 'n1' } });
  expect([...store.keys()]).toEqual(['ns/a', 'n1']);
  expect(store.get('n1')?.metadata.name).toBe('n1');
  expect(store.size).toBe(2);
});

test('an unknown index is an error that names those there are', () => {
  const store = new Store(byData);
  expect(() => store.byIndex('node', 'x')).toThrow('no index "node"; there are: "data"');
});

test('an indexer that throws is told and leaves the object out of its index only', () => {
  const errors: unknown[] = [];
  const broken = {
    ...byData,
    broken: (): string[] => {
      throw new Error('no');
    },
  };
  const store = new Store(broken, (err) => errors.push(err));
  store.put(cm('a', ['x']));
  expect(store.byIndex('data', 'x')).toHaveLength(1);
  expect(store.byIndex('broken', 'x')).toEqual([]);
  expect(String(errors[0])).toMatch('indexer threw on ns/a');
});
