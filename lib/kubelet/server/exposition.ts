/** Prometheus' text format, written by hand: thousands of samples per scrape, from figures that are there already. */

export type Labels = Readonly<Record<string, string>>;

export class Exposition {
  readonly #parts: string[] = [];

  /**
   * One metric with its samples; nothing is written without samples.
   *
   * @param samples value, labels, and time of the figure (milliseconds) where it is not now; undefined values are left out
   */
  metric(
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    samples: Iterable<readonly [value: number | undefined, labels: Labels, atMs?: number | undefined]>,
  ): void {
    let header = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const [value, labels, atMs] of samples) {
      if (value === undefined) continue;
      const time = atMs === undefined || Number.isNaN(atMs) ? '' : ` ${atMs}`;
      this.#parts.push(`${header}${name}${labelText(labels)} ${value}${time}\n`);
      header = '';
    }
  }

  toString(): string {
    return this.#parts.join('');
  }
}

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([k, v]) => `${k}="${escape(v)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escape(value: string): string {
  return /[\\"\n]/.test(value)
    ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : value;
}
