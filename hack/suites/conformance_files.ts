/** The files in test/conformance and docs/conformance.md. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseKnown } from './known.ts';
import { renderMarkdown, type OtherSuite } from './markdown.ts';
import { parseRecorded, recordedFile, renderRecorded, type Recorded } from './recorded.ts';
import { parseSlice } from './slice.ts';

export class ConformanceFiles {
  readonly #repo: string;
  constructor(repo: string) {
    this.#repo = repo;
  }

  /** Writes docs/conformance.md. */
  writePage(kubernetes: string): void {
    writeFileSync(path.join(this.#repo, 'docs/conformance.md'), this.renderPage(kubernetes));
  }

  slice(): string[] {
    return parseSlice(readFileSync(this.#file('slice.txt'), 'utf8'));
  }

  known(): Map<string, string> {
    return parseKnown(readFileSync(this.#file('known.yaml'), 'utf8'));
  }

  /** The recorded table; undefined when there is none yet. */
  recorded(suite: string, components: string): Recorded | undefined {
    const file = this.#file('recorded', recordedFile(suite, components));
    return existsSync(file) ? parseRecorded(readFileSync(file, 'utf8')) : undefined;
  }

  writeRecorded(suite: string, components: string, table: Recorded): void {
    mkdirSync(this.#file('recorded'), { recursive: true });
    writeFileSync(this.#file('recorded', recordedFile(suite, components)), renderRecorded(table));
  }

  /** The text that docs/conformance.md has to have. */
  renderPage(kubernetes: string): string {
    const both = (suite: string): OtherSuite => ({
      suite,
      stock: this.recorded(suite, 'stock'),
      ours: this.recorded(suite, 'ours'),
    });
    const { stock, ours } = both('conformance');
    const folder = this.#file('recorded');
    const files = existsSync(folder) ? readdirSync(folder) : [];
    const suites = new Set(files.flatMap((name) => /^(.+)\.(stock|ours)\.tsv$/.exec(name)?.[1] ?? []));
    suites.delete('conformance');
    return renderMarkdown({
      kubernetes,
      stock,
      ours,
      known: this.known(),
      others: [...suites].sort().map(both),
    });
  }

  #file(...parts: readonly string[]): string {
    return path.join(this.#repo, 'test/conformance', ...parts);
  }
}
