import { BestTree } from './best_tree.ts';

const OUT = Number.NEGATIVE_INFINITY;

test('a tree without rows has no best', () => {
  const tree = new BestTree(0);
  expect([tree.highest, tree.ties, tree.tie(0), tree.top(3)]).toEqual([OUT, 0, -1, []]);
});

test.each([1, 2, 3, 7, 64, 100])('agrees with a look at all of %d rows', (rows) => {
  const tree = new BestTree(rows);
  const totals = new Float64Array(rows).fill(OUT);
  let seed = rows;
  const next = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  for (let step = 0; step < 300; step++) {
    const row = next(rows);
    totals[row] = next(4) === 0 ? OUT : next(5) * 10;
    if (step % 50 === 49)
      tree.setAll(
        totals,
        Uint16Array.from(totals, (t) => (t === OUT ? 7 : 0)),
      );
    else tree.set(row, totals[row]);
    const highest = totals.reduce((a, b) => Math.max(a, b), OUT);
    const best = [...totals.keys()].filter((r) => totals[r] === highest && highest !== OUT);
    expect(tree.highest).toBe(highest);
    expect(tree.ties).toBe(best.length);
    expect(best.map((_, k) => tree.tie(k))).toEqual(best);
    expect(tree.tie(best.length)).toBe(-1);
    const sorted = [...totals].filter((t) => t !== OUT).sort((a, b) => b - a);
    const top = tree.top(5);
    expect(top.map((r) => totals[r])).toEqual(sorted.slice(0, 5));
    expect(new Set(top).size).toBe(top.length);
  }
});
