/** A picture of what a pod costs in clusters of different sizes. */

export interface Point {
  readonly nodes: number;
  /** Processor time per pod. */
  readonly microseconds: number;
}

const WIDTH = 960;
const HEIGHT = 640;
const PLOT = { left: 70, right: 690, top: 50, bottom: 580 };
/** Least distance of two names on the right. */
const LINE = 16;

/**
 * An SVG with logarithmic axes: nodes, and microseconds per pod. What grows in step with the nodes is as steep as the dashed
 * lines; what does not depend on them is level.
 *
 * @param series by name of the workload; points in order of their nodes
 */
export function scalePlot(series: ReadonlyMap<string, readonly Point[]>): string {
  const points = [...series.values()].flat();
  const [fewest, most] = bounds(points.map(({ nodes }) => nodes));
  const [least, highest] = bounds(points.map(({ microseconds }) => microseconds));
  const low = 10 ** Math.floor(Math.log10(least));
  const high = 10 ** Math.ceil(Math.log10(highest));
  const x = scale(fewest, most, PLOT.left, PLOT.right);
  const y = scale(low, high, PLOT.bottom, PLOT.top);
  const parts: string[] = [];
  for (const nodes of new Set(points.map((p) => p.nodes))) {
    const at = x(nodes);
    parts.push(line(at, PLOT.top, at, PLOT.bottom, 'grid'));
    parts.push(text(at, PLOT.bottom + 20, nodes.toLocaleString('en'), 'middle'));
  }
  for (let value = low; value <= high * 1.001; value *= 10) {
    parts.push(line(PLOT.left, y(value), PLOT.right, y(value), 'grid'));
    parts.push(text(PLOT.left - 8, y(value) + 4, String(Math.round(value)), 'end'));
    // As steep as the number of nodes: from the left, as far as the picture goes.
    const end = Math.min(most, (fewest * high) / value);
    parts.push(line(x(fewest), y(value), x(end), y((value * end) / fewest), 'linear'));
  }
  const sorted = [...series].sort(
    ([, a], [, b]) => (b.at(-1)?.microseconds ?? 0) - (a.at(-1)?.microseconds ?? 0),
  );
  const names = apart(sorted.map(([, list]) => y(list.at(-1)?.microseconds ?? low)));
  for (const [i, [name, list]] of sorted.entries()) {
    const color = `hsl(${Math.round((i * 360) / sorted.length)} 70% 38%)`;
    const path = list.map((p) => `${x(p.nodes).toFixed(1)},${y(p.microseconds).toFixed(1)}`);
    parts.push(`<polyline points="${path.join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>`);
    for (const at of path) {
      const [cx, cy] = at.split(',');
      parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${color}"/>`);
    }
    const end = list.at(-1);
    if (end === undefined) continue;
    const [right, level] = [x(end.nodes), names[i] ?? 0];
    parts.push(
      `<path d="M${right + 5} ${y(end.microseconds)} L${PLOT.right + 18} ${level}" stroke="${color}"/>`,
    );
    const cost = `${Math.round(end.microseconds)} \u00b5s`;
    parts.push(`<text x="${PLOT.right + 22}" y="${level + 4}" fill="${color}">${name} ${cost}</text>`);
  }
  const middle = (PLOT.left + PLOT.right) / 2;
  parts.push(text(middle, 28, 'Processor time per pod (\u00b5s); dashed: in step with the nodes', 'middle'));
  parts.push(text(middle, PLOT.bottom + 46, 'nodes', 'middle'));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    '<style>.grid{stroke:#ddd}.linear{stroke:#999;stroke-dasharray:4 5}</style>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function bounds(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

function scale(low: number, high: number, from: number, to: number): (value: number) => number {
  const [a, b] = [Math.log(low), Math.log(high)];
  return (value) => from + ((Math.log(value) - a) / (b - a || 1)) * (to - from);
}

/** Moves places that are too close to each other apart, in their order. */
function apart(places: readonly number[]): readonly number[] {
  let before = PLOT.top - LINE;
  const moved = places.map((place) => (before = Math.max(place, before + LINE)));
  return moved.map((place, i) => Math.min(place, PLOT.bottom - (moved.length - 1 - i) * LINE));
}

function line(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map((value) => value.toFixed(1));
  return `<line x1="${a}" y1="${b}" x2="${c}" y2="${d}" class="${kind}"/>`;
}

function text(x: number, y: number, content: string, anchor: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="#333">${content}</text>`;
}
