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
        disabled: ['TaintToleration', 'NodeAffinity'].map((name) => ({ name })),
        // A weight left out is 1, not the usual one.
        enabled: [{ name: 'TaintToleration', weight: 7 }, { name: 'NodeAffinity' }],
      },
      // Which of several refusals is told is a matter of their order.
      filter: { enabled: ['NodeResourcesFit', 'NodePorts'].map((name) => ({ name })) },
    },
    pluginConfig: [{ name: 'NodeResourcesFit', args: { ignoredResources: [GPU] } }],
  },
];

/** Names that pods may ask for beside the default. */
export const OTHER_SCHEDULERS = ['packing', 'shaped', 'bare'] as const;

/** With StorageCapacityScoring, one profile prefers nodes with little room left, the others those with much. */
const STORAGE = {
  name: 'VolumeBinding',
  args: {
    shape: [
      { utilization: 0, score: 0 },
      { utilization: 30, score: 7 },
      { utilization: 100, score: 10 },
    ],
  },
};

/**
 * @param extenderUrl of a {@link TestExtender}
 * @param gates feature gates that are on
 */
export function schedulerConfig(extenderUrl: string, gates: readonly string[] = []): object {
  const profiles = PROFILES.map((profile) =>
    gates.includes('StorageCapacityScoring') && profile.schedulerName === 'shaped'
      ? { ...profile, pluginConfig: [...(profile.pluginConfig ?? []), STORAGE] }
      : profile,
  );
  return {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
    profiles,
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
