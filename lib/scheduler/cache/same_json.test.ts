import * as fc from 'fast-check';
import { LastText, sameJson } from './same_json.ts';

test('S5: what is the same has the same text, and the other way round', () => {
  const json = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(json, json, (a, b) => {
      expect(sameJson(a, structuredClone(a))).toBe(true);
      expect(sameJson(a, b) && JSON.stringify(a) !== JSON.stringify(b)).toBe(false);
    }),
  );
});

test.each([
  [{ a: 1 }, { a: 1, b: 2 }],
  [
    { a: 1, b: 2 },
    { b: 2, a: 1 },
  ],
  [
    [1, 2],
    [2, 1],
  ],
  [[], {}],
  [{ a: null }, { a: {} }],
  [{ a: '1' }, { a: 1 }],
])('S5: %j is not %j', (a, b) => {
  expect(sameJson(a, b)).toBe(false);
});

test('S5: a text is that of the value, whatever was asked for before', () => {
  const texts = new LastText();
  for (const value of [[1], [1], [2], { a: [1] }, [1]]) expect(texts.of(value)).toBe(JSON.stringify(value));
});
