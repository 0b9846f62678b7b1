import { alignColumns } from './align_columns.ts';

test('S9: columns are as wide as their widest cell, within reason', () => {
  const long = 'x'.repeat(5000);
  const lines = alignColumns([
    ['A', 'B'],
    ['long', 'b'],
    [long, 'c'],
  ]).split('\n');
  expect(lines.map((line) => line.length)).toEqual([103, 103, 5003]);
  expect(
    alignColumns([
      ['A', 'B'],
      ['long', 'b'],
    ]),
  ).toBe('A     B\nlong  b');
});

test('S9: what objects say does not steer the terminal', () => {
  expect(alignColumns([['\u001b[31mred\nline', '\u009b2J']])).toBe('\\x1b[31mred\\x0aline  \\x9b2J');
});
