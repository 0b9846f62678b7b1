/** Tells on the terminal what is being done and how long it took. */

/** Steps may run at the same time; each reports itself. */
export interface Progress {
  /** Runs `work` and prints `title` with the time it took; a long one says every 10 s that it still works. */
  step<T>(title: string, work: (detail: (text: string) => void) => Promise<T>): Promise<T>;
  note(text: string): void;
}

export function createProgress(
  write: (line: string) => void,
  now: () => number = () => performance.now(),
): Progress {
  const start = now();
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const stamp = (): string => `[${seconds(now() - start).padStart(7)}]`;
  return {
    note: (text) => write(`${stamp()}   ${text}`),
    async step(title, work) {
      const began = now();
      let detail = '';
      const timer = setInterval(() => {
        write(`${stamp()} … ${title}, ${seconds(now() - began)} so far${detail === '' ? '' : `: ${detail}`}`);
      }, 10_000);
      try {
        const result = await work((text) => {
          detail = text;
        });
        write(`${stamp()} ✓ ${title} (${seconds(now() - began)})`);
        return result;
      } catch (error) {
        write(`${stamp()} ✗ ${title} (${seconds(now() - began)})`);
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  };
}
