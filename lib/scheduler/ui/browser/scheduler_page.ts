/** What the scheduler's page does in the browser. */
import { element, link, section, table, tile } from '../../../component/ui/browser/elements.ts';
import { fetchJson, live } from '../../../component/ui/browser/live.ts';
import { plot } from '../../../component/ui/browser/plot.ts';
import type { PodExplanation } from '../../explain/pod_explanation.ts';
import type { UiOverview, UiPodList, UiRemedies } from '../ui_data.ts';

const main = document.getElementById('main') ?? document.body;
const tiles = element('div', { class: 'tiles' });
const plots = element('div', { class: 'columns' });
const detail = element('div', { id: 'detail', 'aria-live': 'polite' });
const groups = element('div', { id: 'groups' });
const pods = element('div', { id: 'pods' });
const search = element('input', {
  type: 'search',
  placeholder: 'Part of namespace/name',
  'aria-label': 'Search pending pods',
});
const chosen = { place: '', reason: '' };
const podsSection = section('Pending pods', '', search, pods);
main.replaceChildren(tiles, detail, groups, podsSection, element('p'), plots);

function showOverview(data: UiOverview): void {
  const { queue } = data;
  const place = (name: string, count: number, look = ''): HTMLElement => {
    const made = tile('', count, count > 0 ? look : '');
    made.lastElementChild?.replaceChildren(link(name, () => choose({ place: name, reason: '' })));
    return made;
  };
  tiles.replaceChildren(
    place('active', queue.active),
    place('backoff', queue.backoff, 'warn'),
    place('unschedulable', queue.unschedulable, 'bad'),
    place('gated', queue.gated),
    place('in flight', queue.inFlight),
    tile('nodes', data.nodes),
    tile('pods on nodes', data.pods),
    tile('this scheduler', data.scheduling ? 'active' : 'standby'),
  );
  const times = data.history.map((s) => s.at);
  const lines = data.history;
  plots.replaceChildren(
    section(
      'Throughput',
      'pods a second, last ten minutes',
      plot(
        times,
        [
          { name: 'scheduled', colour: 'var(--good)', values: lines.map((s) => s.scheduled) },
          { name: 'failed attempts', colour: 'var(--bad)', values: lines.map((s) => s.failed) },
        ],
        '/s',
      ),
    ),
    section(
      'Decision',
      'milliseconds to choose a node',
      plot(
        times,
        [
          { name: 'median', colour: 'var(--accent)', values: lines.map((s) => s.decisionP50) },
          { name: '99th percentile', colour: 'var(--warn)', values: lines.map((s) => s.decisionP99) },
        ],
        'ms',
      ),
    ),
    section(
      'From first seen to bound',
      'milliseconds',
      plot(
        times,
        [
          { name: 'median', colour: 'var(--accent)', values: lines.map((s) => s.boundP50) },
          { name: '99th percentile', colour: 'var(--warn)', values: lines.map((s) => s.boundP99) },
        ],
        'ms',
      ),
    ),
  );
  const waiting = queue.backoff + queue.unschedulable + queue.gated + queue.active;
  const list =
    data.groups.length === 0
      ? element('p', { class: 'dim' }, 'No pod waits.')
      : table(
          ['#Pods', 'Reason', 'For example'],
          data.groups.map((g) => [
            g.count,
            link(g.message === '' ? 'no reason told yet' : g.message, () =>
              choose({ place: '', reason: g.message }),
            ),
            link(g.example, () => open(g.example)),
          ]),
        );
  const more = data.moreGroups > 0 ? `, ${data.moreGroups} more reasons` : '';
  replaceKeepingScroll(groups, section('Why pods wait', `${waiting} pods${more}`, list));
}

function choose(next: { readonly place: string; readonly reason: string }): void {
  Object.assign(chosen, next);
  void showPods();
  podsSection.scrollIntoView({ behavior: 'smooth' });
}

async function showPods(): Promise<void> {
  const query = new URLSearchParams({ ...chosen, search: search.value });
  let list: UiPodList;
  try {
    list = podListOf(await fetchJson(`/ui/pods?${query}`));
  } catch {
    return; // the header says that there is no answer
  }
  const filter = [chosen.place, chosen.reason].filter((f) => f !== '').join(': ');
  const shown = list.pods.length < list.total ? `, the first ${list.pods.length} are shown` : '';
  const clear = filter === '' ? '' : link('show all', () => choose({ place: '', reason: '' }));
  const note = element(
    'p',
    { class: 'dim' },
    `${list.total} pods${shown}${filter === '' ? '' : `, only ${filter} `}`,
    clear,
  );
  const rows = list.pods.map((p) => [
    link(p.pod, () => open(p.pod)),
    p.message,
    p.place,
    p.priority,
    p.attempts,
    p.retryInSeconds === null ? '' : `${p.retryInSeconds} s`,
  ]);
  replaceKeepingScroll(
    pods,
    note,
    ...(rows.length === 0
      ? []
      : [table(['Pod', 'Why', 'Queue', '#Priority', '#Attempts', '#Next try'], rows)]),
  );
}

/** Tables keep their place while they are drawn anew. */
function replaceKeepingScroll(target: HTMLElement, ...children: readonly Node[]): void {
  const before = target.querySelector('.scroll')?.scrollTop ?? 0;
  const hadFocus = target.contains(document.activeElement) ? document.activeElement?.textContent : undefined;
  target.replaceChildren(...children);
  const now = target.querySelector('.scroll');
  if (now !== null) now.scrollTop = before;
  if (hadFocus !== undefined)
    [...target.querySelectorAll('button')]
      .find((b) => b.textContent === hadFocus)
      ?.focus({ preventScroll: true });
}

function open(pod: string): void {
  location.hash = `pod=${encodeURIComponent(pod)}`;
}

async function showPod(): Promise<void> {
  const match = /^#pod=(.+)$/.exec(location.hash);
  if (match?.[1] === undefined) {
    detail.replaceChildren();
    return;
  }
  const pod = decodeURIComponent(match[1]);
  const path = pod.split('/').map(encodeURIComponent).join('/');
  const close = link('close', () => (location.hash = ''));
  try {
    const explanation = explanationOf(await fetchJson(`/ui/pod/${path}`));
    const remedies = element('div', { id: 'remedies' }, 'Looking for what would help…');
    detail.replaceChildren(
      section(
        pod,
        '',
        close,
        ...about(explanation),
        ...(explanation.queue === undefined ? [] : [remedies]),
        ...nodesOf(explanation),
      ),
    );
    detail.scrollIntoView({ behavior: 'smooth' });
    if (explanation.queue !== undefined)
      remedies.replaceChildren(...helps(remediesOf(await fetchJson(`/ui/remedies/${path}`))));
  } catch (err) {
    detail.replaceChildren(
      section(
        pod,
        '',
        close,
        element('p', { class: 'bad' }, err instanceof Error ? err.message : String(err)),
      ),
    );
  }
}

function about(e: PodExplanation): readonly HTMLElement[] {
  const lines: HTMLElement[] = [];
  const line = (...parts: readonly (string | HTMLElement)[]): void =>
    void lines.push(element('p', {}, ...parts));
  if (e.node !== undefined) line('On node ', element('b', {}, e.node), '.');
  if (e.nominatedNode !== undefined) line('Waits for room on ', element('b', {}, e.nominatedNode), '.');
  if (e.queue !== undefined) {
    const retry = e.queue.retryInSeconds === undefined ? '' : `, next try within ${e.queue.retryInSeconds} s`;
    line(`Queue: ${e.queue.place}, attempts: ${e.queue.attempts}${retry}.`);
    if (e.queue.gatedBy !== undefined)
      line(`Kept out by ${e.queue.gatedBy.plugin}: ${e.queue.gatedBy.reasons.join(', ')}.`);
  }
  if (e.lastDecision !== undefined) line(e.lastDecision.message);
  else line('This scheduler has no record of a decision.');
  return lines;
}

function helps({ remedies }: UiRemedies): readonly HTMLElement[] {
  if (remedies.length === 0)
    return [element('p', { class: 'dim' }, 'No small change was found after which it could be placed.')];
  return [
    element('h2', {}, 'What would help ', element('small', {}, 'each tried out on the cluster as it is now')),
    element(
      'ol',
      {},
      ...remedies.map((r) =>
        element(
          'li',
          {},
          r.steps.join('; and '),
          ' ',
          element(
            'span',
            { class: 'dim' },
            r.nodes === 1 ? `(then ${r.example})` : `(then ${r.nodes} nodes, ${r.example} for one)`,
          ),
        ),
      ),
    ),
  ];
}

function nodesOf({ lastDecision }: PodExplanation): readonly HTMLElement[] {
  if (lastDecision === undefined) return [];
  const made: HTMLElement[] = [];
  const { scores, refused, nodesConsidered } = lastDecision;
  if (scores.length > 0) {
    const plugins = [...new Set(scores.flatMap((s) => Object.keys(s.byPlugin)))];
    made.push(
      element('h2', {}, 'Best nodes by score'),
      table(
        ['Node', '#Total', ...plugins.map((p) => `#${p}`)],
        scores.map((s) => [
          s.node,
          round(s.total),
          ...plugins.map((p) => (s.byPlugin[p] === undefined ? '' : round(s.byPlugin[p]))),
        ]),
      ),
    );
  }
  const entries = Object.entries(refused);
  if (entries.length > 0) {
    const shown =
      entries.length < nodesConsidered
        ? `the first ${entries.length} of ${nodesConsidered} nodes`
        : `${entries.length} nodes`;
    made.push(
      element('h2', {}, 'Nodes that refused it ', element('small', {}, shown)),
      table(
        ['Node', 'Plugin', 'Reason'],
        entries.map(([node, r]) => [node, r.plugin, r.reasons.join(', ')]),
      ),
    );
  }
  return made;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

// Answers of our own server, of the same build: what it says of their shape is believed.
/* oxlint-disable typescript/no-unsafe-type-assertion */
const overviewOf = (value: unknown): UiOverview => value as UiOverview;
const podListOf = (value: unknown): UiPodList => value as UiPodList;
const remediesOf = (value: unknown): UiRemedies => value as UiRemedies;
const explanationOf = (value: unknown): PodExplanation => value as PodExplanation;
/* oxlint-enable typescript/no-unsafe-type-assertion */

search.addEventListener('input', () => void showPods());
window.addEventListener('hashchange', () => void showPod());
live('/ui/data', 2000, (data) => {
  showOverview(overviewOf(data));
  void showPods();
});
void showPod();
