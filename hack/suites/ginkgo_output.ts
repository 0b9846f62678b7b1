/** Reads ginkgo's console output while it comes: how many specs have ended, and which failed. */

export interface Ended {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Fed with the output of a run without `-v`. There a passed spec is a `•`, a skipped one an `S`, in rows; a failed one
 * begins a block: `• [FAILED] [4.4 seconds]`, then its name.
 */
export class GinkgoOutput {
  readonly #onFailure: (name: string) => void;
  readonly #done = { passed: 0, failed: 0, skipped: 0 };
  #line = '';
  #nameFollows = false;

  constructor(onFailure: (name: string) => void) {
    this.#onFailure = onFailure;
  }

  push(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      if (this.#nameFollows) this.#onFailure(nameIn(line));
      this.#nameFollows = FAILED.test(line);
      if (this.#nameFollows) this.#done.failed++;
      else add(this.#done, line);
    }
  }

  get ended(): Ended {
    const now = { ...this.#done };
    add(now, this.#line);
    return now;
  }
}

const FAILED = /^• \[(FAILED|PANICKED|TIMEDOUT|ABORTED)\]/;

function add(counts: { passed: number; skipped: number }, line: string): void {
  if (line.startsWith('S [SKIPPED]')) counts.skipped++;
  else if (/^[•S]+$/u.test(line)) {
    const passed = line.replaceAll('S', '').length;
    counts.passed += passed;
    counts.skipped += line.length - passed;
  }
}

/** `[sig-node] ConfigMap [It] should work [Conformance] [sig-node, Conformance]` to the name of the spec. */
function nameIn(line: string): string {
  return line
    .replace(/ \[[^\]]*, [^\]]*\]$/, '')
    .replace(/ \[(It|BeforeEach|AfterEach|DeferCleanup \(Each\))\]/, '')
    .trim();
}
