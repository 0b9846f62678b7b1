/** The smallest changes after which a pod that waits could be placed: each tried out before it is told. */
import { allContainers } from '../../api/pod.ts';
import { nodeSelectorMatches, requiredNodeSelector } from '../../api/node_selector.ts';
import { formatTaint, SCHEDULING_EFFECTS, untoleratedTaint } from '../../api/taint.ts';
import { tryParseQuantity } from '../../api/quantity.ts';
import type { Container, Pod, Taint } from '../../api/types.ts';
import { NodeInfo } from '../cache/node_info.ts';
import { podResources } from '../cache/pod_resources.ts';
import { CycleState } from '../framework/cycle_state.ts';
import type { Profile } from '../framework/plugin.ts';
import { runFilters } from '../framework/run_filters.ts';
import { isRejected } from '../framework/status.ts';
import type { Status } from '../framework/status.ts';
import { amountText } from '../amount_text.ts';

/** One way out. */
export interface Remedy {
  /** In sentences, one for each thing to do. */
  readonly steps: readonly string[];
  /** On so many nodes the pod could go then. */
  readonly nodes: number;
  /** One of them. */
  readonly example: string;
}

/** What has to be done for the pod to fit on one node. */
interface Repair {
  /** Equal for equal repairs, whatever the node. */
  readonly key: string;
  readonly text: string;
  /** How much is asked for: less is better. */
  readonly cost: number;
  readonly pod: Pod;
  /** Set when the node changes rather than the pod. */
  readonly node?: NodeInfo;
}

interface Way {
  readonly repairs: readonly Repair[];
  readonly node: NodeInfo;
  readonly pod: Pod;
}

/** More than that at once is no small change. */
const MAX_REPAIRS = 3;
/** Of the nodes that were refused for the same reasons so many are looked at closely. */
const MAX_PER_REASON = 25;
const MAX_REMEDIES = 6;

/**
 * @param nodes all of them
 * @param pause awaited now and then, so that scheduling goes on meanwhile
 */
export async function findRemedies(
  pod: Pod,
  nodes: readonly NodeInfo[],
  profile: Profile,
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<readonly Remedy[]> {
  const gates = pod.spec.schedulingGates ?? [];
  const start: Pod = gates.length === 0 ? pod : { ...pod, spec: withoutKey(pod.spec, 'schedulingGates') };
  const first: readonly Repair[] =
    gates.length === 0
      ? []
      : [
          {
            key: 'gates',
            text: `Remove the scheduling gates ${gates.map((g) => g.name).join(', ')}`,
            cost: 1,
            pod: start,
          },
        ];
  const ways = new Map<string, Way>();
  const seen = new Map<string, number>();
  const asked = prepare(start, nodes, profile);
  if (asked === undefined) return [];
  for (const [i, node] of nodes.entries()) {
    if (i % 500 === 499) await pause();
    const refused = asked(node);
    const reason = refused === undefined ? '' : `${refused.plugin ?? ''} ${refused.reasons.join(', ')}`;
    const count = seen.get(reason) ?? 0;
    seen.set(reason, count + 1);
    if (count >= MAX_PER_REASON) continue;
    const way = repaired(start, node, nodes, profile, first);
    if (way === undefined || way.repairs.length === 0) continue;
    const key = way.repairs.map((r) => r.key).join(' + ');
    const known = ways.get(key);
    if (known === undefined || costOf(way) < costOf(known)) ways.set(key, way);
  }
  const best = [...ways.values()].toSorted(
    (a, b) => a.repairs.length - b.repairs.length || costOf(a) - costOf(b),
  );
  const remedies: Remedy[] = [];
  const enough: Way[] = [];
  for (const way of best) {
    if (remedies.length >= MAX_REMEDIES) break;
    // What is done for less already is not worth more.
    if (enough.some((less) => less.repairs.every((r) => way.repairs.some((other) => other.key === r.key))))
      continue;
    await pause();
    const remedy = verified(way, nodes, profile);
    if (remedy === undefined) continue;
    remedies.push(remedy);
    enough.push(way);
  }
  await pause();
  const added = anotherNode(start, nodes, profile, first);
  return added === undefined ? remedies : [...remedies, added];
}

function costOf({ repairs }: Way): number {
  return repairs.reduce((sum, r) => sum + r.cost, 0);
}

/** PreFilter of the pod; what then tells why a node refuses it. Undefined when no node is even looked at. */
function prepare(
  pod: Pod,
  nodes: readonly NodeInfo[],
  profile: Profile,
): ((node: NodeInfo) => Status | undefined) | undefined {
  const state = new CycleState();
  const narrowed: ReadonlySet<string>[] = [];
  for (const plugin of profile.preFilter) {
    let outcome;
    try {
      outcome = plugin.preFilter(state, pod, nodes);
    } catch {
      return undefined; // the pod fails at a plugin, which is told elsewhere
    }
    if (outcome === undefined) continue;
    if (!('code' in outcome)) narrowed.push(outcome.nodeNames);
    else if (outcome.code === 'Skip') state.skippedFilters.add(plugin.name);
    else if (outcome.code !== 'Success') return undefined;
  }
  return (node) =>
    narrowed.some((names) => !names.has(node.name))
      ? { code: 'UnschedulableAndUnresolvable', reasons: ['not among the nodes that a plugin allows'] }
      : runFilters(pod, node, profile, state);
}

/** Mends one refusal after the other until the pod passes on the node. */
function repaired(
  pod: Pod,
  original: NodeInfo,
  nodes: readonly NodeInfo[],
  profile: Profile,
  first: readonly Repair[],
): Way | undefined {
  let current = pod;
  let node = original;
  const repairs = [...first];
  for (;;) {
    const refused = prepare(current, nodes, profile)?.(node);
    if (refused === undefined) return { repairs, node, pod: current };
    if (!isRejected(refused) || repairs.length >= MAX_REPAIRS) return undefined;
    const repair = repairOf(refused, current, node);
    if (repair === undefined) return undefined;
    repairs.push(repair);
    current = repair.pod;
    node = repair.node ?? node;
  }
}

function repairOf({ plugin = '', reasons }: Status, pod: Pod, node: NodeInfo): Repair | undefined {
  switch (plugin) {
    case 'NodeResourcesFit':
      return smallerRequest(reasons, pod, node);
    case 'TaintToleration':
      return tolerated(pod, node);
    case 'NodeUnschedulable':
      return uncordoned(pod, node);
    case 'NodeAffinity':
      return anyNode(pod, node);
    case 'NodePorts':
      return {
        key: 'ports',
        text: 'Give up the host ports, another pod has them',
        cost: 2,
        pod: withContainers(pod, (c) =>
          c.ports === undefined ? c : { ...c, ports: c.ports.map((p) => withoutKey(p, 'hostPort')) },
        ),
      };
    case 'PodTopologySpread':
      return softSpread(pod);
    case 'InterPodAffinity':
      return softAffinity(reasons, pod);
    default:
      return undefined;
  }
}

function smallerRequest(reasons: readonly string[], pod: Pod, node: NodeInfo): Repair | undefined {
  const resource = reasons.find((r) => r.startsWith('Insufficient '))?.slice('Insufficient '.length);
  if (resource === undefined) return undefined; // too many pods: nothing about this one would help
  const asked = podResources(pod).requests.get(resource) ?? 0;
  const free = node.allocatable(resource) - node.requested(resource);
  if (free <= 0 || free >= asked) return undefined;
  const tooMuch = asked - free;
  // From the container that asks for most.
  const amounts = allContainers(pod).map((c) => requestOf(c, resource));
  const most = Math.max(...amounts);
  const which = allContainers(pod)[amounts.indexOf(most)]?.name;
  if (which === undefined || most <= tooMuch) return undefined;
  const left = resource === 'cpu' ? `${most - tooMuch}m` : String(most - tooMuch);
  return {
    key: `request ${resource}`,
    text: `Request ${amountText(resource, free)} ${resource} or less instead of ${amountText(resource, asked)} (container ${which})`,
    cost: 1 + tooMuch / asked,
    pod: withContainers(pod, (c) =>
      c.name === which
        ? { ...c, resources: { ...c.resources, requests: { ...c.resources?.requests, [resource]: left } } }
        : c,
    ),
  };
}

function requestOf({ resources }: Container, resource: string): number {
  const quantity = tryParseQuantity(resources?.requests?.[resource]);
  if (quantity === undefined) return 0;
  return Number(resource === 'cpu' ? quantity.milliValue() : quantity.value());
}

/** Nobody should tolerate by hand what says that a node is not well. */
const SICK = /^node\.kubernetes\.io\/(not-ready|unreachable|network-unavailable|out-of-service)/;

function tolerated(pod: Pod, node: NodeInfo): Repair | undefined {
  const missing: Taint[] = [];
  let tolerations = pod.spec.tolerations ?? [];
  for (;;) {
    const taint = untoleratedTaint(node.taints, tolerations, SCHEDULING_EFFECTS);
    if (taint === undefined) break;
    if (SICK.test(taint.key)) return undefined;
    if (taint.key === 'node.kubernetes.io/unschedulable') return uncordoned(pod, node);
    missing.push(taint);
    const { key, value = '', effect } = taint;
    tolerations = [...tolerations, { key, operator: 'Equal', value, effect }];
  }
  if (missing.length === 0) return undefined;
  const names = missing.map(formatTaint).join(', ');
  return {
    key: `tolerate ${names}`,
    text: `Tolerate the taint ${names}, or remove it from the node`,
    cost: missing.length,
    pod: { ...pod, spec: { ...pod.spec, tolerations } },
  };
}

function uncordoned(pod: Pod, node: NodeInfo): Repair {
  const { unschedulable: _, ...spec } = node.node.spec ?? {};
  const copy = node.clone();
  const taints = (spec.taints ?? []).filter((t) => t.key !== 'node.kubernetes.io/unschedulable');
  copy.setNode({ ...node.node, spec: { ...spec, taints } });
  return { key: 'uncordon', text: `Uncordon node ${node.name}`, cost: 1, pod, node: copy };
}

function anyNode(pod: Pod, node: NodeInfo): Repair | undefined {
  const selector = Object.entries(pod.spec.nodeSelector ?? {});
  const missing = selector.filter(([key, value]) => node.labels[key] !== value);
  if (missing.length > 0) {
    const names = missing.map(([key, value]) => `${key}=${value}`).join(', ');
    const nodeSelector = Object.fromEntries(selector.filter((entry) => !missing.includes(entry)));
    return {
      key: `selector ${names}`,
      text: `Drop ${names} from the nodeSelector, or label a node so`,
      cost: missing.length,
      pod: { ...pod, spec: { ...pod.spec, nodeSelector } },
    };
  }
  const required = requiredNodeSelector(pod.spec.affinity);
  if (required === undefined || nodeSelectorMatches(required, node.node)) return undefined;
  const nodeAffinity = withoutKey(
    pod.spec.affinity?.nodeAffinity ?? {},
    'requiredDuringSchedulingIgnoredDuringExecution',
  );
  return {
    key: 'node affinity',
    text: 'Make the required node affinity a preferred one',
    cost: 2,
    pod: { ...pod, spec: { ...pod.spec, affinity: { ...pod.spec.affinity, nodeAffinity } } },
  };
}

function softSpread(pod: Pod): Repair {
  const constraints = pod.spec.topologySpreadConstraints ?? [];
  const hard = constraints.filter((c) => c.whenUnsatisfiable === 'DoNotSchedule').map((c) => c.topologyKey);
  return {
    key: 'spread',
    text: `Let the spread over ${[...new Set(hard)].join(', ')} be ScheduleAnyway instead of DoNotSchedule`,
    cost: 2,
    pod: {
      ...pod,
      spec: {
        ...pod.spec,
        topologySpreadConstraints: constraints.map((c) => ({
          ...withoutKey(c, 'minDomains'),
          whenUnsatisfiable: 'ScheduleAnyway',
        })),
      },
    },
  };
}

function softAffinity(reasons: readonly string[], pod: Pod): Repair | undefined {
  const { affinity } = pod.spec;
  const anti = reasons.some((r) => r.includes('anti-affinity'));
  const side = anti ? ('podAntiAffinity' as const) : ('podAffinity' as const);
  if (affinity?.[side]?.requiredDuringSchedulingIgnoredDuringExecution === undefined) return undefined; // of other pods
  const soft = withoutKey(affinity[side], 'requiredDuringSchedulingIgnoredDuringExecution');
  return {
    key: side,
    text: `Make the required pod ${anti ? 'anti-affinity' : 'affinity'} a preferred one`,
    cost: 2,
    pod: { ...pod, spec: { ...pod.spec, affinity: { ...affinity, [side]: soft } } },
  };
}

/** Tries the changed pod on every node: it must pass somewhere. */
function verified(way: Way, nodes: readonly NodeInfo[], profile: Profile): Remedy | undefined {
  const steps = way.repairs.map((r) => r.text);
  const asked = prepare(way.pod, nodes, profile);
  if (asked === undefined) return undefined;
  if (way.repairs.some((r) => r.node !== undefined))
    return asked(way.node) === undefined ? { steps, nodes: 1, example: way.node.name } : undefined;
  const passed = nodes.filter((node) => asked(node) === undefined);
  const [example] = passed;
  return example === undefined ? undefined : { steps, nodes: passed.length, example: example.name };
}

/** One more node like one that is there, with nothing on it. */
function anotherNode(
  pod: Pod,
  nodes: readonly NodeInfo[],
  profile: Profile,
  first: readonly Repair[],
): Remedy | undefined {
  const { affinity, topologySpreadConstraints } = pod.spec;
  // Where other pods count, a node that nobody counts yet proves nothing.
  if (affinity?.podAffinity !== undefined || affinity?.podAntiAffinity !== undefined) return undefined;
  if (topologySpreadConstraints !== undefined) return undefined;
  const asked = prepare(pod, nodes, profile);
  const model = nodes.slice(0, 2000).find((node) => asked?.(new NodeInfo(node.node, node.row)) === undefined);
  if (asked === undefined || model === undefined || asked(model) === undefined) return undefined;
  return {
    steps: [...first.map((r) => r.text), `Add a node like ${model.name}, or free one of its kind`],
    nodes: 1,
    example: model.name,
  };
}

function withContainers(pod: Pod, change: (container: Container) => Container): Pod {
  const { containers, initContainers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: containers.map(change),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(change) }),
    },
  };
}

function withoutKey<T extends object, K extends keyof T>(object: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = object;
  return rest;
}
