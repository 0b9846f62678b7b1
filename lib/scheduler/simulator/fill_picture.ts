/** Pictures of how full nodes are: bars where there are few nodes, a map of small squares where there are many. */
import type { Markup } from '../../component/ui/html.ts';
import { html, trusted } from '../../component/ui/html.ts';
import { amountText, share } from '../amount_text.ts';
import type { NodeFill } from './simulation_result.ts';

/** So many nodes have a line of their own. */
const MAX_BARS = 60;

export function fillPicture(nodes: readonly NodeFill[], resources: readonly string[]): Markup {
  if (nodes.length === 0) return html``;
  return nodes.length <= MAX_BARS ? bars(nodes, resources) : maps(nodes, resources);
}

const NAME = 190;
const COLUMN = 200;
const BAR = 130;
const LINE = 22;

function bars(nodes: readonly NodeFill[], resources: readonly string[]): Markup {
  const width = NAME + COLUMN * resources.length;
  const height = LINE * (nodes.length + 1);
  const head = resources.map((r, i) => html`<text x="${NAME + COLUMN * i}" y="14" class="dim">${r}</text>`);
  const lines = nodes.map((node, row) => {
    const y = LINE * (row + 1);
    const cells = resources.map((resource, i) => bar(node, resource, NAME + COLUMN * i, y));
    return html`<text x="0" y="${y + 13}" ${trusted(node.added === true ? ' font-weight="600"' : '')}
        >${shortName(node)}</text
      >${cells}`;
  });
  return html`<svg
      viewBox="0 0 ${width} ${height}"
      width="${width}"
      role="img"
      aria-label="Fill of ${nodes.length} nodes"
    >
      ${head}${lines}
    </svg>
    <div class="legend">
      <span><i style="background:var(--before)"></i>before</span
      ><span><i style="background:var(--after)"></i>added by the simulation</span
      ><span><i style="background:var(--bad)"></i>given free</span>
    </div>`;
}

function bar(node: NodeFill, resource: string, x: number, y: number): Markup {
  const of = node.allocatable[resource] ?? 0;
  const before = node.before[resource] ?? 0;
  const after = node.after[resource] ?? 0;
  if (of === 0 && before === 0 && after === 0)
    return html`<text x="${x}" y="${y + 13}" class="dim">none</text>`;
  const length = (amount: number): number =>
    Math.round((of > 0 ? Math.min(1, amount / of) : 1) * BAR * 10) / 10;
  const kept = Math.min(before, after);
  const rest = Math.max(before, after);
  const colour = after >= before ? 'var(--after)' : 'var(--bad)';
  return html`<g
    ><title>
      ${node.node} ${resource}: ${amountText(resource, before)} before, ${amountText(resource, after)} after,
      of ${amountText(resource, of)}</title
    ><rect x="${x}" y="${y + 3}" width="${BAR}" height="12" rx="2" fill="var(--track)" /><rect
      x="${x}"
      y="${y + 3}"
      width="${length(rest)}"
      height="12"
      rx="2"
      fill="${colour}"
      ${trusted(after >= before ? '' : ' opacity=".45"')}
    /><rect x="${x}" y="${y + 3}" width="${length(kept)}" height="12" rx="2" fill="var(--before)" /><text
      x="${x + BAR + 6}"
      y="${y + 13}"
      class="dim"
      >${share(after, of)}%</text
    ></g
  >`;
}

const CELL = 11;
/** Darker is fuller; the last is more than there is. */
const STEPS = [
  '#e6edf7',
  '#cddcf0',
  '#b0c7e6',
  '#8fafd9',
  '#6d95ca',
  '#4e7cba',
  '#3565a8',
  '#234f91',
  '#163b75',
  '#0b2857',
];
const TOO_MUCH = '#b3261e';

function maps(nodes: readonly NodeFill[], resources: readonly string[]): Markup {
  const columns = Math.min(100, Math.max(20, Math.ceil(Math.sqrt(nodes.length * 2))));
  const height = Math.ceil(nodes.length / columns) * CELL;
  const pictures = resources.map((resource) => {
    const having = nodes.filter((n) => (n.allocatable[resource] ?? 0) > 0).length;
    const used = nodes.reduce((sum, n) => sum + (n.after[resource] ?? 0), 0);
    const of = nodes.reduce((sum, n) => sum + (n.allocatable[resource] ?? 0), 0);
    const cells = nodes.map((node, i) =>
      cell(node, resource, (i % columns) * CELL, Math.floor(i / columns) * CELL),
    );
    return html`<figure style="margin:0">
      <figcaption>
        ${resource}
        <span class="dim"
          >${amountText(resource, used)} of ${amountText(resource, of)} (${share(used, of)}%) on ${having}
          nodes</span
        >
      </figcaption>
      <svg
        viewBox="0 0 ${columns * CELL} ${height}"
        width="${columns * CELL}"
        role="img"
        aria-label="${resource} on ${nodes.length} nodes"
      >
        ${cells}
      </svg>
    </figure>`;
  });
  const legend = STEPS.map((colour, i) => html`<span><i style="background:${colour}"></i>${i * 10}%</span>`);
  return html`<div class="columns">${pictures}</div>
    <div class="legend">
      ${legend}<span><i style="background:${TOO_MUCH}"></i>more than there is</span>
    </div>
    <p class="dim">One square is one node, in the order given.</p>`;
}

function cell(node: NodeFill, resource: string, x: number, y: number): Markup {
  const of = node.allocatable[resource] ?? 0;
  const after = node.after[resource] ?? 0;
  const full = share(after, of);
  const step = STEPS[Math.min(9, Math.floor(full / 10))] ?? STEPS[0] ?? '';
  const colour = of === 0 && after === 0 ? 'var(--track)' : after > of ? TOO_MUCH : step;
  return html`<rect x="${x}" y="${y}" width="${CELL - 1}" height="${CELL - 1}" fill="${colour}"
    ><title>${node.node}: ${full}%</title></rect
  >`;
}

function shortName({ node, added, unschedulable }: NodeFill): string {
  const name = node.length > 24 ? `${node.slice(0, 10)}…${node.slice(-12)}` : node;
  return `${name}${added === true ? ' +' : ''}${unschedulable === true ? ' ⊘' : ''}`;
}
