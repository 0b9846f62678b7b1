/** A simulation's result for the terminal. */
import { alignColumns } from '../explain/align_columns.ts';
import { printable } from '../explain/printable.ts';
import { amountText, share } from '../amount_text.ts';
import type { Capacity, NodeFill, PendingPod, Placement, SimulationResult } from './simulation_result.ts';

/** The fill of so many nodes is shown one by one. */
const MAX_NODES = 40;
const MAX_CAPACITY_NODES = 10;

export function simulationText(result: SimulationResult): string {
  const sections = [
    table('POD', ['NODE', 'WHY'], result.placements.map(placementRow)),
    table('PENDING', ['STATE', 'WHY'], result.pending.map(pendingRow)),
    table(
      'PREEMPTED',
      ['NODE', 'BY', 'THEN'],
      result.preemptions.map((p) => [
        p.victim,
        p.node,
        p.by,
        p.recreated ? 'made anew by its controller' : 'gone',
      ]),
    ),
    ...result.drains.map((drain) =>
      table(
        `DRAIN ${drain.node}`,
        ['OUTCOME'],
        [
          ...drain.evicted.map((pod) => [pod, 'evicted, made anew by its controller']),
          ...drain.lost.map((pod) => [pod, 'evicted and gone: it has no controller']),
          ...drain.ignored.map((pod) => [pod, 'stays: a DaemonSet or the node itself runs it']),
          ...drain.blocked.map(({ pod, reason }) => [pod, `cannot be evicted: ${reason}`]),
        ],
      ),
    ),
    ...result.capacity.map(capacityText),
    fillTable(result.nodes),
    [...result.notices.map((notice) => `Note: ${printable(notice)}.`), summary(result)].join('\n'),
  ];
  return `${sections.filter((s) => s !== '').join('\n\n')}\n`;
}

function summary({ summary: s, drains }: SimulationResult): string {
  const blocked = drains.reduce((sum, d) => sum + d.blocked.length, 0);
  return [
    `${s.nodes} nodes, ${s.running} pods ran before: ${s.placed} placed, ${s.pending} pending`,
    s.preempted > 0 ? `, ${s.preempted} preempted` : '',
    blocked > 0 ? `, ${blocked} could not be evicted` : '',
    '.',
  ].join('');
}

function placementRow({ pod, origin, node, message }: Placement): readonly string[] {
  return [pod, node, `${origin === 'drained' || origin === 'preempted' ? `(${origin}) ` : ''}${message}`];
}

function pendingRow({ pod, state, message, nominatedNode }: PendingPod): readonly string[] {
  return [
    pod,
    state,
    nominatedNode === undefined ? message : `waits for room on ${nominatedNode}: ${message}`,
  ];
}

function capacityText({ shape, fits, atLimit, stoppedBy, byNode }: Capacity): string {
  const most = Object.entries(byNode).toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const nodes = most.slice(0, MAX_CAPACITY_NODES).map(([node, count]) => `${node} ${count}`);
  const more = most.length > nodes.length ? ` and ${most.length - nodes.length} more nodes` : '';
  return [
    `CAPACITY ${shape}: ${atLimit ? `${fits} fit, and there may be room for more (--capacity-limit)` : `${fits} more fit`}`,
    ...(nodes.length === 0 ? [] : [`  ${nodes.join(', ')}${more}`]),
    ...(stoppedBy === '' ? [] : [`  the next one: ${stoppedBy}`]),
  ].join('\n');
}

function fillTable(nodes: readonly NodeFill[]): string {
  const resources = resourcesOf(nodes);
  const cell = (node: NodeFill, resource: string): string => {
    const of = node.allocatable[resource] ?? 0;
    if (of === 0 && (node.after[resource] ?? 0) === 0) return '-';
    const before = share(node.before[resource] ?? 0, of);
    const after = share(node.after[resource] ?? 0, of);
    return `${before === after ? '' : `${before}% > `}${after}% of ${amountText(resource, of)}`;
  };
  const marked = ({ node, added, unschedulable }: NodeFill): string =>
    `${node}${added === true ? ' (new)' : ''}${unschedulable === true ? ' (cordoned)' : ''}`;
  const shown = nodes.slice(0, MAX_NODES);
  const text = table(
    'NODE',
    resources.map((r) => r.toUpperCase()),
    shown.map((node) => [marked(node), ...resources.map((r) => cell(node, r))]),
  );
  return nodes.length > shown.length ? `${text}\n... and ${nodes.length - shown.length} more nodes` : text;
}

/** `cpu`, `memory` and `pods`, then whatever else any pod asks for, in order. */
export function resourcesOf(nodes: readonly NodeFill[]): readonly string[] {
  const others = new Set(
    nodes.flatMap(({ after, before }) => [...Object.keys(after), ...Object.keys(before)]),
  );
  for (const always of ['cpu', 'memory', 'pods']) others.delete(always);
  return ['cpu', 'memory', 'pods', ...[...others].sort()];
}

function table(first: string, headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : alignColumns([[first, ...headings], ...rows]);
}
