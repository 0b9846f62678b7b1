import { BestRows } from './best_rows.ts';
import { PASSED } from './verdicts.ts';

const OUT = Number.NEGATIVE_INFINITY;

test('S5: no rows: no best', () => {
  const none = new BestRows(new Float64Array(0), new Uint16Array(0));
  expect([none.highest, none.ties, none.tie(0), none.top(3)]).toEqual([OUT, 0, -1, []]);
});

test.each([1, 2, 63, 64, 65, 300])('agrees with a look at all of %d rows', (rows) => {
  const totals = new Float64Array(rows);
  const verdicts = new Uint16Array(rows).fill(7);
  const best = new BestRows(totals, verdicts);
  let seed = rows;
  const next = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  for (let step = 0; step < 300; step++) {
    const row = next(rows);
    totals[row] = next(step < 150 ? 5 : 1000) * 10;
    verdicts[row] = next(4) === 0 ? 7 : PASSED;
    if (step % 50 === 49) best.allChanged();
    else best.changed(row);
    const passed = [...totals.keys()].filter((r) => verdicts[r] === PASSED);
    const sorted = passed.map((r) => totals[r] ?? OUT).sort((a, b) => b - a);
    const ties = passed.filter((r) => totals[r] === sorted[0]);
    expect(best.highest).toBe(sorted[0] ?? OUT);
    expect(best.ties).toBe(ties.length);
    expect(ties.map((_, k) => best.tie(k))).toEqual(ties);
    expect(best.tie(ties.length)).toBe(-1);
    const top = best.top(5);
    expect(top.map((r) => totals[r])).toEqual(sorted.slice(0, 5));
    expect(new Set(top).size).toBe(top.length);
    expect(top.every((r) => verdicts[r] === PASSED)).toBe(true);
  }
});
