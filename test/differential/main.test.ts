/** The command line of hack/scheduler-differential. */
import { resolve } from 'node:path';
import { run } from '../../lib/base/subprocess.ts';

const main = (...args: string[]) =>
  run([process.execPath, resolve('test/differential/main.ts'), ...args], { timeoutMs: 60_000 });

test('S4: --help tells the usage and runs nothing', async () => {
  const { exitCode, stdout } = await main('--help');
  expect(exitCode).toBe(0);
  expect(stdout.toString()).toMatch(/^usage: hack\/scheduler-differential \[FIRST_SEED \[CASES\]\]\n/);
});

test.each([
  [['x'], 'FIRST_SEED: got "x", want a whole number from 1 to 1000000'],
  [['0'], 'FIRST_SEED: got "0", want'],
  [['1', '1.5'], 'CASES: got "1.5", want'],
  [['1', '2', '3'], 'want at most FIRST_SEED and CASES, got 3 arguments'],
  [['--cases=3'], "Unknown option '--cases'"],
])('S4: %j is refused in one sentence', async (args, message) => {
  const { exitCode, stdout, stderr } = await main(...args);
  expect(exitCode).toBe(2);
  expect(stdout.toString()).toBe('');
  expect(stderr.toString()).toContain(`hack/scheduler-differential: ${message}`);
  expect(stderr.toString().trimEnd().split('\n')).toHaveLength(1);
});
