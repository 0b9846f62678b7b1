/** A simulation's result as one HTML file that needs nothing else. */
import type { Markup } from '../../component/ui/html.ts';
import { html, trusted } from '../../component/ui/html.ts';
import { STYLES } from '../../component/ui/styles.ts';
import { fillPicture } from './fill_picture.ts';
import { resourcesOf } from './simulation_text.ts';
import type { PendingPod, SimulationResult } from './simulation_result.ts';

/** So many placements are listed; the rest is in the JSON. */
const MAX_ROWS = 2000;

export function simulationHtml(result: SimulationResult): string {
  const { summary: s } = result;
  const tiles = [
    ['nodes', s.nodes],
    ['pods before', s.running],
    ['placed', s.placed],
    ['pending', s.pending],
    ['preempted', s.preempted],
  ].map(([name, count]) => html`<div class="tile"><b>${count ?? 0}</b><span>${name ?? ''}</span></div>`);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>ts-scheduler simulate</title>
        <style>
          ${trusted(STYLES)}
        </style>
      </head>
      <body>
        <header>
          <h1>ts-scheduler simulate</h1>
          <span class="state">seed ${result.seed}</span>
        </header>
        <main>
          <div class="tiles">${tiles}</div>
          ${result.notices.map((notice) => html`<p class="warn">${notice}.</p>`)} ${pending(result.pending)}
          ${drains(result)}
          ${section(
            'Preempted',
            ['Pod', 'Node', 'Made room for', 'Then'],
            result.preemptions.map((p) => [
              p.victim,
              p.node,
              p.by,
              p.recreated ? 'made anew by its controller' : 'gone',
            ]),
          )}
          ${section(
            'Capacity left',
            ['Shape', 'More of it fit', 'The next one'],
            result.capacity.map((c) => [c.shape, `${c.fits}${c.atLimit ? ' or more' : ''}`, c.stoppedBy]),
          )}
          <section>
            <h2>Fill of the nodes <small>requested of allocatable, afterwards</small></h2>
            <div class="scroll" style="max-height:none">
              ${fillPicture(result.nodes, resourcesOf(result.nodes))}
            </div>
          </section>
          ${section(
            'Placed',
            ['Pod', 'Node', 'Why there'],
            result.placements.map((p) => [p.pod, p.node, p.message]),
          )}
        </main>
      </body>
    </html> `;
  return page.markup;
}

/** Grouped by reason: many pods wait for the same thing. */
function pending(pods: readonly PendingPod[]): Markup {
  const groups = new Map<string, PendingPod[]>();
  for (const pod of pods) groups.set(pod.message, [...(groups.get(pod.message) ?? []), pod]);
  return section(
    'Pending',
    ['Pods', 'Reason', 'Which'],
    [...groups]
      .toSorted(([, a], [, b]) => b.length - a.length)
      .map(([message, group]) => [String(group.length), message, names(group.map((p) => p.pod))]),
  );
}

function drains({ drains: plans }: SimulationResult): readonly Markup[] {
  return plans.map((d) =>
    section(
      `Drain of ${d.node}`,
      ['Outcome', 'Pods'],
      [
        ['evicted, made anew', names(d.evicted)],
        ['evicted and gone', names(d.lost)],
        ['stay (DaemonSet, static)', names(d.ignored)],
        ...d.blocked.map(({ pod, reason }) => [reason, pod]),
      ].filter(([, pods]) => pods !== ''),
    ),
  );
}

function names(pods: readonly string[]): string {
  const shown = pods.slice(0, 8).join(', ');
  return pods.length > 8 ? `${shown} and ${pods.length - 8} more` : shown;
}

function section(title: string, headings: readonly string[], rows: readonly (readonly string[])[]): Markup {
  if (rows.length === 0) return html``;
  const shown = rows.slice(0, MAX_ROWS);
  const more = rows.length > shown.length ? `, the first ${shown.length} are shown` : '';
  return html`<section>
    <h2>${title} <small>${rows.length}${more}</small></h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            ${headings.map((h) => html`<th>${h}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${shown.map(
            (row) =>
              html`<tr>
                ${row.map((cell) => html`<td class="wrap">${cell}</td>`)}
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
