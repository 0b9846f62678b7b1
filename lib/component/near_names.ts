/**
 * The known names that `name` may have been meant to be: equal but for case and separators, or a few keystrokes away.
 * At most three, nearest first.
 */
export function nearNames(name: string, known: Iterable<string>): string[] {
  const wanted = fold(name);
  const limit = Math.max(1, Math.floor(wanted.length / 4));
  return [...known]
    .map((candidate) => ({ candidate, distance: editDistance(wanted, fold(candidate), limit) }))
    .filter((c) => c.distance <= limit)
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .filter((c, _, [best]) => best !== undefined && c.distance <= best.distance + 1)
    .slice(0, 3)
    .map((c) => c.candidate);
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]/g, '');
}

/** Insertions, deletions, substitutions and swaps of neighbours; stops counting beyond `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? limit + 1;
}
