import { parseEnvFile } from './env_file.ts';

test.each<[string, Record<string, string>]>([
  ['', {}],
  ["A='1'\n", { A: '1' }],
  ["A='1'", { A: '1' }],
  ["  A='1'  \n\n# comment\n\tB='two words'\n", { A: '1', B: 'two words' }],
  ["A='1'\r\nB='2'\r\n", { A: '1', B: '2' }],
  ["A='1' # why\n", { A: '1' }],
  ["A=''\nA='last'\n", { A: 'last' }],
  ["A='# not a comment'\nB='a=b \"c\" $D \\n'", { A: '# not a comment', B: 'a=b "c" $D \\n' }],
  ["A='one\ntwo\n'\nB='x'\n", { A: 'one\ntwo\n', B: 'x' }],
])('K7: %j', (text, want) => {
  expect(Object.fromEntries(parseEnvFile(text))).toEqual(want);
});

test.each([
  ['A', 'line 1'],
  ['A=1', 'line 1: the value of A must be within single quotes'],
  ['A="1"', 'line 1: the value of A must be within single quotes'],
  ["\n\nA='1", 'line 3: the value of A must be within single quotes'],
  ["A='1'x", 'line 1: unexpected text after the value of A'],
  ["A='1\n2'\nB", 'line 3'],
  ["='1'", 'line 1'],
  ["A ='1'", 'line 1'],
])('K7: %j is refused: %s', (text, message) => {
  expect(() => parseEnvFile(text)).toThrow(message);
});
