/** What is to be done when a signal aborts; on the signal itself there is one listener for all of it. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `act` when `signal` aborts, at once if it has. As `addEventListener`, but in the same time however many wait: an
 * EventTarget goes through all its listeners for each one that comes, which makes a burst of calls with one signal quadratic.
 *
 * @param act must not throw; the same function twice counts once
 * @returns takes `act` back
 */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  if (signal.aborted) {
    act();
    return () => undefined;
  }
  let acts = waiting.get(signal);
  if (acts === undefined) {
    const all = (acts = new Set());
    waiting.set(signal, all);
    const run = (): void => {
      for (const each of all) each();
      all.clear();
    };
    signal.addEventListener('abort', run, { once: true });
  }
  const those = acts.add(act);
  return () => those.delete(act);
}
