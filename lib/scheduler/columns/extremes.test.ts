import { seededRandom } from '../simulator/random.ts';
import { Extremes } from './extremes.ts';

test('S5: nothing added: nothing between', () => {
  const { lowest, highest, isStale } = new Extremes();
  expect([lowest, highest, isStale]).toEqual([Infinity, -Infinity, false]);
});

test('S5: NaN counts for nothing, on its way in and out', () => {
  const extremes = new Extremes();
  extremes.add(Number.NaN);
  extremes.add(3);
  extremes.remove(Number.NaN);
  expect([extremes.lowest, extremes.highest, extremes.isStale]).toEqual([3, 3, false]);
});

test('S5: are those of the scores that are left, or say that only a look at all tells', () => {
  const random = seededRandom(7);
  const extremes = new Extremes();
  const left: number[] = [];
  let stale = 0;
  for (let step = 0; step < 2000; step++) {
    if (left.length > 0 && random() < 0.5) {
      const [gone = 0] = left.splice(Math.floor(random() * left.length), 1);
      extremes.remove(gone);
    } else {
      const score = Math.floor(random() * 6);
      left.push(score);
      extremes.add(score);
    }
    if (extremes.isStale) {
      stale++;
      extremes.clear();
      for (const score of left) extremes.add(score);
    }
    expect([extremes.lowest, extremes.highest]).toEqual([Math.min(...left), Math.max(...left)]);
  }
  expect(stale).toBeGreaterThan(50);
  expect(stale).toBeLessThan(1000);
});
