/** Data of the server, asked for again and again while the page is looked at. */

/** Rejects with a sentence when there is no answer. */
export async function fetchJson(path: string): Promise<unknown> {
  const answer = await fetch(path, { headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${answer.statusText}`);
  const value: unknown = await answer.json();
  return value;
}

/**
 * Calls `show` with what `path` answers, every `everyMs` milliseconds; slower while there is no answer, not at all while the
 * page is hidden. What goes wrong stands in the header.
 */
export function live(path: string, everyMs: number, show: (data: unknown) => void): void {
  const state = document.getElementById('state');
  const say = (text: string, look: string): void => {
    if (state === null) return;
    state.textContent = text;
    state.className = `state ${look}`;
  };
  let wait = everyMs;
  const ask = async (): Promise<void> => {
    try {
      if (!document.hidden) {
        show(await fetchJson(path));
        say(`live, ${new Date().toLocaleTimeString()}`, '');
      }
      wait = everyMs;
    } catch (err) {
      wait = Math.min(30_000, wait * 2);
      say(`no answer (${err instanceof Error ? err.message : String(err)}), asking again`, 'bad');
    }
    setTimeout(() => void ask(), wait);
  };
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) wait = everyMs;
  });
  void ask();
}
