/** A short form of hack/scheduler-differential: the stock kube-scheduler and ours on the same generated clusters. */
import { runCases } from './run_cases.ts';

jest.setTimeout(240_000);

test('ours chooses as the stock scheduler does, refuses as it does with the same words, and has the same victims', async () => {
  const seeds = Array.from({ length: 30 }, (_, i) => 5000 + i);
  const { cases, decided, refused, preempted, differences } = await runCases(seeds);
  expect(differences).toEqual([]);
  expect(cases).toBe(30);
  // The cases must be worth something.
  expect(decided).toBeGreaterThan(30);
  expect(refused).toBeGreaterThan(10);
  expect(preempted).toBeGreaterThan(0);
});
