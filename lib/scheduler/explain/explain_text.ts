/** An explanation as text for the terminal. */
import { alignColumns } from './align_columns.ts';
import type { Explanation } from './decision_log.ts';
import { printable } from './printable.ts';
import type { PodExplanation } from './pod_explanation.ts';

/** Lines of at most these many nodes are shown. */
const MAX_LINES = 40;

export function explainText(e: PodExplanation): string {
  const lines = [row('Pod', e.pod)];
  if (e.node !== undefined) lines.push(row('Node', e.node));
  if (e.nominatedNode !== undefined) lines.push(row('Waits for', `room on ${e.nominatedNode}`));
  if (e.queue !== undefined) {
    const { place, attempts, retryInSeconds, gatedBy, refusedBy } = e.queue;
    const retry = retryInSeconds === undefined ? '' : `, next try within ${retryInSeconds} s`;
    lines.push(row('Queue', `${place}, ${attempts} attempt${attempts === 1 ? '' : 's'}${retry}`));
    if (gatedBy !== undefined)
      lines.push(row('Kept out by', `${gatedBy.plugin}: ${gatedBy.reasons.join(', ')}`));
    if (refusedBy.length > 0) lines.push(row('Refused by', refusedBy.join(', ')));
  }
  if (e.lastDecision !== undefined) lines.push(...decision(e.lastDecision));
  else if (e.node !== undefined && e.queue === undefined)
    lines.push(
      '',
      'This scheduler has no record of the decision: it was made by another, before its start, or long ago.',
    );
  return `${lines.join('\n')}\n`;
}

function row(name: string, value: string): string {
  return `${`${name}:`.padEnd(14)}${printable(value)}`;
}

function decision(d: Explanation): string[] {
  const lines = [
    '',
    row('Decision', `${d.result}, attempt ${d.attempt} at ${d.at}`),
    `  ${printable(d.message)}`,
  ];
  const refused = Object.entries(d.refused);
  if (refused.length > 0)
    lines.push(
      '',
      ...table(
        ['NODE REFUSED', 'PLUGIN', 'REASON'],
        refused.map(([node, { plugin, reasons }]) => [node, plugin, reasons.join(', ')]),
      ),
    );
  if (d.scores.length > 0) {
    const plugins = [...new Set(d.scores.flatMap((s) => Object.keys(s.byPlugin)))];
    lines.push(
      '',
      ...table(
        ['NODE', 'TOTAL', ...plugins],
        d.scores.map((s) => [
          s.node,
          String(s.total),
          ...plugins.map((p) => (s.byPlugin[p] === undefined ? '-' : String(s.byPlugin[p]))),
        ]),
      ),
    );
  }
  return lines;
}

function table(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  const shown = body.slice(0, MAX_LINES);
  const more = body.length - shown.length;
  return [alignColumns([head, ...shown]), ...(more > 0 ? [`... and ${more} more`] : [])];
}
