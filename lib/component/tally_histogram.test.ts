import { Metrics } from './metrics.ts';

const OPTIONS = { name: 'duration_seconds', help: 'Time.', buckets: [0.1, 1, 10] };
const OBSERVED = [0.05, 0.1, 0.5, 10, 11, 300];

/** The lines of the exposition, in no order that counts. */
async function exposed(metrics: Metrics): Promise<readonly string[]> {
  return (await metrics.registry.metrics()).split('\n').sort();
}

test.each([
  ['with labels', ['result', 'profile'] as const, { result: 'scheduled', profile: 'p' }],
  ['without', [] as const, {}],
])('is shown as any other histogram, %s', async (_name, labelNames, labels) => {
  const [usual, tallied] = [new Metrics(), new Metrics()];
  const histogram = usual.histogram({ ...OPTIONS, labelNames });
  const tally = tallied.tallyHistogram({ ...OPTIONS, labelNames }).tally(labels);
  for (const value of OBSERVED) {
    histogram.observe(labels, value);
    tally.observe(value);
  }
  expect(await exposed(tallied)).toEqual(await exposed(usual));
  expect((await exposed(tallied)).length).toBeGreaterThan(6);
});

test('labels that are not allowed are counted together', async () => {
  const allowedLabels = new Map([['duration_seconds', new Map([['profile', new Set(['a'])]])]]);
  const metrics = new Metrics({ allowedLabels });
  const histogram = metrics.tallyHistogram({ ...OPTIONS, labelNames: ['profile'] });
  for (const profile of ['a', 'b', 'c']) histogram.tally({ profile }).observe(1);
  const counts = (await exposed(metrics)).filter((line) => line.includes('_count'));
  expect(counts).toEqual([
    'duration_seconds_count{profile="a"} 1',
    'duration_seconds_count{profile="unexpected"} 2',
  ]);
});

test('a disabled one counts and is not shown', async () => {
  const metrics = new Metrics({ disabled: ['duration_seconds'] });
  metrics.tallyHistogram(OPTIONS).tally({}).observe(1);
  expect(await metrics.registry.metrics()).not.toContain('duration');
});
