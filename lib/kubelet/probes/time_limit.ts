/** Lateness of a timer from which on the process is taken to have been kept from running. */
const STALLED_MS = 20;

/**
 * The time that an attempt of a probe may take. A kubelet that was itself kept from running (busy machine, blocked event
 * loop) must not blame containers for it: what has arrived by then is read before time is called, and the time that was
 * lost is given back, once, up to the limit itself.
 *
 * @param expire called when time is over
 * @returns what ends the watch
 */
export function timeLimit(ms: number, expire: () => void): () => void {
  let over = false;
  let handle: NodeJS.Timeout;
  const arm = (wait: number, mayExtend: boolean): void => {
    const due = performance.now() + wait;
    handle = setTimeout(() => {
      const late = performance.now() - due;
      if (mayExtend && late > STALLED_MS) arm(Math.min(late, ms), false);
      // Sockets are looked at between the two.
      else setImmediate(() => setImmediate(() => over || expire()));
    }, wait);
  };
  arm(ms, true);
  return () => {
    over = true;
    clearTimeout(handle);
  };
}
