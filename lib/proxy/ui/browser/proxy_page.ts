/** What the proxy's page does in the browser. */
import { age, draw, problem } from '../../../component/ui/browser/draw.ts';
import { element, link, section, table, tile } from '../../../component/ui/browser/elements.ts';
import { fetchJson, live } from '../../../component/ui/browser/live.ts';
import type {
  PacketExplanation,
  Place,
  PortExplanation,
  ServiceExplanation,
} from '../../explain/explanation.ts';
import type { UiOverview, UiPacket, UiServiceRow, UiServices, UiSync } from '../page_data.ts';

type Cell = HTMLElement | string | number;

const main = document.getElementById('main') ?? document.body;
const tiles = element('div', { class: 'tiles' });
const packet = element('div', { id: 'packet', 'aria-live': 'polite' });
const detail = element('div', { id: 'detail', 'aria-live': 'polite' });
const services = element('div', { id: 'services' });
const below = element('div', { class: 'columns' });
const search = element('input', {
  type: 'search',
  placeholder: 'Name, address, port, protocol',
  'aria-label': 'Search Services',
});
const destination = field('Destination, as 10.96.0.1:80', 'Destination');
const source = field('Source address, or none', 'Source');
const protocol = element(
  'select',
  { 'aria-label': 'Protocol' },
  ...['tcp', 'udp', 'sctp'].map((name) => element('option', { value: name }, name)),
);
const form = element('form', {}, destination, protocol, source, element('button', {}, 'Explain'));
main.replaceChildren(
  tiles,
  section('A packet', 'what becomes of it on this node', form, packet),
  detail,
  section('Services', '', search, services),
  below,
);
let nodeAddresses: ReadonlyMap<string, string> = new Map();

function field(placeholder: string, label: string): HTMLInputElement {
  return element('input', { placeholder, 'aria-label': label, autocomplete: 'off', spellcheck: 'false' });
}

function showOverview({ now, mode, node, totals, families, syncs }: UiOverview): void {
  nodeAddresses = new Map(families.map((f) => [f.family, f.nodeAddress]));
  const [last] = syncs;
  const ago = last === undefined ? '' : age(now - last.at);
  tiles.replaceChildren(
    tile('Services', totals.services),
    tile('Service ports', totals.ports),
    tile('endpoints', totals.endpoints),
    tile('ports without endpoints', totals.withoutEndpoints, totals.withoutEndpoints > 0 ? 'warn' : ''),
    tile('back end', mode, 'word'),
    tile('node', node, 'word'),
    tile(
      'last sync',
      last === undefined ? 'none yet' : last.failed ? `failed ${ago}` : ago,
      last?.failed === true ? 'word bad' : 'word',
    ),
  );
  draw(below, [families, syncs], () => [
    section(
      'Last syncs',
      'how changes came into force',
      syncs.length === 0
        ? element('p', { class: 'dim' }, 'Nothing has been brought into force yet.')
        : table(['Time', 'Family', '#Took', 'What', '#Rules sent', 'Notes'], syncs.map(syncRow)),
    ),
    section(
      'Rules in force',
      'by table',
      table(
        ['Family', 'Table', '#Rules'],
        families.flatMap((f) => Object.entries(f.rules).map(([name, count]) => [f.family, name, count])),
      ),
    ),
  ]);
}

function syncRow(sync: UiSync): readonly Cell[] {
  const look = sync.failed || sync.refused.length > 0 ? 'bad' : sync.note === '' ? '' : 'warn';
  return [
    new Date(sync.at).toLocaleTimeString([], { hour12: false }),
    sync.family,
    `${sync.milliseconds >= 100 ? Math.round(sync.milliseconds) : sync.milliseconds.toFixed(1)} ms`,
    sync.failed ? 'failed' : sync.full ? 'all rules' : 'changes',
    sync.sent,
    element('span', { class: look }, sync.note),
  ];
}

async function showServices(): Promise<void> {
  const asked = search.value;
  let list: UiServices;
  try {
    list = servicesOf(await fetchJson(`/ui/services?${new URLSearchParams({ search: asked })}`));
  } catch {
    return; // the header says that there is no answer
  }
  if (asked !== search.value) return; // another answer is on its way
  draw(services, list, () => {
    const shown = list.rows.length < list.found ? `, the first ${list.rows.length} are shown` : '';
    const note = element('p', { class: 'dim' }, `${list.found} Service ports${shown}`);
    if (list.rows.length === 0) return [note];
    return [note, table(['Service', 'Answers at', '#Endpoints', 'Notes'], list.rows.map(serviceRow))];
  });
}

function serviceRow(row: UiServiceRow): readonly Cell[] {
  const here = row.local > 0 ? `, ${row.local} here` : '';
  return [
    element(
      'div',
      {},
      link(row.service, () => void (location.hash = `service=${encodeURIComponent(row.service)}`)),
      element('div', { class: 'dim' }, `${row.port} ${row.protocol} ${row.family}`),
    ),
    element('div', {}, ...row.places.map((place) => element('div', {}, place))),
    `${row.endpoints}${here}`,
    element('span', { class: row.endpoints === 0 ? 'bad' : 'warn' }, row.note),
  ];
}

/** What the address of the page asks for: a Service, a packet, both or nothing. */
function asked(): URLSearchParams {
  return new URLSearchParams(location.hash.slice(1));
}

async function showDetail(): Promise<void> {
  const service = asked().get('service');
  if (service === null) return draw(detail, null, () => []);
  const path = service.split('/').map(encodeURIComponent).join('/');
  const close = link('close', () => (location.hash = ''));
  try {
    const explanation = serviceOf(await fetchJson(`/ui/service/${path}`));
    draw(detail, explanation, () => [
      section(
        service,
        '',
        close,
        ...(explanation.verdict === undefined ? [] : [element('p', {}, explanation.verdict)]),
        ...(explanation.ports ?? []).flatMap(portParts),
      ),
    ]);
  } catch (err) {
    draw(detail, String(err), () => [section(service, '', close, problem(err))]);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  cluster: 'all endpoints',
  local: 'endpoints of this node',
  reject: 'refused: no endpoint anywhere',
  drop: 'dropped: no endpoint on this node',
};

function portParts(port: PortExplanation): readonly HTMLElement[] {
  const places = (port.frontends ?? []).map((place): readonly Cell[] => [
    placeText(place),
    WORDS[(place.kind === 'cluster' ? port.internal : port.external) ?? ''] ?? '',
    explainLink(place, port),
  ]);
  const taken = port.contested.map(({ frontend, owner }): readonly Cell[] => [
    placeText(frontend),
    element('span', { class: 'bad' }, `belongs to ${owner}`),
    '',
  ]);
  const used = port.endpoints.map((e): readonly Cell[] => [
    e.endpoint,
    e.onThisNode ? `${e.node} (this node)` : e.node,
    e.state,
  ]);
  const unused = port.leftOut.map((e): readonly Cell[] => [
    e.endpoint,
    e.node ?? '',
    element('span', { class: 'warn' }, `left out: ${e.reason}`),
  ]);
  return [
    element('h2', {}, `${port.servicePort} `, element('small', {}, `${port.protocol} ${port.family}`)),
    ...(port.affinitySeconds > 0
      ? [element('p', {}, `A client keeps its endpoint for ${port.affinitySeconds} s.`)]
      : []),
    table(['Place', 'Packets go to', ''], [...places, ...taken]),
    used.length + unused.length === 0
      ? element('p', { class: 'dim' }, 'No endpoints.')
      : table(['Endpoint', 'Node', 'State'], [...used, ...unused]),
    rules('Rules of', port),
  ];
}

function placeText(place: Place): string {
  if (place.ip === undefined) return `node port ${place.port}`;
  return `${hostPort(place.ip, place.port)} (${place.kind === 'loadBalancer' ? 'load balancer' : place.kind})`;
}

function hostPort(ip: string, port: number): string {
  return `${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
}

function explainLink(place: Place, port: PortExplanation): Cell {
  const ip = place.ip ?? nodeAddresses.get(port.family) ?? '';
  if (ip === '') return '';
  return link('a packet', () => {
    const wanted = asked();
    wanted.set('destination', hostPort(ip, place.port));
    wanted.set('protocol', port.protocol.toLowerCase());
    wanted.set('source', source.value);
    location.hash = wanted.toString();
    form.scrollIntoView({ behavior: 'smooth' });
  });
}

function rules(
  what: string,
  port: Pick<PortExplanation, 'rules' | 'servicePort' | 'protocol' | 'family'>,
): HTMLElement {
  const { dispatch, chains } = port.rules;
  const lines = [
    ...dispatch,
    ...Object.entries(chains).flatMap(([chain, body]) => [
      '',
      `${chain}:`,
      ...body.map((rule) => `  ${rule}`),
    ]),
  ];
  const summary = `${what} ${port.servicePort} ${port.protocol} ${port.family}`;
  return element(
    'details',
    { open: '' },
    element('summary', {}, summary),
    element('div', { class: 'scroll', tabindex: 0 }, element('pre', {}, lines.join('\n'))),
  );
}

async function showPacket(): Promise<void> {
  const wanted = asked();
  const where = wanted.get('destination');
  if (where === null) return draw(packet, null, () => []);
  const query = new URLSearchParams({
    destination: where,
    protocol: wanted.get('protocol') ?? 'tcp',
    source: wanted.get('source') ?? '',
  });
  try {
    const answer = packetOf(await fetchJson(`/ui/packet?${query}`));
    draw(packet, answer, () =>
      'problem' in answer
        ? [element('p', { class: 'bad' }, answer.problem)]
        : packetParts(answer.explanation),
    );
  } catch (err) {
    draw(packet, String(err), () => [problem(err)]);
  }
}

function packetParts(e: PacketExplanation): readonly HTMLElement[] {
  const { servicePort, matched, path, rules: own } = e;
  if (servicePort === undefined || matched === undefined || own === undefined)
    return [element('p', {}, `${hostPort(e.destination.ip, e.destination.port)}: ${e.verdict}.`)];
  const end = path?.verdict ?? WORDS[e.verdict] ?? e.verdict;
  const bad = end === 'rejected' || end === 'dropped' || e.verdict === 'reject' || e.verdict === 'drop';
  const service = servicePort.split(':')[0] ?? '';
  return [
    element(
      'p',
      {},
      `${placeText(matched)} is of `,
      link(servicePort, () => {
        const wanted = asked();
        wanted.set('service', service);
        location.hash = wanted.toString();
      }),
      ': ',
      element('b', { class: bad ? 'bad' : 'good' }, end),
      path === undefined ? '. With a source it is said what becomes of its packets in particular.' : '.',
    ),
    ...(path === undefined
      ? []
      : [
          table(
            ['Decision', 'Outcome', 'Why'],
            path.steps.map((s) => [s.step, s.outcome, s.why]),
          ),
        ]),
    rules('Rules that it meets, of', {
      servicePort,
      rules: own,
      protocol: e.protocol ?? '',
      family: e.family ?? '',
    }),
  ];
}

// Answers of our own server, of the same build: what it says of their shape is believed.
/* oxlint-disable typescript/no-unsafe-type-assertion */
const overviewOf = (value: unknown): UiOverview => value as UiOverview;
const servicesOf = (value: unknown): UiServices => value as UiServices;
const serviceOf = (value: unknown): ServiceExplanation => value as ServiceExplanation;
const packetOf = (value: unknown): UiPacket => value as UiPacket;
/* oxlint-enable typescript/no-unsafe-type-assertion */

async function followAddress(): Promise<void> {
  const wanted = asked();
  if (wanted.has('destination')) {
    destination.value = wanted.get('destination') ?? '';
    protocol.value = wanted.get('protocol') ?? 'tcp';
    source.value = wanted.get('source') ?? '';
  }
  await Promise.all([showPacket(), showDetail()]);
  if (wanted.has('service') && !wanted.has('destination')) detail.scrollIntoView({ behavior: 'smooth' });
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const wanted = asked();
  for (const [name, value] of [
    ['destination', destination.value.trim()],
    ['protocol', protocol.value],
    ['source', source.value.trim()],
  ] as const)
    wanted.set(name, value);
  location.hash = wanted.toString();
});
search.addEventListener('input', () => void showServices());
window.addEventListener('hashchange', () => void followAddress());
live('/ui/data', 2000, (data) => {
  showOverview(overviewOf(data));
  void showServices();
  void showPacket();
  void showDetail();
});
void followAddress();
