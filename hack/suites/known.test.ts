import { KnownError, parseKnown } from './known.ts';

test('each spec has the reason of its entry', () => {
  const text = `
- reason: >
    The kernel has
    no SCTP.
  specs: ['[sig-network] a', '[sig-network] b']
- reason: no GPU
  specs: [c]
`;
  expect([...parseKnown(text)]).toEqual([
    ['[sig-network] a', 'The kernel has no SCTP.'],
    ['[sig-network] b', 'The kernel has no SCTP.'],
    ['c', 'no GPU'],
  ]);
});

test.each(['', '[]', '# nothing\n'])('%p names none', (text) => expect(parseKnown(text).size).toBe(0));

test.each([
  ['reason: x', 'want a list of entries'],
  ['- specs: [a]', 'entry 1: want a reason'],
  ['- reason: ""\n  specs: [a]', 'entry 1: want a reason'],
  ['- reason: x', 'entry 1: want a list of specs'],
  ['- reason: x\n  specs: []', 'entry 1: want a list of specs'],
  ['- reason: x\n  specs: [5]', 'entry 1: a spec is a name'],
  ['- { reason: x, specs: [a] }\n- { reason: y, specs: [a] }', 'entry 2: a has a reason already'],
])('%p: %s', (text, message) => {
  expect(() => parseKnown(text)).toThrow(KnownError);
  expect(() => parseKnown(text)).toThrow(message);
});
