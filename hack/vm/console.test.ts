import { ConsoleReader } from './console.ts';

test('checks and boots are counted, the rest of the console is not', () => {
  const reader = new ConsoleReader();
  const said = [
    '[    3.1] systemd[1]: guest: ok not at the start',
    '\u001b[!p\u001b]104\u0007\u001b[?7hguest: ok cgroups (12 s)',
    'guest: failed swap (3 s): memory.swap.max is max, want 0\r',
    'guest: end of boot 1',
    'guest: end of boots',
  ].map((line) => reader.take(line));
  expect(said).toEqual([
    undefined,
    'ok cgroups (12 s)',
    'failed swap (3 s): memory.swap.max is max, want 0',
    'end of boot 1',
    'end of boots',
  ]);
  expect(reader.outcome).toEqual({
    passed: 1,
    failed: ['swap (3 s): memory.swap.max is max, want 0'],
    boots: [1],
  });
});

test('a machine that says nothing has passed nothing', () => {
  expect(new ConsoleReader().outcome).toEqual({ passed: 0, failed: [], boots: [] });
});
