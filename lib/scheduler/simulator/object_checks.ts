/**
 * What has to hold of objects from files before they are believed. The API server would have checked them; fields that
 * are not listed here do not matter to scheduling and may hold anything.
 */
import { tryParseQuantity } from '../../api/quantity.ts';
import { isObject } from '../../component/config/schema.ts';
import type { Problem } from '../../component/config/schema.ts';

/** Undefined when the value is right; absent values are right unless a field is required. */
export type Check = (value: unknown, path: string) => Problem | undefined;

const wants =
  (what: string, holds: (value: unknown) => boolean): Check =>
  (value, path) =>
    holds(value) ? undefined : { path, message: `got ${shown(value)}, want ${what}` };

const text = wants('a string', (v) => typeof v === 'string');
const filled = wants('a string that is not empty', (v) => typeof v === 'string' && v !== '');
const bool = wants('true or false', (v) => typeof v === 'boolean');
const whole = wants('a whole number', Number.isSafeInteger);
const count = wants('a whole number from 0', (v) => Number.isSafeInteger(v) && Number(v) >= 0);
const amountOrShare = wants(
  'a whole number or a percentage like "50%"',
  (v) => Number.isSafeInteger(v) || (typeof v === 'string' && /^\d+%?$/.test(v)),
);
const quantity = wants('a quantity like "500m" or "1.5Gi"', (v) => tryParseQuantity(v) !== undefined);
const oneOf = (...allowed: readonly string[]): Check =>
  wants(`one of ${allowed.map((a) => `"${a}"`).join(', ')}`, (v) => allowed.some((a) => a === v));

function list(of: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return { path, message: `got ${shown(value)}, want a list` };
    for (const [i, item] of value.entries()) {
      const problem = of(item, `${path}[${i}]`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

function map(of: Check): Check {
  return (value, path) => {
    if (!isObject(value)) return { path, message: `got ${shown(value)}, want an object` };
    for (const [key, item] of Object.entries(value)) {
      const problem = of(item, `${path}.${key}`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

function shape(fields: Readonly<Record<string, Check>>, required: readonly string[] = []): Check {
  return (value, path) => {
    if (!isObject(value)) return { path, message: `got ${shown(value)}, want an object` };
    const below = (field: string): string => (path === '' ? field : `${path}.${field}`);
    for (const field of required)
      if (value[field] === undefined) return { path: below(field), message: 'is required' };
    for (const [field, check] of Object.entries(fields)) {
      if (value[field] === undefined) continue;
      const problem = check(value[field], below(field));
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? 'undefined';
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}

const labels = map(text);
const quantities = map(quantity);
const resources = shape({ requests: quantities, limits: quantities });
const expressions = (...operators: readonly string[]): Check =>
  list(shape({ key: text, operator: oneOf(...operators), values: list(text) }, ['key', 'operator']));
const labelSelector = shape({
  matchLabels: labels,
  matchExpressions: expressions('In', 'NotIn', 'Exists', 'DoesNotExist'),
});
const nodeTerm = shape({
  matchExpressions: expressions('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'),
  matchFields: expressions('In', 'NotIn'),
});
const nodeSelector = shape({ nodeSelectorTerms: list(nodeTerm) }, ['nodeSelectorTerms']);
const podTerm = shape(
  {
    topologyKey: filled,
    labelSelector,
    namespaceSelector: labelSelector,
    namespaces: list(text),
    matchLabelKeys: list(text),
    mismatchLabelKeys: list(text),
  },
  ['topologyKey'],
);
const podTerms = shape({
  requiredDuringSchedulingIgnoredDuringExecution: list(podTerm),
  preferredDuringSchedulingIgnoredDuringExecution: list(
    shape({ weight: whole, podAffinityTerm: podTerm }, ['weight', 'podAffinityTerm']),
  ),
});
const containers = list(
  shape(
    {
      name: filled,
      image: text,
      restartPolicy: text,
      resources,
      ports: list(shape({ hostPort: count, containerPort: count, protocol: text, hostIP: text })),
    },
    ['name'],
  ),
);
const podSpec = shape(
  {
    containers,
    initContainers: containers,
    nodeName: text,
    schedulerName: text,
    priority: whole,
    priorityClassName: text,
    preemptionPolicy: oneOf('Never', 'PreemptLowerPriority'),
    hostNetwork: bool,
    resources,
    overhead: quantities,
    nodeSelector: labels,
    schedulingGates: list(shape({ name: filled }, ['name'])),
    tolerations: list(shape({ key: text, operator: text, value: text, effect: text })),
    affinity: shape({
      nodeAffinity: shape({
        requiredDuringSchedulingIgnoredDuringExecution: nodeSelector,
        preferredDuringSchedulingIgnoredDuringExecution: list(
          shape({ weight: whole, preference: nodeTerm }, ['weight', 'preference']),
        ),
      }),
      podAffinity: podTerms,
      podAntiAffinity: podTerms,
    }),
    topologySpreadConstraints: list(
      shape(
        {
          maxSkew: count,
          minDomains: count,
          topologyKey: filled,
          whenUnsatisfiable: oneOf('DoNotSchedule', 'ScheduleAnyway'),
          nodeAffinityPolicy: oneOf('Honor', 'Ignore'),
          nodeTaintsPolicy: oneOf('Honor', 'Ignore'),
          labelSelector,
          matchLabelKeys: list(text),
        },
        ['maxSkew', 'topologyKey', 'whenUnsatisfiable'],
      ),
    ),
    volumes: list(
      shape(
        {
          name: filled,
          persistentVolumeClaim: shape({ claimName: filled }, ['claimName']),
          ephemeral: shape({ volumeClaimTemplate: shape({ spec: shape({ resources }) }, ['spec']) }),
        },
        ['name'],
      ),
    ),
  },
  ['containers'],
);
const template = shape({ metadata: shape({ labels, annotations: labels }), spec: podSpec }, ['spec']);

export const METADATA = shape(
  {
    name: filled,
    namespace: text,
    uid: text,
    labels,
    annotations: labels,
    creationTimestamp: text,
    deletionTimestamp: text,
    ownerReferences: list(shape({ kind: text, name: text, uid: text, controller: bool }, ['kind', 'name'])),
  },
  ['name'],
);

/** What a node's taint is: also for those that come from the command line. */
export const TAINT_EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const;

/** By kind: what holds beside the metadata. */
export const CHECKS: Readonly<Record<string, Check>> = {
  Node: shape({
    spec: shape({
      unschedulable: bool,
      taints: list(shape({ key: filled, value: text, effect: oneOf(...TAINT_EFFECTS) }, ['key', 'effect'])),
    }),
    status: shape({
      allocatable: quantities,
      capacity: quantities,
      images: list(shape({ names: list(text), sizeBytes: count })),
      conditions: list(shape({ type: text, status: text })),
    }),
  }),
  Pod: shape({ spec: podSpec, status: shape({ phase: text, nominatedNodeName: text, startTime: text }) }, [
    'spec',
  ]),
  Deployment: shape({ spec: shape({ replicas: count, template }, ['template']) }, ['spec']),
  ReplicaSet: shape({ spec: shape({ replicas: count, template }, ['template']) }, ['spec']),
  ReplicationController: shape({ spec: shape({ replicas: count, template }, ['template']) }, ['spec']),
  StatefulSet: shape(
    {
      spec: shape(
        {
          replicas: count,
          template,
          volumeClaimTemplates: list(
            shape({ metadata: shape({ name: filled }, ['name']), spec: shape({ resources }) }, ['metadata']),
          ),
        },
        ['template'],
      ),
    },
    ['spec'],
  ),
  DaemonSet: shape({ spec: shape({ template }, ['template']) }, ['spec']),
  Job: shape({ spec: shape({ parallelism: count, completions: count, template }, ['template']) }, ['spec']),
  PriorityClass: shape(
    { value: whole, globalDefault: bool, preemptionPolicy: oneOf('Never', 'PreemptLowerPriority') },
    ['value'],
  ),
  RuntimeClass: shape({ overhead: shape({ podFixed: quantities }) }),
  PodDisruptionBudget: shape({
    spec: shape({ minAvailable: amountOrShare, maxUnavailable: amountOrShare, selector: labelSelector }),
    status: shape({ disruptionsAllowed: count, currentHealthy: count, desiredHealthy: count }),
  }),
  PersistentVolume: shape({
    spec: shape({
      capacity: quantities,
      accessModes: list(text),
      storageClassName: text,
      claimRef: shape({ name: text, namespace: text }),
      nodeAffinity: shape({ required: nodeSelector }),
    }),
  }),
  PersistentVolumeClaim: shape({
    spec: shape({
      accessModes: list(text),
      storageClassName: text,
      volumeName: text,
      resources,
      selector: labelSelector,
    }),
  }),
  StorageClass: shape({
    provisioner: text,
    volumeBindingMode: oneOf('Immediate', 'WaitForFirstConsumer'),
    allowedTopologies: list(
      shape({ matchLabelExpressions: list(shape({ key: text, values: list(text) }, ['key', 'values'])) }),
    ),
  }),
  Service: shape({ spec: shape({ selector: labels }) }),
  CSINode: shape({
    spec: shape({
      drivers: list(shape({ name: text, topologyKeys: list(text), allocatable: shape({ count }) }, ['name'])),
    }),
  }),
  CSIDriver: shape({ spec: shape({ storageCapacity: bool, attachRequired: bool }) }, ['spec']),
  CSIStorageCapacity: shape({
    storageClassName: text,
    nodeTopology: labelSelector,
    capacity: quantity,
    maximumVolumeSize: quantity,
  }),
  VolumeAttachment: shape({ spec: shape({ attacher: text, nodeName: text }) }, ['spec']),
  Namespace: shape({}),
};
