/** Rows of cells as lines for the terminal. */
import { printable } from './printable.ts';

/** A cell that is wider than that does not make its column so: it would push everything else off the screen. */
const MAX_WIDTH = 100;

/** Each column as wide as its widest cell; the last is not padded. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const shown = rows.map((cells) => cells.map(printable));
  const widths: number[] = [];
  for (const cells of shown)
    for (const [i, cell] of cells.entries())
      widths[i] = Math.max(widths[i] ?? 0, Math.min(cell.length, MAX_WIDTH));
  return shown
    .map((cells) =>
      cells
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
