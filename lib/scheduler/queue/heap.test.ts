import * as fc from 'fast-check';
import { KeyedHeap } from './heap.ts';

interface Item {
  readonly key: string;
  readonly rank: number;
}

const item = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'),
  rank: fc.integer({ min: 0, max: 20 }),
});
const step = fc.oneof(
  fc.record({ do: fc.constant('put' as const), item }),
  fc.record({ do: fc.constant('remove' as const), item }),
  fc.record({ do: fc.constant('pop' as const), item }),
);

test('S5: behaves as a sorted list whatever is put, removed and popped', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const heap = new KeyedHeap<Item>(
        (i) => i.key,
        (a, b) => a.rank - b.rank,
      );
      const model = new Map<string, Item>();
      for (const s of steps) {
        if (s.do === 'put') {
          heap.put(s.item);
          model.set(s.item.key, s.item);
        } else if (s.do === 'remove') {
          expect(heap.remove(s.item.key)).toEqual(model.get(s.item.key));
          model.delete(s.item.key);
        } else {
          const least = Math.min(...Array.from(model.values(), (i) => i.rank));
          const popped = heap.pop();
          expect(popped?.rank).toBe(model.size === 0 ? undefined : least);
          if (popped !== undefined) model.delete(popped.key);
        }
        expect(heap.size).toBe(model.size);
        for (const [key, value] of model) expect(heap.get(key)).toEqual(value);
      }
    }),
  );
});
