/** What the stock scheduler and ours are configured with alike: several profiles, and an extender. */

/** Pods that request it are the extender's. */
export const EXTENDER_RESOURCE = 'example.com/rack-licence';

const GPU = 'example.com/gpu';
const ZONE = 'topology.kubernetes.io/zone';

const PROFILES = [
  { schedulerName: 'default-scheduler' },
  {
    schedulerName: 'packing',
    plugins: { score: { disabled: [{ name: 'ImageLocality' }] } },
    pluginConfig: [
      {
        name: 'NodeResourcesFit',
        args: {
          scoringStrategy: {
            type: 'MostAllocated',
            resources: [
              { name: 'cpu', weight: 3 },
              { name: 'memory', weight: 1 },
              { name: GPU, weight: 5 },
            ],
          },
        },
      },
      {
        name: 'InterPodAffinity',
        args: { hardPodAffinityWeight: 40, ignorePreferredTermsOfExistingPods: true },
      },
      {
        name: 'PodTopologySpread',
        args: {
          defaultingType: 'List',
          defaultConstraints: [{ topologyKey: ZONE, maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' }],
        },
      },
    ],
  },
  {
    schedulerName: 'shaped',
    pluginConfig: [
      {
        name: 'NodeResourcesFit',
        args: {
          scoringStrategy: {
            type: 'RequestedToCapacityRatio',
            resources: [
              { name: 'memory', weight: 2 },
              { name: 'cpu', weight: 1 },
              { name: GPU, weight: 3 },
            ],
            requestedToCapacityRatio: {
              shape: [
                { utilization: 10, score: 3 },
                { utilization: 45, score: 10 },
                { utilization: 90, score: 0 },
              ],
            },
          },
        },
      },
      {
        name: 'NodeResourcesBalancedAllocation',
        args: { resources: ['cpu', 'memory', GPU].map((name) => ({ name, weight: 1 })) },
      },
      {
        name: 'NodeAffinity',
        args: {
          addedAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: ZONE, operator: 'NotIn', values: ['z3'] }] }],
            },
            preferredDuringSchedulingIgnoredDuringExecution: [
              {
                weight: 20,
                preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] },
              },
            ],
          },
        },
      },
    ],
  },
  {
    schedulerName: 'bare',
    plugins: {
      multiPoint: {
        disabled: ['PodTopologySpread', 'InterPodAffinity', 'DefaultPreemption'].map((name) => ({ name })),
      },
      score: {
        disabled: [{ name: 'TaintToleration' }],
        enabled: [{ name: 'TaintToleration', weight: 7 }],
      },
    },
    pluginConfig: [{ name: 'NodeResourcesFit', args: { ignoredResources: [GPU] } }],
  },
];

/** Names that pods may ask for beside the default. */
export const OTHER_SCHEDULERS = ['packing', 'shaped', 'bare'] as const;

/** @param extenderUrl of a {@link TestExtender} */
export function schedulerConfig(extenderUrl: string): object {
  return {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
    profiles: PROFILES,
    extenders: [
      {
        urlPrefix: extenderUrl,
        filterVerb: 'filter',
        prioritizeVerb: 'prioritize',
        weight: 3,
        // Else the stock scheduler scores nodes as if no pod ran on them: it takes those that the extender sends back.
        nodeCacheCapable: true,
        managedResources: [{ name: EXTENDER_RESOURCE, ignoredByScheduler: true }],
      },
    ],
  };
}
