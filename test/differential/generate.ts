/** Clusters and pods by chance, dense in features that meet each other. */
import type { NewObject } from '../../lib/client/client.ts';
import type { Node, Pod, PodDisruptionBudget, PodSpec, Service } from '../../lib/api/types.ts';
import { Random } from './random.ts';
import type { Storage } from './generate_storage.ts';
import { CLAIMS, claimNames, generateStorage, NO_STORAGE } from './generate_storage.ts';

/** Existing in every case. */
export const NAMESPACES: readonly {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}[] = [
  { name: 'team-a', labels: { team: 'a', tier: 'x' } },
  { name: 'team-b', labels: { team: 'b', tier: 'x' } },
  { name: 'team-c', labels: { team: 'c' } },
];
const NAMES = ['team-a', 'team-b', 'team-c'] as const;

/** One cluster with the pods that are to be placed in it, one after the other. */
export interface Case {
  readonly seed: number;
  readonly nodes: readonly NewObject<Node>[];
  readonly services: readonly NewObject<Service>[];
  readonly budgets: readonly NewObject<PodDisruptionBudget>[];
  /** With `spec.nodeName`. */
  readonly placed: readonly NewObject<Pod>[];
  readonly incoming: readonly NewObject<Pod>[];
  readonly storage: Storage;
}

const HOST = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';
const APPS = ['web', 'db', 'job'] as const;
const TIERS = ['front', 'back'] as const;
const KEYS = [HOST, ZONE, 'rack'] as const;

/** What a case is rich in; anything else still comes up now and then. */
type Theme = 'plain' | 'affinity' | 'spread' | 'preemption' | 'mixed' | 'volumes';
const THEMES = ['plain', 'affinity', 'spread', 'preemption', 'mixed', 'volumes'] as const;

/** @param wanted what the case is to be rich in; default: that is left to the seed */
export function generateCase(seed: number, wanted?: Theme): Case {
  const r = new Random(seed);
  const theme: Theme = wanted ?? r.pick(THEMES);
  const imageBytes = r.between(30, 1500) * 1024 * 1024;
  const nodes = Array.from({ length: r.between(1, 10) }, (_, i) => generateNode(r, i, theme, imageBytes));
  const names = nodes.map((n) => n.metadata.name ?? '');
  const crowded = theme === 'preemption';
  const placed = Array.from({ length: r.between(0, crowded ? 25 : 16) }, (_, i) => {
    const pod = generatePod(r, `placed-${i}`, theme, true);
    const [first = '', ...others] = names;
    const spec = { ...pod.spec, nodeName: r.pick([first, ...others]) };
    return { ...pod, spec, status: { startTime: startTime(r.between(0, 1e6), i) } };
  });
  const incoming = Array.from({ length: r.between(1, 5) }, (_, i) =>
    generatePod(r, `new-${i}`, theme, false),
  );
  const storage =
    theme === 'volumes'
      ? generateStorage(
          r,
          names,
          NAMES.map((namespace) => [namespace, claimNames()] as const),
        )
      : NO_STORAGE;
  return {
    seed,
    nodes,
    services: r.chance(0.3) ? [generateService(r)] : [],
    budgets:
      crowded || r.chance(0.1) ? Array.from({ length: r.between(0, 3) }, (_, i) => generateBudget(r, i)) : [],
    placed,
    incoming,
    storage,
  };
}

/** Different for every `i`: the stock scheduler takes pods that started at the same time in any order. */
export function startTime(second: number, i: number): string {
  return new Date(Date.UTC(2026, 0, 1) + (second * 100 + i) * 1000).toISOString().replace('.000', '');
}

function generateNode(r: Random, i: number, theme: Theme, imageBytes: number): NewObject<Node> {
  const name = `n${i}`;
  const labels: Record<string, string> = { [HOST]: name };
  if (r.chance(0.9)) labels[ZONE] = `z${r.between(1, 3)}`;
  if (r.chance(0.6)) labels['rack'] = `r${r.between(1, 4)}`;
  if (r.chance(0.5)) labels['disk'] = r.pick(['ssd', 'hdd']);
  if (r.chance(0.3)) labels['size'] = String(r.between(1, 9));
  const taints: { key: string; value: string; effect: string }[] = [];
  if (r.chance(0.15)) taints.push({ key: 'dedicated', value: r.pick(['x', 'y']), effect: 'NoSchedule' });
  if (r.chance(0.15)) taints.push({ key: 'slow', value: 'yes', effect: 'PreferNoSchedule' });
  if (r.chance(0.1)) taints.push({ key: 'slower', value: 'very', effect: 'PreferNoSchedule' });
  if (r.chance(0.05)) taints.push({ key: 'leaving', value: 'soon', effect: 'NoExecute' });
  const tight = theme === 'preemption';
  const allocatable: Record<string, string> = {
    cpu: tight ? r.pick(['1', '2', '1500m']) : r.pick(['1', '2', '4', '8', '3900m']),
    memory: tight ? r.pick(['1Gi', '2Gi']) : r.pick(['1Gi', '2Gi', '8Gi', '15Gi']),
    pods: r.pick(['3', '5', '10', '110', '110']),
    'ephemeral-storage': '20Gi',
  };
  if (r.chance(0.2)) allocatable['example.com/gpu'] = String(r.between(1, 4));
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: { ...(taints.length > 0 ? { taints } : {}), ...(r.chance(0.07) ? { unschedulable: true } : {}) },
    status: {
      allocatable,
      capacity: allocatable,
      ...(r.chance(0.2) ? { images: [{ names: ['registry.example/big:1'], sizeBytes: imageBytes }] } : {}),
    },
  };
}

function generatePod(r: Random, name: string, theme: Theme, isPlaced: boolean): NewObject<Pod> {
  const namespace = r.pick(NAMES);
  const labels: Record<string, string> = {};
  if (r.chance(0.9)) labels['app'] = r.pick(APPS);
  if (r.chance(0.5)) labels['tier'] = r.pick(TIERS);
  if (r.chance(0.3)) labels['version'] = r.pick(['1', '2']);
  const requests: Record<string, string> = {};
  const large = theme === 'preemption' && !isPlaced;
  if (r.chance(0.8))
    requests['cpu'] = large ? r.pick(['500m', '1', '1500m']) : r.pick(['100m', '250m', '500m', '1']);
  if (r.chance(0.7)) requests['memory'] = r.pick(['64Mi', '256Mi', '700Mi']);
  if (r.chance(0.08)) requests['example.com/gpu'] = '1';
  if (r.chance(0.05)) requests['ephemeral-storage'] = r.pick(['1Gi', '15Gi']);
  const affine = theme === 'affinity' ? 0.5 : theme === 'mixed' ? 0.25 : theme === 'preemption' ? 0.1 : 0.03;
  const spreads = theme === 'spread' ? 0.7 : theme === 'mixed' ? 0.35 : theme === 'preemption' ? 0.1 : 0.03;
  const limits = 'example.com/gpu' in requests ? { limits: { 'example.com/gpu': '1' } } : {};
  const spec: PodSpec = {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'c',
        image: r.chance(0.2) ? 'registry.example/big:1' : 'registry.example/small:1',
        ...(Object.keys(requests).length > 0 ? { resources: { requests, ...limits } } : {}),
        ...(r.chance(0.08) ? { ports: [{ containerPort: 80, hostPort: r.pick([8080, 9090]) }] } : {}),
      },
    ],
    ...(r.chance(0.1)
      ? {
          initContainers: [
            { name: 'i', image: 'i', resources: { requests: { cpu: r.pick(['200m', '2']) } } },
          ],
        }
      : {}),
    priority: generatePriority(r, theme, isPlaced),
    ...(!isPlaced && r.chance(0.08) ? { preemptionPolicy: 'Never' } : {}),
    ...generateTolerations(r),
    ...(r.chance(0.12) ? { nodeSelector: { disk: 'ssd' } } : {}),
    ...generateSpread(r, spreads),
    ...(theme === 'volumes' && r.chance(isPlaced ? 0.3 : 0.8) ? { volumes: generateVolumes(r) } : {}),
  };
  const affinity = { ...generateNodeAffinity(r), ...generatePodAffinity(r, affine) };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels },
    spec: Object.keys(affinity).length > 0 ? { ...spec, affinity } : spec,
  };
}

function generateVolumes(r: Random): NonNullable<PodSpec['volumes']> {
  const names = new Set(Array.from({ length: r.between(1, 2) }, () => `claim-${r.between(0, CLAIMS)}`));
  return Array.from(names, (claimName, i) => ({ name: `v${i}`, persistentVolumeClaim: { claimName } }));
}

function generatePriority(r: Random, theme: Theme, isPlaced: boolean): number {
  if (theme === 'preemption') return isPlaced ? r.pick([-10, 0, 0, 5, 100]) : r.pick([0, 50, 1000, 1000]);
  return r.chance(0.9) ? 0 : r.pick([-1, 10]);
}

function generateTolerations(r: Random): Partial<PodSpec> {
  const tolerations = [];
  if (r.chance(0.2)) tolerations.push({ key: 'dedicated', operator: 'Exists' });
  if (r.chance(0.1))
    tolerations.push({ key: 'dedicated', operator: 'Equal', value: 'x', effect: 'NoSchedule' });
  if (r.chance(0.1)) tolerations.push({ key: 'slow', operator: 'Exists', effect: 'PreferNoSchedule' });
  if (r.chance(0.03)) tolerations.push({ operator: 'Exists' });
  return tolerations.length > 0 ? { tolerations } : {};
}

function selector(r: Random) {
  if (r.chance(0.05)) return {};
  if (r.chance(0.2))
    return { matchExpressions: [{ key: 'tier', operator: r.pick(['Exists', 'DoesNotExist']) }] };
  if (r.chance(0.2))
    return {
      matchExpressions: [{ key: 'app', operator: r.pick(['In', 'NotIn']), values: [r.pick(APPS), 'web'] }],
    };
  return { matchLabels: { app: r.pick(APPS) } };
}

function generateSpread(r: Random, probability: number): Partial<PodSpec> {
  if (!r.chance(probability)) return {};
  const used = new Set<string>();
  const constraints = [];
  for (let i = r.between(1, 2); i > 0; i--) {
    const topologyKey = r.pick(KEYS);
    const whenUnsatisfiable = r.pick(['DoNotSchedule', 'ScheduleAnyway']);
    if (used.has(topologyKey + whenUnsatisfiable)) continue;
    used.add(topologyKey + whenUnsatisfiable);
    constraints.push({
      topologyKey,
      whenUnsatisfiable,
      maxSkew: r.between(1, 3),
      labelSelector: selector(r),
      ...(whenUnsatisfiable === 'DoNotSchedule' && r.chance(0.3) ? { minDomains: r.between(1, 4) } : {}),
      ...(r.chance(0.3) ? { nodeAffinityPolicy: r.pick(['Honor', 'Ignore']) } : {}),
      ...(r.chance(0.3) ? { nodeTaintsPolicy: r.pick(['Honor', 'Ignore']) } : {}),
      ...(r.chance(0.2) ? { matchLabelKeys: ['version'] } : {}),
    });
  }
  return { topologySpreadConstraints: constraints };
}

function generateNodeAffinity(r: Random) {
  if (!r.chance(0.15)) return {};
  const expression = () =>
    r.pick([
      { key: 'disk', operator: 'In', values: ['ssd', 'nvme'] },
      { key: 'disk', operator: 'Exists' },
      { key: ZONE, operator: 'NotIn', values: ['z1'] },
      { key: 'size', operator: 'Gt', values: ['4'] },
    ]);
  const required = r.chance(0.5)
    ? { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term()] } }
    : {};
  function term() {
    if (r.chance(0.2)) return { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] };
    return { matchExpressions: [expression()] };
  }
  const preferred = r.chance(0.6)
    ? {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: r.between(1, 100), preference: { matchExpressions: [expression()] } },
        ],
      }
    : {};
  return { nodeAffinity: { ...required, ...preferred } };
}

function generatePodAffinity(r: Random, probability: number) {
  const term = () => ({
    topologyKey: r.pick(KEYS),
    labelSelector: selector(r),
    ...(r.chance(0.2) ? { namespaces: [r.pick(NAMES)] } : {}),
    ...(r.chance(0.25) ? { namespaceSelector: r.pick([{}, { matchLabels: { tier: 'x' } }]) } : {}),
    ...(r.chance(0.1) ? { matchLabelKeys: ['version'] } : {}),
    ...(r.chance(0.05) ? { mismatchLabelKeys: ['tier'] } : {}),
  });
  const side = () => ({
    ...(r.chance(0.5)
      ? {
          requiredDuringSchedulingIgnoredDuringExecution: Array.from({ length: r.chance(0.2) ? 2 : 1 }, term),
        }
      : {}),
    ...(r.chance(0.5)
      ? {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: r.between(1, 100), podAffinityTerm: term() },
          ],
        }
      : {}),
  });
  return {
    ...(r.chance(probability) ? { podAffinity: side() } : {}),
    ...(r.chance(probability) ? { podAntiAffinity: side() } : {}),
  };
}

function generateService(r: Random): NewObject<Service> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: r.pick(NAMES), name: 'service' },
    spec: { selector: { app: r.pick(APPS) }, ports: [{ port: 80 }] },
  };
}

function generateBudget(r: Random, i: number): NewObject<PodDisruptionBudget> {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { namespace: r.pick(NAMES), name: `budget-${i}` },
    spec: { minAvailable: 1, selector: selector(r) },
    status: {
      disruptionsAllowed: r.between(0, 2),
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 1,
    },
  };
}
