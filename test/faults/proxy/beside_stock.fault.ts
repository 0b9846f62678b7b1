/** Ours beside stock on the same node: what Prometheus scrapes, what load balancers ask, what `kubectl get events` shows. */
import type { Node } from '../../../lib/api/types.ts';
import { BED_NODE } from '../../../lib/proxy/testing/bed_node.ts';
import { service, slice } from '../../../lib/proxy/testing/objects.ts';
import { cleanNode } from '../../../lib/proxy/testing/proxies.ts';
import { HOSTS6, NODE, NODE_AT_PODS, POD1 } from '../../../lib/proxy/testing/test_bed.ts';
import { LAST_CHANGE_ANNOTATION } from '../../../lib/proxy/tracker/endpoint_slices.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { MODES, OURS, ProxyNode, STOCK } from '../support/proxy_node.ts';

const node = ProxyNode.forTests();
const HEALTH_PORT = 31_111;
const LEAVING: Node = {
  ...BED_NODE,
  spec: { ...BED_NODE.spec, taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] },
};
/** Both count packets that rules of theirs matched, stock by objects of the kernel (nfacct) that most kernels lack. */
const NOT_OURS = [
  'kubeproxy_iptables_ct_state_invalid_dropped_packets_total',
  'kubeproxy_iptables_localhost_nodeports_accepted_packets_total',
];
/** What the usual dashboards and alerts of kube-proxy read; figures of the Go runtime apart. */
const WATCHED = /^(?:kubeproxy_|process_|rest_client_requests_total|rest_client_request_duration_seconds)/;

interface Answer {
  /** Of HTTP; 0: nobody listens. */
  readonly status: number;
  readonly body: string;
}

function get(url: string): Answer {
  const script =
    'fetch(process.argv[1]).then(async (r) => ({ status: r.status, body: await r.text() }), () => ({ status: 0, body: "" }))' +
    '.then((answer) => process.stdout.write(JSON.stringify(answer)))';
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the script above
  return JSON.parse(node.bed.exec('node', [process.execPath, '-e', script, url])) as Answer;
}

/** Names of series with those of their labels, bounds of buckets by their value. */
function series(metrics: string): Set<string> {
  const found = new Set<string>();
  for (const line of metrics.split('\n')) {
    const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
    if (!WATCHED.test(name)) continue;
    const shown = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', value]) =>
      label === 'le' ? `le=${Number(value?.replace('+Inf', 'Infinity'))}` : label,
    );
    found.add(`${name}{${shown.toSorted().join()}}`);
  }
  return found;
}

const shape = ({ status, body }: Answer): unknown => ({ status, body: keysOf(JSON.parse(body)) });

function keysOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, keysOf(inner)]));
}

const health = (): Record<string, unknown> => ({
  healthz: shape(get('http://127.0.0.1:10256/healthz')),
  livez: shape(get('http://127.0.0.1:10256/livez')),
  service: get(`http://${NODE}:${HEALTH_PORT}/`),
});

/** What a proxy shows of itself from its start to its end. */
async function shown(program: readonly string[], mode: (typeof MODES)[number]) {
  const events = node.api.events().length;
  await node.api.put('nodes', BED_NODE, 'MODIFIED');
  const proxy = await node.start(program, mode, { [mode]: { minSyncPeriod: '100ms', syncPeriod: '10s' } });
  const annotations = { [LAST_CHANGE_ANNOTATION]: new Date().toISOString() };
  await node.api.put(
    'endpointslices',
    slice('a/lb-1', 'lb', [`${POD1}@n1`], undefined, { metadata: { name: 'lb-1', annotations } }),
    'MODIFIED',
  );
  const metrics = await eventually('a change of endpoints is timed', () => {
    const { body } = get('http://127.0.0.1:10249/metrics');
    if (!/^kubeproxy_network_programming_duration_seconds_count\{[^}]*IPv4[^}]*\} 1$/m.test(body))
      throw new Error('not yet');
    return Promise.resolve(body);
  });
  const serviceHealth = ['127.0.0.1', NODE, NODE_AT_PODS, `[${HOSTS6.node}]`].map((host) => {
    const { status, body } = get(`http://${host}:${HEALTH_PORT}/`);
    return `${host}: ${status} ${body}`;
  });
  const usual = health();
  await node.api.put('nodes', LEAVING, 'MODIFIED');
  const leaving = await eventually('the node is known to go', () => {
    const now = health();
    if (JSON.stringify(now) === JSON.stringify(usual)) throw new Error('not yet');
    return Promise.resolve(now);
  });
  await proxy.kill();
  // So that the next one's rules are known by packets that arrive.
  await cleanNode(node.bed);
  const posted = node.api
    .events()
    .slice(events)
    .map(({ reason, regarding }) => `${reason} ${regarding.kind} ${regarding.name}`);
  return { metrics, answers: { serviceHealth, usual, leaving, posted } };
}

test.each(MODES)('P12: %s', async (mode) => {
  await node.api.put(
    'services',
    service('a/lb', '10.96.0.12', {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: HEALTH_PORT,
      ports: [{ name: 'p', port: 80, protocol: 'TCP', nodePort: 30_081 }],
    }),
  );
  const stock = await shown(STOCK, mode);
  const ours = await shown(OURS, mode);
  expect(ours.answers).toEqual(stock.answers);
  expect(ours.answers.posted).toContain('Starting Node n1');
  const have = series(ours.metrics);
  const missing = [...series(stock.metrics)].filter((one) => !have.has(one));
  expect(missing.filter((one) => !NOT_OURS.includes(one.replace(/\{.*/, '')))).toEqual([]);
});
