/** The files in test/conformance and docs/conformance.md. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PROXY_MODES, type ProxyMode } from '../cluster/options.ts';
import { parseKnown } from './known.ts';
import { renderMarkdown, type OtherSuite } from './markdown.ts';
import { inMode, parseRecorded, recordedFile, renderRecorded, type Recorded } from './recorded.ts';
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
    const both = (suite: string, proxyMode: ProxyMode): OtherSuite => ({
      suite,
      proxyMode,
      stock: this.recorded(suite, inMode('stock', proxyMode)),
      ours: this.recorded(suite, inMode('ours', proxyMode)),
    });
    const { stock, ours } = both('conformance', 'iptables');
    const folder = this.#file('recorded');
    const files = existsSync(folder) ? readdirSync(folder) : [];
    const others = PROXY_MODES.flatMap((proxyMode) => {
      const ends = ['stock', 'ours'].map((components) => `.${inMode(components, proxyMode)}.tsv`);
      const suites = files.flatMap((name) =>
        ends.filter((end) => name.endsWith(end)).map((end) => name.slice(0, -end.length)),
      );
      return [...new Set(suites)]
        .filter((suite) => suite !== 'conformance' || proxyMode !== 'iptables')
        .sort()
        .map((suite) => both(suite, proxyMode));
    });
    return renderMarkdown({
      kubernetes,
      stock,
      ours,
      known: this.known(),
      others,
    });
  }

  #file(...parts: readonly string[]): string {
    return path.join(this.#repo, 'test/conformance', ...parts);
  }
}
