/**
 * The packet table: Services and their endpoints, and for packets from every kind of place to every kind of destination
 * who answers and which source address the endpoint sees. The same table holds for iptables and nftables, ours and stock.
 */
import type { EndpointSlice, Service } from '../../api/types.ts';
import type { Family } from '../model/address.ts';
import { endpoint, service, slice } from './objects.ts';
import type { Host } from './test_bed.ts';
import { CLIENT, CLIENT_B, FAR, HOSTS6, NODE, NODE_AT_FAR, NODE_AT_PODS, POD1, POD2 } from './test_bed.ts';

/** Where a packet comes from; `clientB`: the client by its second address. */
export type Source = 'client' | 'clientB' | 'node' | 'pod1' | 'pod2' | 'far';

/**
 * Where it goes: the cluster IP, a node port at the node's main address, an external IP, an address of the load balancer; a
 * node port at another address of the node or at loopback; a port of the cluster IP that the Service has not.
 */
export type Destination =
  'vip' | 'nodePort' | 'externalIP' | 'lbIP' | 'nodePortAtPods' | 'nodePortAtLoopback' | 'unusedPort';

/**
 * What becomes of it: `refused` at once, no answer (`timeout`), or the answerers, separated by commas, and whether they see
 * the source's `own` address or the node's (`masq`). A pod that answers itself always sees the node's. `sticky`: always
 * the same one of them.
 */
export type Outcome = string;

type BySource = Partial<Record<Source | 'pod' | 'all', Outcome>>;

export interface Situation {
  readonly name: string;
  readonly spec?: Partial<Service['spec']>;
  /** `pod1`, `far draining`, ...: host and state (`ready` when left out; `draining`, `gone`, `unready`). */
  readonly endpoints: readonly string[];
  /** Hints of each endpoint by host: zones or nodes. */
  readonly zones?: Readonly<Partial<Record<Host, readonly string[]>>>;
  readonly nodes?: Readonly<Partial<Record<Host, readonly string[]>>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly sliceLabels?: Readonly<Record<string, string>>;
  readonly ipMode?: 'VIP' | 'Proxy';
  readonly expect: Readonly<Partial<Record<Destination | 'external', BySource>>>;
}

/** One probe of the table. */
export interface PacketCase {
  readonly title: string;
  readonly host: Host;
  readonly from: string | undefined;
  readonly protocol: 'tcp' | 'udp';
  readonly to: string;
  readonly port: number;
  readonly outcome: Outcome;
  readonly source: Source;
}

const EXTERNAL: readonly Destination[] = ['nodePort', 'externalIP', 'lbIP'];
const SOURCES: readonly Source[] = ['client', 'node', 'pod1', 'pod2', 'far'];
const IP: Readonly<Record<Host, Readonly<Record<Family, string>>>> = {
  client: { IPv4: CLIENT, IPv6: HOSTS6.client },
  node: { IPv4: NODE, IPv6: HOSTS6.node },
  pod1: { IPv4: POD1, IPv6: HOSTS6.pod1 },
  pod2: { IPv4: POD2, IPv6: HOSTS6.pod2 },
  far: { IPv4: FAR, IPv6: HOSTS6.far },
};
const TARGET_PORT = 8080;

/** Address of a place in the test bed. */
export function addressOf(source: Source, family: Family): string {
  if (source === 'clientB') return family === 'IPv4' ? CLIENT_B : HOSTS6.clientB;
  return IP[source][family];
}

/** The node's address towards an endpoint: what the endpoint sees of a masqueraded packet. */
export function nodeAddressTowards(answerer: string, family: Family): string {
  if (answerer === 'far') return family === 'IPv4' ? NODE_AT_FAR : HOSTS6.nodeAtFar;
  return family === 'IPv4' ? NODE_AT_PODS : HOSTS6.nodeAtPods;
}

interface Places {
  readonly vip: string;
  readonly externalIP: string;
  readonly lbIP: string;
  readonly nodePort: number;
}

/** Addresses of the n-th situation. */
function places(n: number, family: Family): Places {
  const four = family === 'IPv4';
  return {
    vip: four ? `10.96.1.${n + 1}` : `fd00:96::1:${n + 1}`,
    externalIP: four ? `192.0.2.${n + 1}` : `2001:db8:1::${n + 1}`,
    lbIP: four ? `203.0.113.${n + 1}` : `2001:db8:2::${n + 1}`,
    nodePort: (four ? 30_000 : 30_500) + n,
  };
}

/** The Services and slices of the situations in one family. */
export function objectsOf(
  situations: readonly Situation[],
  family: Family,
): { readonly services: Service[]; readonly slices: EndpointSlice[] } {
  const services: Service[] = [];
  const slices: EndpointSlice[] = [];
  const suffix = family === 'IPv4' ? '4' : '6';
  for (const [
    n,
    { spec = {}, endpoints, zones, nodes, labels, sliceLabels, ipMode },
  ] of situations.entries()) {
    const at = places(n, family);
    const name = `s${n}-${suffix}`;
    const ports = (['TCP', 'UDP'] as const).map((protocol) => ({
      name: protocol.toLowerCase(),
      port: 80,
      protocol,
      targetPort: TARGET_PORT,
      ...(spec.type === 'ClusterIP' ||
      spec.type === 'ExternalName' ||
      spec.allocateLoadBalancerNodePorts === false
        ? {}
        : { nodePort: at.nodePort }),
    }));
    const ingress = { ip: at.lbIP, ipMode: ipMode ?? 'VIP' };
    const own =
      spec.type === 'ClusterIP' || spec.type === 'ExternalName' ? {} : { externalIPs: [at.externalIP] };
    services.push(
      service(
        `t/${name}`,
        at.vip,
        {
          type: 'LoadBalancer',
          ports,
          ipFamilies: [family],
          ipFamilyPolicy: 'SingleStack',
          ...DEFAULTS,
          ...own,
          ...spec,
        },
        {
          status: { loadBalancer: spec.type === 'ClusterIP' ? {} : { ingress: [ingress] } },
          metadata: { name, ...(labels === undefined ? {} : { labels }) },
        },
      ),
    );
    const list = endpoints.map((text) => {
      const [host = '', state = 'ready'] = text.split(' ');
      if (!isHost(host)) throw new TypeError(`no such host: ${host}`);
      const node = host === 'far' ? 'n2' : 'n1';
      return {
        ...endpoint(`${IP[host][family]}@${node}`, CONDITIONS[state]),
        ...hintsOf(zones?.[host], nodes?.[host]),
      };
    });
    const slicePorts = (['TCP', 'UDP'] as const).map((protocol) => ({
      name: protocol.toLowerCase(),
      protocol,
      port: TARGET_PORT,
    }));
    // In two slices, as a rollout or a large Service has it.
    const extra = {
      addressType: family,
      metadata: { name, ...(sliceLabels === undefined ? {} : { labels: sliceLabels }) },
    };
    const half = Math.ceil(list.length / 2);
    slices.push(slice(`t/${name}-a`, name, list.slice(0, half), slicePorts, extra));
    slices.push(slice(`t/${name}-b`, name, list.slice(half), slicePorts, extra));
  }
  return { services, slices };
}

/** What the apiserver fills in; stock relies on it. */
const DEFAULTS: Partial<Service['spec']> = {
  internalTrafficPolicy: 'Cluster',
  externalTrafficPolicy: 'Cluster',
  sessionAffinity: 'None',
  sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
};

const CONDITIONS: Readonly<Record<string, NonNullable<Parameters<typeof endpoint>[1]>>> = {
  ready: { ready: true, serving: true, terminating: false },
  draining: { ready: false, serving: true, terminating: true },
  gone: { ready: false, serving: false, terminating: true },
  unready: { ready: false, serving: false, terminating: false },
};

function hintsOf(zones: readonly string[] | undefined, nodes: readonly string[] | undefined): object {
  if (zones === undefined && nodes === undefined) return {};
  const named = (names: readonly string[]): Array<{ name: string }> => names.map((name) => ({ name }));
  return {
    hints: {
      ...(zones === undefined ? {} : { forZones: named(zones) }),
      ...(nodes === undefined ? {} : { forNodes: named(nodes) }),
    },
  };
}

function isHost(text: string): text is Host {
  return text in IP;
}

/** All probes of the situations. */
export function casesOf(situations: readonly Situation[], family: Family): PacketCase[] {
  const cases: PacketCase[] = [];
  for (const [n, situation] of situations.entries()) {
    for (const [where, bySource] of Object.entries(situation.expect)) {
      // What is named alone counts before what is named among all external places.
      const others = EXTERNAL.filter((kind) => situation.expect[kind] === undefined);
      const kinds = where === 'external' ? others : [where];
      for (const kind of kinds) {
        if (kind === 'nodePortAtLoopback' && family === 'IPv6') continue;
        const to = target(kind, places(n, family), family);
        for (const [source, outcome] of bySourceOf(bySource)) {
          for (const protocol of ['tcp', 'udp'] as const) {
            cases.push({
              title: `${situation.name}: ${family} ${protocol} from ${source} to ${kind}`,
              host: source === 'clientB' ? 'client' : source,
              from: source === 'clientB' ? addressOf(source, family) : undefined,
              protocol,
              ...to,
              outcome,
              source,
            });
          }
        }
      }
    }
  }
  return cases;
}

function target(kind: string, at: Places, family: Family): { readonly to: string; readonly port: number } {
  switch (kind) {
    case 'vip':
      return { to: at.vip, port: 80 };
    case 'unusedPort':
      return { to: at.vip, port: 79 };
    case 'externalIP':
      return { to: at.externalIP, port: 80 };
    case 'lbIP':
      return { to: at.lbIP, port: 80 };
    case 'nodePortAtPods':
      return { to: nodeAddressTowards('pod1', family), port: at.nodePort };
    case 'nodePortAtLoopback':
      return { to: '127.0.0.1', port: at.nodePort };
    default:
      return { to: addressOf('node', family), port: at.nodePort };
  }
}

// The more exactly named counts: pod1 before pod before all.
function bySourceOf(bySource: BySource): Array<readonly [Source, Outcome]> {
  const sources: readonly Source[] = 'clientB' in bySource ? [...SOURCES, 'clientB'] : SOURCES;
  return sources.flatMap((source) => {
    const group = source.startsWith('pod') ? bySource.pod : undefined;
    const outcome = bySource[source] ?? group ?? bySource.all;
    // A pod of another node is served by that node's proxy: this one does not look after its way to itself.
    if (outcome === undefined || (source === 'far' && /\bfar\b/.test(outcome))) return [];
    return [[source, outcome] as const];
  });
}
