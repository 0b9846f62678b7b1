/** Figures of several runs of several programs, printed side by side. */

/** Name with unit to the values measured. */
export type Figures = Readonly<Record<string, readonly number[]>>;

/** `minimum / median / maximum` */
export function spread(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (i: number): string => (sorted[i] ?? NaN).toFixed((sorted[0] ?? 0) < 10 ? 2 : 0);
  return `${at(0)} / ${at(sorted.length >> 1)} / ${at(sorted.length - 1)}`;
}

/** The value that a share of the numbers (0 to 1) does not exceed. NaN of none. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

export const median = (numbers: readonly number[]): number => percentile(numbers, 0.5);

/** Collects figures by program. */
export class Comparison {
  readonly #found = new Map<string, Map<string, number[]>>();

  /** Adds the figures of one run of `who`. */
  add(who: string, figures: Figures): void {
    for (const [name, values] of Object.entries(figures)) {
      const byWho = this.#found.get(name) ?? new Map<string, number[]>();
      this.#found.set(name, byWho);
      byWho.set(who, [...(byWho.get(who) ?? []), ...values]);
    }
  }

  /** One line a figure: minimum / median / maximum of each program. */
  lines(): string[] {
    return [...this.#found].map(([name, byWho]) => {
      const cells = [...byWho].map(([who, values]) => `${who} ${spread(values)}`);
      return `  ${name.padEnd(52)} ${cells.join('    ')}`;
    });
  }
}
