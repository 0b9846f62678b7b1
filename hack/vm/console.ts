/** Reads what the guest prints on the machine's console. */

export interface Outcome {
  readonly passed: number;
  readonly failed: readonly string[];
  /** Numbers of the boots whose checks were run to the end. */
  readonly boots: readonly number[];
}

/** Counts checks as their lines come. */
export class ConsoleReader {
  #passed = 0;
  readonly #failed: string[] = [];
  readonly #boots: number[] = [];

  /** Takes one line; gives what is to be told of it, without the mark of the guest, if it is of the guest. */
  take(line: string): string | undefined {
    // systemd resets the terminal in front of it, without a space.
    const said = /(?:^|\S)guest: (.*)$/.exec(line.trimEnd())?.[1];
    if (said === undefined) return undefined;
    if (said.startsWith('ok ')) this.#passed++;
    if (said.startsWith('failed ')) this.#failed.push(said.slice('failed '.length));
    const boot = /^end of boot (\d+)$/.exec(said)?.[1];
    if (boot !== undefined) this.#boots.push(Number(boot));
    return said;
  }

  get outcome(): Outcome {
    return { passed: this.#passed, failed: this.#failed, boots: this.#boots };
  }
}
