import { machineProblem } from './machine_checks.ts';

const TITLES = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';
const SWAP = `${TITLES}/swapfile                               file\t\t65532\t\t0\t\t-2\n`;
const lenient: Parameters<typeof machineProblem>[0] = {
  failCgroupV1: false,
  failSwapOn: false,
  singleProcessOOMKill: undefined,
};

test.each<[string, Partial<typeof lenient>, 1 | 2, string, string | undefined]>([
  ['nothing is wrong', { failCgroupV1: true, failSwapOn: true }, 2, TITLES, undefined],
  ['no swap at all in the kernel', { failSwapOn: true }, 2, '', undefined],
  ['swap', { failSwapOn: true }, 2, SWAP, 'running with swap on is not supported'],
  ['swap that is allowed', {}, 2, SWAP, undefined],
  ['cgroup v1', { failCgroupV1: true }, 1, TITLES, 'configured to not run on a host using cgroup v1'],
  ['cgroup v1 that is allowed', { singleProcessOOMKill: true }, 1, TITLES, undefined],
  [
    'all processes of a container killed, which v1 cannot',
    { singleProcessOOMKill: false },
    1,
    TITLES,
    'singleProcessOOMKill must not be explicitly set to false when using cgroup v1',
  ],
])('K29: %s', (_, config, cgroups, swaps, want) => {
  const problem = machineProblem({ ...lenient, ...config }, cgroups, swaps);
  if (want === undefined) expect(problem).toBeUndefined();
  else expect(problem).toContain(want);
});
