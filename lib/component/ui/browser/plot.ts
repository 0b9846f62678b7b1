/** Lines over time. */
import { drawing, element } from './elements.ts';

export interface Line {
  readonly name: string;
  readonly colour: string;
  /** Null: nothing to show at that time. */
  readonly values: readonly (number | null)[];
}

const WIDTH = 640;
const HEIGHT = 170;
const LEFT = 52;
const BOTTOM = 20;

/** @param times milliseconds since the epoch, as many as each line has values */
export function plot(times: readonly number[], lines: readonly Line[], unit: string): HTMLElement {
  const highest = Math.max(...lines.flatMap((line) => line.values.map((v) => v ?? 0)), 0);
  const top = roundUp(highest);
  const [first = 0] = times;
  const last = times.at(-1) ?? first + 1;
  const x = (time: number): number =>
    LEFT + ((WIDTH - LEFT - 8) * (time - first)) / Math.max(1, last - first);
  const y = (value: number): number => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - 12) * value) / top;
  const grid = [0, 0.5, 1].flatMap((part) => {
    const at = y(top * part);
    return [
      drawing('line', { x1: LEFT, x2: WIDTH - 8, y1: at, y2: at, stroke: 'var(--line)' }),
      drawing(
        'text',
        { x: LEFT - 8, y: at + 4, 'text-anchor': 'end', class: 'dim' },
        shortNumber(top * part),
      ),
    ];
  });
  const clock = (time: number): string =>
    new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const ends = [
    drawing('text', { x: LEFT, y: HEIGHT - 4, class: 'dim' }, times.length > 0 ? clock(first) : ''),
    drawing(
      'text',
      { x: WIDTH - 8, y: HEIGHT - 4, 'text-anchor': 'end', class: 'dim' },
      times.length > 0 ? clock(last) : '',
    ),
  ];
  const paths = lines.flatMap((line) => {
    let path = '';
    let pen = 'M';
    const alone: SVGElement[] = [];
    for (const [i, value] of line.values.entries()) {
      if (value === null) {
        pen = 'M';
        continue;
      }
      const [px, py] = [x(times[i] ?? 0).toFixed(1), y(value).toFixed(1)];
      path += `${pen}${px} ${py}`;
      // One value between gaps would draw nothing.
      if (pen === 'M' && (line.values[i + 1] ?? null) === null)
        alone.push(drawing('circle', { cx: px, cy: py, r: 2, fill: line.colour }));
      pen = 'L';
    }
    return [drawing('path', { d: path, fill: 'none', stroke: line.colour, 'stroke-width': 1.6 }), ...alone];
  });
  const picture = drawing(
    'svg',
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      width: WIDTH,
      role: 'img',
      'aria-label': lines.map((l) => l.name).join(', '),
    },
    ...grid,
    ...ends,
    ...paths,
  );
  const legend = lines.map((line) => {
    const mark = element('i');
    mark.style.background = line.colour;
    const latest = line.values.findLast((v) => v !== null) ?? null;
    return element(
      'span',
      {},
      mark,
      `${line.name}${latest === null ? '' : ` ${shortNumber(latest)} ${unit}`}`,
    );
  });
  return element('div', {}, picture, element('div', { class: 'legend' }, ...legend));
}

function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((f) => f * power).find((limit) => limit >= value) ?? value;
}

export function shortNumber(value: number): string {
  if (value >= 10_000) return `${Math.round(value / 1000)}k`;
  return String(value >= 100 ? Math.round(value) : Math.round(value * 100) / 100);
}
