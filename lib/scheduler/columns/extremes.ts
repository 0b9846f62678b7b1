/** The lowest and the highest of the scores of the nodes that passed, kept as single scores change. */
export class Extremes {
  lowest = Number.POSITIVE_INFINITY;
  highest = Number.NEGATIVE_INFINITY;
  #atLowest = 0;
  #atHighest = 0;
  /** The last of an extreme has gone: only a look at all scores tells the next. */
  isStale = false;

  clear(): void {
    this.lowest = Number.POSITIVE_INFINITY;
    this.highest = Number.NEGATIVE_INFINITY;
    this.#atLowest = 0;
    this.#atHighest = 0;
    this.isStale = false;
  }

  /** NaN counts for nothing. */
  add(score: number): void {
    if (score < this.lowest) {
      this.lowest = score;
      this.#atLowest = 1;
    } else if (score === this.lowest) this.#atLowest++;
    if (score > this.highest) {
      this.highest = score;
      this.#atHighest = 1;
    } else if (score === this.highest) this.#atHighest++;
  }

  /** The opposite of {@link Extremes.add}, of a score that was added. */
  remove(score: number): void {
    if (score === this.lowest && --this.#atLowest === 0) this.isStale = true;
    if (score === this.highest && --this.#atHighest === 0) this.isStale = true;
  }
}
