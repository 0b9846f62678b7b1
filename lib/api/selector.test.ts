import { parseFieldSelector } from './field_selector.ts';
import { labelSelector, parseLabelSelector, Selector, SelectorError } from './selector.ts';
import type { LabelSelector } from './types.ts';

test.each<[string, Record<string, string>[], Record<string, string>[]]>([
  ['', [{}, { a: 'b' }], []],
  ['a=b', [{ a: 'b' }, { a: 'b', c: 'd' }], [{}, { a: 'c' }, { b: 'b' }]],
  ['a==b', [{ a: 'b' }], [{ a: 'c' }]],
  ['a!=b', [{}, { a: 'c' }], [{ a: 'b' }]],
  ['a=', [{ a: '' }], [{}, { a: 'b' }]],
  ['a in (b, c)', [{ a: 'b' }, { a: 'c' }], [{}, { a: 'd' }]],
  ['a in (,b)', [{ a: '' }, { a: 'b' }], [{}]],
  ['a notin (b,c)', [{}, { a: 'd' }], [{ a: 'b' }]],
  ['a', [{ a: '' }, { a: 'b' }], [{}]],
  ['!a', [{}], [{ a: '' }]],
  [' ! a , b = c ', [{ b: 'c' }], [{ a: '', b: 'c' }, {}]],
  ['a>5', [{ a: '6' }], [{ a: '5' }, {}, { a: 'x' }, { a: '6.5' }]],
  ['a<5', [{ a: '-1' }], [{ a: '5' }, {}]],
  ['x.io/a=b,x.io/c', [{ 'x.io/a': 'b', 'x.io/c': '' }], [{ 'x.io/a': 'b' }]],
  ['in in (in)', [{ in: 'in' }], [{}]],
  ['toString', [{ toString: 'x' }], [{}]],
])('%p', (text, yes, no) => {
  const selector = parseLabelSelector(text);
  const again = parseLabelSelector(selector.toString());
  for (const labels of yes)
    expect([labels, selector.matches(labels), again.matches(labels)]).toEqual([labels, true, true]);
  for (const labels of no)
    expect([labels, selector.matches(labels), again.matches(labels)]).toEqual([labels, false, false]);
});

test.each([
  ['b=c,a in (z,y)', 'a in (y,z),b=c'],
  ['a notin (b),!c', 'a notin (b),!c'],
  ['a!=b,c==d,e in (f,f)', 'a!=b,c=d,e in (f)'],
  ['a>1,b<2,c', 'a>1,b<2,c'],
])('%s prints as %s', (text, printed) => {
  expect(parseLabelSelector(text).toString()).toBe(printed);
});

test.each([
  ['a=b,', 'found its end, want a label key'],
  [',a', 'want a label key'],
  ['a b', 'found "b", want an operator'],
  ['a in b', 'want "("'],
  ['a in (b', 'want "," or ")"'],
  ['a in (b c)', 'want "," or ")"'],
  ['=b', 'want a label key'],
  ['a=b c', 'want ","'],
  ['a in ()x', 'want ","'],
  ['a=b=c', 'want ","'],
  ['!', 'want a label key'],
  ['-a=b', 'key "-a" must be'],
  ['a=b_', 'value "b_" must be'],
  [`a=${'x'.repeat(64)}`, 'at most 63'],
  ['A_/b=c', 'before the slash'],
  ['a/b/c=d', 'at most one slash'],
  ['a>x', 'one integer'],
  ['a>', 'one integer'],
  ['a>99999999999999999999', 'one integer'],
])('%p is refused: %s', (text, message) => {
  expect(() => parseLabelSelector(text)).toThrow(SelectorError);
  expect(() => parseLabelSelector(text)).toThrow(message);
});

test('selectors of API objects: none matches nothing, an empty one everything', () => {
  expect([undefined, null].map((s) => labelSelector(s).matches({ a: 'b' }))).toEqual([false, false]);
  expect(labelSelector(undefined).isNothing).toBe(true);
  expect(labelSelector({}).matches(undefined)).toBe(true);
  expect([labelSelector({}).isEverything, Selector.nothing.isEverything]).toEqual([true, false]);
  const selector = labelSelector({
    matchLabels: { app: 'web' },
    matchExpressions: [
      { key: 'tier', operator: 'In', values: ['a', 'b'] },
      { key: 'old', operator: 'DoesNotExist' },
      { key: 'env', operator: 'NotIn', values: ['dev'] },
      { key: 'x', operator: 'Exists', values: [] },
    ],
  });
  expect(selector.matches({ app: 'web', tier: 'b', x: '' })).toBe(true);
  expect(selector.matches({ app: 'web', tier: 'b', x: '', old: '' })).toBe(false);
  expect(selector.toString()).toBe('app=web,env notin (dev),!old,tier in (a,b),x');
});

test.each<[LabelSelector, string]>([
  [
    { matchExpressions: [{ key: 'a', operator: 'Near', values: ['b'] }] },
    'matchExpressions[0].operator: got "Near"',
  ],
  [{ matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] }, 'got "Gt"'],
  [
    { matchExpressions: [{ key: 'a', operator: 'In', values: [] }] },
    'matchExpressions[0]: values must not be empty',
  ],
  [{ matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] }, 'values must be empty'],
  [{ matchLabels: { '': 'b' } }, 'matchLabels[""]: key ""'],
])('%j is refused', (selector, message) => {
  expect(() => labelSelector(selector)).toThrow(message);
});

test.each([
  ['', {}, true],
  ['spec.nodeName=n1', { 'spec.nodeName': 'n1' }, true],
  ['spec.nodeName==n1', { 'spec.nodeName': 'n2' }, false],
  ['spec.nodeName=', {}, true],
  ['spec.nodeName!=', {}, false],
  ['a=1,b!=2', { a: '1', b: '3' }, true],
  ['a=1,b!=2', { a: '1', b: '2' }, false],
  ['a=x\\,y\\=z\\\\', { a: 'x,y=z\\' }, true],
])('field selector %p on %j: %p', (text, fields: Record<string, string>, matches) => {
  const selector = parseFieldSelector(text);
  expect(selector.matches((field) => fields[field])).toBe(matches);
  expect(parseFieldSelector(selector.toString())).toEqual(selector);
});

test.each(['a', '=b', 'a=b=c', 'a=\\x', 'a=\\', 'a=1,b'])('field selector %p is refused', (text) => {
  expect(() => parseFieldSelector(text)).toThrow(SelectorError);
});
