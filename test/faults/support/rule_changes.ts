/** What any program changes in a node's packet filter while a test runs, with the time of each change. */
import { createInterface } from 'node:readline';
import type { TestBed } from '../../../lib/proxy/testing/test_bed.ts';

export class RuleChanges {
  readonly #monitor: ReturnType<TestBed['spawnInNode']>;
  readonly #lines: string[] = [];

  constructor(bed: TestBed) {
    this.#monitor = bed.spawnInNode(['nft', 'monitor']);
    createInterface({ input: this.#monitor.stdout }).on('line', (line) => {
      this.#lines.push(`${new Date().toISOString()} ${line}`);
    });
  }

  /** Ends it. @returns the changes within a second of one of these times */
  stop(times: readonly string[]): string[] {
    this.#monitor.kill();
    const around = times.map((time) => Date.parse(time));
    return this.#lines.filter((line) => {
      const at = Date.parse(line.slice(0, line.indexOf(' ')));
      return around.some((time) => Math.abs(at - time) < 1000);
    });
  }
}
