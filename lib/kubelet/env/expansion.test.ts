import { expandStrict, expandVariables } from './expansion.ts';

const env = new Map([
  ['A', '1'],
  ['B', '$(A)'],
  ['EMPTY', ''],
  ['with.dot', 'd'],
]);

test.each([
  ['', ''],
  ['plain', 'plain'],
  ['$(A)', '1'],
  ['x$(A)y$(A)z', 'x1y1z'],
  ['$(B)', '$(A)'], // values are not expanded again
  ['$(EMPTY)', ''],
  ['$(with.dot)', 'd'],
  ['$(NONE)', '$(NONE)'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$1'],
  ['$$$$(A)', '$$(A)'],
  ['$', '$'],
  ['a$', 'a$'],
  ['$$', '$'],
  ['$A', '$A'],
  ['${A}', '${A}'],
  ['$(A', '$(A'],
  ['$(A$(A)', '$(A$(A)'],
  ['$()', '$()'],
  ['cost: 5$ $(A)', 'cost: 5$ 1'],
])('K7: %j becomes %j', (text, expanded) => {
  expect(expandVariables(text, env)).toBe(expanded);
});

test('K7: names without a value are told', () => {
  expect(expandStrict('$(X)/$(A)/$(Y)', env)).toEqual({ text: '$(X)/1/$(Y)', missing: ['X', 'Y'] });
});
