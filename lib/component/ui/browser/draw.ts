/** Parts of a page that are drawn anew while somebody reads them. */

const drawn = new WeakMap<HTMLElement, string>();

/** Draws only what has changed: what somebody reads or has opened stays as it is. */
export function draw(target: HTMLElement, data: unknown, children: () => readonly HTMLElement[]): void {
  const text = JSON.stringify(data);
  if (drawn.get(target) === text) return;
  drawn.set(target, text);
  const scrolled = [...target.querySelectorAll('.scroll')].map((part) => part.scrollTop);
  const closed = new Set(
    [...target.querySelectorAll('details:not([open]) > summary')].map((summary) => summary.textContent),
  );
  const focused = target.contains(document.activeElement) ? document.activeElement?.textContent : undefined;
  target.replaceChildren(...children());
  for (const [i, part] of [...target.querySelectorAll('.scroll')].entries())
    part.scrollTop = scrolled[i] ?? 0;
  for (const part of target.querySelectorAll('details'))
    if (closed.has(part.firstElementChild?.textContent ?? '')) part.open = false;
  if (focused !== undefined)
    [...target.querySelectorAll('button')]
      .find((b) => b.textContent === focused)
      ?.focus({ preventScroll: true });
}

export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
}

export function problem(err: unknown): HTMLElement {
  const told = document.createElement('p');
  told.className = 'bad';
  told.textContent = err instanceof Error ? err.message : String(err);
  return told;
}
