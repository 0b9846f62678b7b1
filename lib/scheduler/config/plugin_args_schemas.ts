/** What the arguments of the in-tree plugins look like, by kind. */
import { labelKeyProblem } from '../../api/label_syntax.ts';
import type { ConfigKind } from '../../component/config/document.ts';
import type { Infer } from '../../component/config/schema.ts';
import {
  boolean,
  choice,
  duration,
  integer,
  list,
  object,
  optional,
  refine,
  string,
  withDefault,
} from '../../component/config/schema.ts';
import { MAX_SHAPE_SCORE } from '../plugins/scoring_strategy.ts';

export const ARGS_VERSION = 'kubescheduler.config.k8s.io/v1';

function kind<T>(plugin: string, schema: ConfigKind<T>['schema']): ConfigKind<T> {
  return { apiVersion: ARGS_VERSION, kind: `${plugin}Args`, schema };
}

const resourceName = refine(string(), 'the name of a resource', (s) => s !== '');
const CPU_AND_MEMORY = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];
const shape = list(
  object({
    utilization: integer({ min: 0, max: 100 }),
    score: integer({ min: 0, max: MAX_SHAPE_SCORE }),
  }),
);
/** Of the score by utilization: by NodeResourcesFit and VolumeBinding. */
export type Shape = Infer<typeof shape>;

/** Weight 0 is that of a weight left out. */
const weight = (max: number) => {
  const schema = withDefault(integer({ min: 0, max }), 1);
  const decode: typeof schema.decode = (value, path, problems) => schema.decode(value, path, problems) || 1;
  return { ...schema, decode };
};

export const FIT = kind(
  'NodeResourcesFit',
  object({
    ignoredResources: withDefault(
      list(refine(string(), 'the name of a resource', (s) => labelKeyProblem(s) === undefined)),
      [],
    ),
    ignoredResourceGroups: withDefault(
      list(
        refine(
          string(),
          'the prefix of a resource name, without a slash',
          (s) => !s.includes('/') && labelKeyProblem(s) === undefined,
        ),
      ),
      [],
    ),
    scoringStrategy: withDefault(
      object({
        type: choice(['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio']),
        resources: withDefault(list(object({ name: resourceName, weight: weight(100) })), CPU_AND_MEMORY),
        requestedToCapacityRatio: optional(object({ shape: withDefault(shape, []) })),
      }),
      { type: 'LeastAllocated', resources: CPU_AND_MEMORY, requestedToCapacityRatio: undefined },
    ),
  }),
);

export const BALANCED = kind(
  'NodeResourcesBalancedAllocation',
  object({
    resources: withDefault(list(object({ name: resourceName, weight: weight(1) })), CPU_AND_MEMORY),
  }),
);

const expression = object({
  key: string(),
  operator: string({ oneOf: ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'] }),
  values: withDefault(list(string()), []),
});
const term = object({
  matchExpressions: withDefault(list(expression), []),
  matchFields: withDefault(list(expression), []),
});
export type NodeSelectorTermArgs = Infer<typeof term>;

export const AFFINITY = kind(
  'NodeAffinity',
  object({
    addedAffinity: optional(
      object({
        requiredDuringSchedulingIgnoredDuringExecution: optional(object({ nodeSelectorTerms: list(term) })),
        preferredDuringSchedulingIgnoredDuringExecution: optional(
          list(object({ weight: integer({ min: 1, max: 100 }), preference: term })),
        ),
      }),
    ),
  }),
);

export const PREEMPTION = kind(
  'DefaultPreemption',
  object({
    minCandidateNodesPercentage: withDefault(integer({ min: 0, max: 100 }), 10),
    minCandidateNodesAbsolute: withDefault(integer({ min: 0 }), 100),
  }),
);

export const INTER_POD_AFFINITY = kind(
  'InterPodAffinity',
  object({
    hardPodAffinityWeight: withDefault(integer({ min: 0, max: 100 }), 1),
    ignorePreferredTermsOfExistingPods: withDefault(boolean(), false),
  }),
);

export const VOLUME_BINDING = kind(
  'VolumeBinding',
  object({
    bindTimeoutSeconds: withDefault(integer({ min: 0 }), 600),
    /** Only with the feature gate StorageCapacityScoring. */
    shape: optional(shape),
  }),
);

export const SPREAD = kind(
  'PodTopologySpread',
  object({
    defaultConstraints: withDefault(
      list(
        object({
          topologyKey: refine(
            string(),
            'the key of a node label',
            (s) => s !== '' && labelKeyProblem(s) === undefined,
          ),
          maxSkew: integer({ min: 1 }),
          whenUnsatisfiable: string({ oneOf: ['DoNotSchedule', 'ScheduleAnyway'] }),
          minDomains: optional(integer({ min: 1 })),
          nodeAffinityPolicy: optional(string({ oneOf: ['Honor', 'Ignore'] })),
          nodeTaintsPolicy: optional(string({ oneOf: ['Honor', 'Ignore'] })),
          // Checked, and without effect as in stock: which pods count is told by those that own the pod.
          matchLabelKeys: optional(list(string())),
        }),
      ),
      [],
    ),
    defaultingType: withDefault(choice(['System', 'List']), 'System'),
  }),
);

/** Of a plugin whose work is still to come: checked, and without effect. */
export const DYNAMIC_RESOURCES = kind(
  'DynamicResources',
  object({
    filterTimeout: withDefault(duration({ min: 0 }), 10_000),
    bindingTimeout: withDefault(duration({ min: 1000 }), 600_000),
  }),
);
