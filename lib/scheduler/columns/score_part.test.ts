import { RowSet } from '../cache/row_set.ts';
import { CycleState } from '../framework/cycle_state.ts';
import type { ColumnPlugin, ScorePlugin, SignPlugin } from '../framework/plugin.ts';
import { seededRandom } from '../simulator/random.ts';
import { ColumnWorld, plainScore, scaledScore } from '../testing/column_world.ts';
import { pod } from '../testing/objects.ts';
import { ScorePart } from './score_part.ts';
import { VerdictColumn } from './verdict_column.ts';
import { PASSED } from './verdicts.ts';

const ROWS = 12;
const REFUSED = { code: 'Unschedulable', reasons: ['no'] } as const;

/** One plugin's scores, followed as {@link ScoreTotals} does. */
class Followed {
  readonly world: ColumnWorld;
  readonly verdicts: VerdictColumn;
  readonly part: ScorePart;
  readonly totals = new Float64Array(ROWS);
  readonly #scored = new Uint8Array(ROWS);
  readonly #dirty = new RowSet(ROWS);
  readonly #changed = new RowSet(ROWS);
  asked = 0;

  constructor(
    plugin: ScorePlugin & SignPlugin,
    weight: number,
    source?: ColumnPlugin,
    random?: () => number,
  ) {
    this.world = new ColumnWorld(random);
    for (let i = 0; i < ROWS; i++) this.world.setNode(`n${i}`, { score: i, scale: i });
    this.verdicts = new VerdictColumn(this.world.cache);
    const counting = {
      ...plugin,
      score: (...args: Parameters<ScorePlugin['score']>) => (this.asked++, plugin.score(...args)),
    };
    const sources = {
      pod: pod('p'),
      state: new CycleState(),
      cache: this.world.cache,
      verdicts: this.verdicts,
    };
    this.part = new ScorePart(
      { plugin: counting, weight, source },
      source?.columns(sources.pod).score,
      sources,
    );
    this.#dirty.isAll = true;
    this.verdicts.begin();
    for (let row = 0; row < ROWS; row++) this.verdicts.set(row, PASSED);
    this.follow();
  }

  dirty(row: number): void {
    this.#dirty.add(row);
  }

  pass(row: number, isIn: boolean): void {
    this.verdicts.set(row, isIn ? PASSED : this.verdicts.numberOf(REFUSED, 'P'));
    this.#changed.add(row);
  }

  follow(): void {
    this.part.follow(this.#dirty, this.verdicts, this.#changed);
    for (let row = 0; row < ROWS; row++) {
      if (!this.#changed.has(row)) continue;
      const [wasIn, isIn] = [this.#scored[row] === 1, this.verdicts.has(row)];
      this.#scored[row] = isIn ? 1 : 0;
      if (wasIn || isIn) this.part.score(row, wasIn, isIn);
    }
    const isNew = this.part.weighAll(this.#scored, this.totals);
    for (let row = 0; row < ROWS; row++)
      if (!isNew || this.#changed.has(row)) this.totals[row] = this.part.weighted[row] ?? 0;
    this.#dirty.clear();
    this.#changed.clear();
    this.verdicts.begin();
  }

  /** Per row, what the plugin gave; NaN where the node did not pass. */
  get weighted(): number[] {
    return Array.from(this.part.weighted, (x, row) => (this.verdicts.has(row) ? x : Number.NaN));
  }
}

test('S5: weighs what the plugin gives', () => {
  expect(new Followed(plainScore, 3).weighted).toEqual(Array.from({ length: ROWS }, (_, i) => i * 3));
});

test('S5: asks again only of nodes that changed; a node that comes to pass again needs no asking', () => {
  const followed = new Followed(plainScore, 1);
  expect(followed.asked).toBe(ROWS);
  followed.pass(4, false);
  followed.follow();
  expect(followed.weighted[4]).toBeNaN();
  followed.pass(4, true);
  followed.follow();
  expect([followed.asked, followed.weighted[4]]).toEqual([ROWS, 4]);
  followed.world.setNode('n4', { score: 40 });
  followed.pass(4, false);
  followed.dirty(4);
  followed.follow();
  expect(followed.asked).toBe(ROWS); // nobody wants it yet
  followed.pass(4, true);
  followed.follow();
  expect([followed.asked, followed.weighted[4]]).toEqual([ROWS + 1, 40]);
});

test('S5: the going of the highest brings the others up, in scores and totals', () => {
  const followed = new Followed(scaledScore(Math.round), 2);
  expect(followed.weighted.slice(-2)).toEqual([182, 200]);
  followed.pass(ROWS - 1, false);
  followed.follow();
  expect(followed.weighted.at(-2)).toBe(200);
  expect(followed.totals.at(-2)).toBe(200);
});

test('S5: a score below zero times nothing is shown as zero', () => {
  const negative: ScorePlugin & SignPlugin = { name: 'N', signPod: () => '', score: () => -1 };
  expect(new Followed(negative, 0).weighted.every((x) => Object.is(x, 0))).toBe(true);
});

test.each([
  ['whole numbers', Math.floor, true],
  ['others', (x: number) => x, false],
])('S5: knows of %s whether their sums can be corrected', (_what, round, isWhole) => {
  expect(new Followed(scaledScore(round), 1).part.isWhole).toBe(isWhole);
});

test('S5: follows a column that says itself which scores are others now', () => {
  const touched: number[] = [];
  const source: ColumnPlugin = {
    name: 'Whole',
    signPod: () => '',
    columns: () => ({
      score: {
        isIdle: false,
        update(_dirty, into) {
          for (const row of touched) into.add(row);
        },
        score: (row) => row + touched.length * 100,
      },
    }),
  };
  const followed = new Followed({ ...plainScore, name: 'Whole' }, 1, source);
  touched.push(2, 5);
  followed.dirty(7); // of which the column knows that nothing follows
  followed.follow();
  expect([2, 5, 7].map((row) => followed.weighted[row])).toEqual([202, 205, 7]);
});

test.each(Array.from({ length: 30 }, (_, seed) => seed))(
  'is what comes of a look at all nodes (seed %d)',
  (seed) => {
    const plugin = scaledScore(seed % 2 === 0 ? Math.floor : (x) => x);
    const followed = new Followed(plugin, 3, undefined, seededRandom(seed));
    const { world, verdicts } = followed;
    for (let step = 0; step < 60; step++) {
      for (let n = world.below(3); n >= 0; n--) {
        const row = world.below(ROWS);
        if (world.below(2) === 0) followed.pass(row, world.below(3) > 0);
        else {
          world.anyMood(`n${row}`);
          followed.dirty(row);
        }
      }
      followed.follow();
      const rows = [...verdicts.numbers.keys()].filter((row) => verdicts.has(row));
      const scores = rows.map((row) => {
        const info = world.cache.nodeAt(row);
        return info === undefined ? Number.NaN : plugin.score(new CycleState(), pod('p'), info);
      });
      plugin.normalizeScore?.(new CycleState(), pod('p'), scores);
      const want = scores.map((score) => score * 3);
      expect(rows.map((row) => followed.part.weighted[row])).toEqual(want);
      for (const [i, row] of rows.entries())
        expect(followed.totals[row]).toBeCloseTo(want[i] ?? Number.NaN, 9);
    }
  },
);
