/** Scores as the stock scheduler logs them at verbosity 10. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Per node, the weighted score by plugin. */
export type Scores = ReadonlyMap<string, Readonly<Record<string, number>>>;

const LINE = /Plugin scored node for pod" pod="([^"]+)" plugin="([^"]+)" node="([^"]+)" score=(-?\d+)/;

/** Reads what is appended to the log, in turn. */
export class ScoreLog {
  readonly #fd: number;
  #at = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
  }

  /** Forgets what was logged until now. */
  skip(): void {
    this.#at = fstatSync(this.#fd).size;
  }

  /** The scores of the pod logged since; a pod tried several times has those of the last attempt. */
  read(pod: string): Scores {
    const size = fstatSync(this.#fd).size;
    const buffer = Buffer.alloc(size - this.#at);
    readSync(this.#fd, buffer, 0, buffer.length, this.#at);
    this.#at = size;
    const scores = new Map<string, Record<string, number>>();
    for (const line of buffer.toString('utf8').split('\n')) {
      const [, of, plugin = '', node = '', score] = LINE.exec(line) ?? [];
      if (of !== pod) continue;
      const own = scores.get(node) ?? {};
      own[plugin] = Number(score);
      scores.set(node, own);
    }
    return scores;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
