import { age, table } from './table.ts';

test('columns', () => {
  expect(
    table([
      ['A', 'BB'],
      ['long', 'x'],
    ]),
  ).toBe('A     BB\nlong  x');
});

const NOW = new Date('2026-11-21T12:00:00Z');
test.each([
  ['2026-11-21T11:59:30Z', '30s'],
  ['2026-11-21T11:56:48Z', '3m12s'],
  ['2026-11-21T09:55:00Z', '2h5m'],
  ['2026-11-17T11:00:00Z', '4d1h'],
  ['2026-11-21T12:00:10Z', '0s'],
  ['yesterday', '?'],
])('%s was %s ago', (since, want) => {
  expect(age(since, NOW)).toBe(want);
});
