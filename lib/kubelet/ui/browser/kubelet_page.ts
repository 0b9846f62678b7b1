/** What the kubelet's page does in the browser. */
import { age, draw, problem } from '../../../component/ui/browser/draw.ts';
import { element, link, section, table, tile } from '../../../component/ui/browser/elements.ts';
import { fetchJson, live } from '../../../component/ui/browser/live.ts';
import type { TimelineEntry } from '../../contracts.ts';
import type { UiOverview, UiPod, UiPodRow } from '../page_data.ts';

type Cell = HTMLElement | string | number;

/** Which pods a tile stands for. */
const KINDS: Readonly<Record<string, (row: UiPodRow) => boolean>> = {
  pods: (row) => row.state !== 'Gone',
  waiting: (row) => row.waitsFor !== '',
  running: (row) => row.state === 'Running',
  pending: (row) => row.state === 'Pending',
  terminating: (row) => row.state === 'Terminating',
  ended: (row) => row.state === 'Succeeded' || row.state === 'Failed',
  restarted: (row) => row.restarts > 0,
  gone: (row) => row.state === 'Gone',
};
const LOOKS: Readonly<Record<string, string>> = { waiting: 'warn' };

const main = document.getElementById('main') ?? document.body;
const problems = element('div', { id: 'problems', 'aria-live': 'polite' });
const tiles = element('div', { class: 'tiles' });
const detail = element('div', { id: 'detail', 'aria-live': 'polite' });
const pods = element('div', { id: 'pods', class: 'long' });
const search = element('input', {
  type: 'search',
  placeholder: 'Part of a name, a state or a reason',
  'aria-label': 'Search pods',
});
const podsSection = section('Pods', 'those that wait first', search, pods);
main.replaceChildren(problems, tiles, detail, podsSection);

let shown: UiOverview | undefined;
let kind = 'pods';

function showOverview(data: UiOverview): void {
  shown = data;
  draw(problems, data.problems, () =>
    data.problems.length === 0
      ? []
      : [section('The node', '', ...data.problems.map((text) => element('p', { class: 'bad' }, text)))],
  );
  const counts = Object.entries(KINDS).map(
    ([name, belongs]) => [name, data.pods.filter(belongs).length] as const,
  );
  draw(tiles, [counts, data.node, data.maxPods, data.problems.length], () => [
    ...counts.map(([name, count]) => {
      const made = tile('', count, count > 0 ? (LOOKS[name] ?? '') : '');
      made.lastElementChild?.replaceChildren(link(name, () => choose(name)));
      return made;
    }),
    tile(data.maxPods === '' ? 'node' : `node, takes ${data.maxPods} pods`, data.node, 'word'),
    tile(
      'node condition',
      data.problems.length === 0 ? 'good' : 'not good',
      data.problems.length === 0 ? 'word good' : 'word bad',
    ),
  ]);
  showPods();
}

function choose(name: string): void {
  kind = name;
  showPods();
  podsSection.scrollIntoView({ behavior: 'smooth' });
}

function showPods(): void {
  if (shown === undefined) return;
  const { now } = shown;
  const wanted = search.value.trim().toLowerCase().split(/\s+/);
  const rows = shown.pods.filter((row) => {
    const text = `${row.pod} ${row.state} ${row.waitsFor}`.toLowerCase();
    return (KINDS[kind]?.(row) ?? true) && wanted.every((part) => text.includes(part));
  });
  // How long ago it was changes by itself: not more often than it would be read.
  draw(pods, [rows, kind, Math.floor(now / 10_000)], () => [
    element(
      'p',
      { class: 'dim' },
      `${rows.length} ${rows.length === 1 ? 'pod' : 'pods'}${kind === 'pods' ? '' : `: ${kind}`}`,
    ),
    ...(rows.length === 0
      ? []
      : [
          table(
            ['Pod', 'What goes on'],
            rows.map((row) => podCells(row, now)),
          ),
        ]),
  ]);
}

function podCells(row: UiPodRow, now: number): readonly Cell[] {
  return [
    element(
      'div',
      {},
      link(row.pod, () => void (location.hash = `pod=${encodeURIComponent(row.pod)}`)),
      element('div', { class: 'dim' }, stateOf(row)),
    ),
    element(
      'div',
      {},
      element('div', { class: lookOf(row) }, row.waitsFor),
      element(
        'div',
        { class: 'dim' },
        row.lastAt === 0 ? '' : `${brief(row.last, 140)}, ${age(now - row.lastAt)}`,
      ),
    ),
  ];
}

function stateOf({ state, readyContainers, containers, restarts }: UiPodRow): string {
  if (state === 'Gone') return state;
  const again = restarts === 0 ? '' : `, ${restarts} restart${restarts === 1 ? '' : 's'}`;
  return `${state}, ${readyContainers}/${containers} ready${again}`;
}

/** What a person may have to mend stands out. */
function lookOf({ waitsFor }: UiPodRow): string {
  return /BackOff|Err[A-Z]|Error|Failed|Invalid/.test(waitsFor) ? 'bad' : 'warn';
}

function brief(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

let asked = '';
async function showDetail(): Promise<void> {
  const pod = decodeURIComponent(/^#pod=(.+)$/.exec(location.hash)?.[1] ?? '');
  const isNew = pod !== asked;
  asked = pod;
  if (pod === '') {
    draw(detail, '', () => []);
    return;
  }
  const close = link('close', () => void (location.hash = ''));
  try {
    const told = podOf(await fetchJson(`/ui/pod/${pod.split('/').map(encodeURIComponent).join('/')}`));
    if (asked === pod) draw(detail, told, () => [section(pod, stateOf(told.row), close, ...about(told))]);
  } catch (err) {
    if (asked === pod) draw(detail, String(err), () => [section(pod, '', close, problem(err))]);
  }
  if (isNew) detail.scrollIntoView({ behavior: 'smooth' });
}

function about(pod: UiPod): readonly HTMLElement[] {
  const facts = [
    `uid ${pod.uid}`,
    ...(pod.ip === '' ? [] : [`address ${pod.ip}`]),
    ...(pod.qosClass === '' ? [] : [pod.qosClass]),
  ];
  const waits =
    pod.row.waitsFor === ''
      ? element('p', {}, 'It waits for nothing.')
      : element(
          'p',
          {},
          'It waits for: ',
          element('b', { class: lookOf(pod.row), id: 'waits' }, pod.row.waitsFor),
        );
  const parts: HTMLElement[] = [element('p', { class: 'dim' }, facts.join(', ')), waits];
  if (pod.message !== '') parts.push(element('p', { class: 'bad' }, pod.message));
  parts.push(
    element('h2', {}, 'Timeline ', element('small', {}, 'what the kubelet did and why, the newest first')),
    pod.entries.length === 0
      ? element('p', { class: 'dim' }, 'Nothing is recorded.')
      : table(['Time', 'What', 'Why'], pod.entries.toReversed().map(entryCells)),
  );
  if (pod.containers.length > 0)
    parts.push(
      element('h2', {}, 'Containers'),
      table(
        ['Container', 'State', 'Before'],
        pod.containers.map((c) => [
          element(
            'div',
            {},
            c.name,
            element(
              'div',
              { class: 'dim' },
              [c.kind, c.ready ? 'ready' : 'not ready', c.restarts === 0 ? '' : `${c.restarts} restarts`]
                .filter((text) => text !== '')
                .join(', '),
            ),
          ),
          c.state,
          c.last,
        ]),
      ),
    );
  if (pod.conditions.length > 0)
    parts.push(
      element('h2', {}, 'Conditions'),
      table(
        ['Condition', 'Since', 'Why'],
        pod.conditions.map((c) => [
          element('div', {}, c.type, ' ', element('b', {}, c.status)),
          timeOf(c.since),
          c.why,
        ]),
      ),
    );
  return parts;
}

function entryCells(entry: TimelineEntry): readonly Cell[] {
  const { at, what, why, container, durationMs, error, times, lastAt } = entry;
  const notes = [
    container ?? '',
    durationMs === undefined ? '' : `${durationMs} ms`,
    times === undefined ? '' : `${times} times, last ${timeOf(lastAt ?? at)}`,
  ].filter((text) => text !== '');
  return [
    timeOf(at),
    element('div', {}, what, element('div', { class: 'dim' }, notes.join(', '))),
    error === undefined
      ? (why ?? '')
      : element('span', { class: 'bad' }, why === undefined ? error : `${why}: ${error}`),
  ];
}

function timeOf(at: string): string {
  return at === '' ? '' : new Date(at).toLocaleTimeString([], { hour12: false });
}

// Answers of our own server, of the same build: what it says of their shape is believed.
/* oxlint-disable typescript/no-unsafe-type-assertion */
const overviewOf = (value: unknown): UiOverview => value as UiOverview;
const podOf = (value: unknown): UiPod => value as UiPod;
/* oxlint-enable typescript/no-unsafe-type-assertion */

search.addEventListener('input', showPods);
window.addEventListener('hashchange', () => void showDetail());
live('/ui/data', 2000, (data) => {
  showOverview(overviewOf(data));
  void showDetail();
});
