/**
 * Decides, for one Service port, which endpoints get its traffic and what happens to the rest: pure, the same for every
 * back end. (KEP-2086 internal traffic policy, KEP-1669 terminating endpoints, KEP-2433/KEP-3015 topology hints.)
 */
import type { Frontend } from './frontends.ts';
import { frontendKey, frontendsOf } from './frontends.ts';
import type { Endpoint, ServicePort } from './service_port.ts';
import { isExternallyReachable } from './service_port.ts';
import { sameList } from '../../base/same_list.ts';

/** What becomes of packets that arrive at a frontend. */
export type Verdict =
  /** spread over the endpoints of the cluster */
  | 'cluster'
  /** spread over the endpoints of this node */
  | 'local'
  /** refused with an ICMP error: nobody answers anywhere */
  | 'reject'
  /** dropped: somebody answers, but the policy forbids to go to another node */
  | 'drop';

export interface LeftOut {
  readonly endpoint: Endpoint;
  readonly reason: string;
}

/** The rules of one Service port, independent of the packet filter that carries them out. */
export interface ServicePlan {
  readonly port: ServicePort;
  /** Endpoints for the Cluster policy. */
  readonly cluster: readonly Endpoint[];
  /** Endpoints for the Local policy. */
  readonly local: readonly Endpoint[];
  /** Endpoints that any frontend uses: `cluster` and `local`, each once. */
  readonly reachable: readonly Endpoint[];
  /** Traffic to the cluster IP. */
  readonly internal: Verdict;
  /** Traffic from outside to node ports, external and load balancer addresses. */
  readonly external: Verdict;
  /** Frontends that this Service port has, in order. */
  readonly frontends: readonly Frontend[];
  /** Frontends that it asked for and another Service has, with that Service. */
  readonly contested: ReadonlyArray<{ readonly frontend: Frontend; readonly owner: string }>;
  /** Endpoints that get no traffic, and why. */
  readonly leftOut: readonly LeftOut[];
}

/** What the plan depends on besides the Service and its endpoints. */
export interface PlanContext {
  readonly nodeName: string;
  /** `topology.kubernetes.io/zone` of the node, if it has one. */
  readonly zone: string | undefined;
  /** Which Service port has a frontend ({@link FrontendClaims.ownerOf}). */
  readonly ownerOf: (key: string) => string | undefined;
}

/** @param endpoints all endpoints of the port, each address once, in the order in which rules shall have them */
export function planServicePort(
  port: ServicePort,
  endpoints: readonly Endpoint[],
  context: PlanContext,
): ServicePlan {
  const externally = isExternallyReachable(port);
  // Even with external policy Local, pods and the node itself reach external addresses by the Cluster endpoints.
  const usesCluster = !port.internalPolicyLocal || externally;
  const usesLocal = port.internalPolicyLocal || (port.externalPolicyLocal && externally);

  const ready = endpoints.filter((e) => e.ready);
  const draining = endpoints.filter((e) => e.serving && e.terminating);
  const hinted = usesCluster ? byTopology(ready, context) : { endpoints: [], reason: '' };
  const cluster = !usesCluster ? [] : ready.length > 0 ? hinted.endpoints : draining;
  const localReady = usesLocal ? ready.filter((e) => e.isLocal) : [];
  const local = !usesLocal ? [] : localReady.length > 0 ? localReady : draining.filter((e) => e.isLocal);
  const used = new Set([...cluster, ...local]);
  const anywhere = ready.length > 0 || draining.length > 0;

  const verdict = (policyLocal: boolean): Verdict => {
    if (!anywhere) return 'reject';
    if (!policyLocal) return 'cluster';
    return local.length > 0 ? 'local' : 'drop';
  };
  const { owned, contested } = claimed(port, context);
  const reachable = endpoints.filter((e) => used.has(e));
  const compactCluster = compact(cluster);
  return {
    port,
    cluster: compactCluster,
    local: compact(local),
    reachable: sameList(reachable, compactCluster) ? compactCluster : compact(reachable),
    internal: verdict(port.internalPolicyLocal),
    external: verdict(port.externalPolicyLocal),
    frontends: compact(owned),
    contested: compact(contested),
    leftOut: compact(
      endpoints
        .filter((e) => !used.has(e))
        .map((endpoint) => ({
          endpoint,
          reason: whyLeftOut(endpoint, ready.length > 0, usesCluster, hinted.reason),
        })),
    ),
  };
}

const NONE: readonly never[] = [];

/** The list without room to grow, of which V8 gives 16 places to any list that was filled; one list for all empty ones. */
export function compact<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NONE : list.slice();
}

function claimed(
  port: ServicePort,
  context: PlanContext,
): { owned: Frontend[]; contested: ServicePlan['contested'] } {
  const owned: Frontend[] = [];
  const contested: Array<{ frontend: Frontend; owner: string }> = [];
  const seen = new Set<string>();
  for (const frontend of frontendsOf(port)) {
    const key = frontendKey(port.protocol, frontend);
    const owner = context.ownerOf(key);
    if (owner !== undefined && owner !== port.id) contested.push({ frontend, owner });
    else if (!seen.has(key)) owned.push(frontend);
    seen.add(key);
  }
  return { owned, contested };
}

// Hints count only when every ready endpoint has them and some are for us: otherwise traffic would be lost or piled up.
function byTopology(
  ready: readonly Endpoint[],
  { nodeName, zone }: PlanContext,
): { endpoints: readonly Endpoint[]; reason: string } {
  const forNode = ready.filter((e) => e.forNodes?.includes(nodeName));
  if (forNode.length > 0 && ready.every((e) => (e.forNodes?.length ?? 0) > 0)) {
    return { endpoints: forNode, reason: `hinted for other nodes than ${nodeName}` };
  }
  if (zone !== undefined) {
    const forZone = ready.filter((e) => e.forZones?.includes(zone));
    if (forZone.length > 0 && ready.every((e) => (e.forZones?.length ?? 0) > 0)) {
      return { endpoints: forZone, reason: `hinted for other zones than ${zone}` };
    }
  }
  return { endpoints: ready, reason: '' };
}

function whyLeftOut(endpoint: Endpoint, anyReady: boolean, usesCluster: boolean, hintReason: string): string {
  if (!endpoint.ready) {
    if (!endpoint.serving) return endpoint.terminating ? 'terminating and no longer serving' : 'not ready';
    if (endpoint.terminating) {
      return anyReady
        ? 'terminating, and others are ready'
        : 'terminating, on another node (traffic policy Local)';
    }
    return 'not ready';
  }
  if (!usesCluster) return 'on another node (traffic policy Local)';
  return hintReason;
}
