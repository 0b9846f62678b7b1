import { decodeConfig } from '../../component/config/document.ts';
import { parseFlags } from '../../component/flags.ts';
import { schedulerFlags } from '../flags.ts';
import { implementsPoint } from '../framework/plugin.ts';
import { configOf } from './config_of_flags.ts';
import { enabledPlugins } from './enabled_plugins.ts';
import { completeConfig } from './complete_config.ts';
import type { Gates } from './plugin_args.ts';
import { createProfiles } from './profiles_of_config.ts';
import { nullLog } from '../../base/log.ts';
import type { SchedulerConfig } from './scheduler_config.ts';
import { pluginHandle } from '../testing/plugin_handle.ts';
import { DEFAULT_PROFILE, SCHEDULER_CONFIG_KIND } from './scheduler_config.ts';
import { validate } from './scheduler_config_validation.ts';

const head = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' };

function load(fields: object, gates?: Gates): SchedulerConfig {
  const config = decodeConfig({ ...head, ...fields }, 'test', [SCHEDULER_CONFIG_KIND]);
  validate(config, 'test');
  return completeConfig(config, 'test', gates);
}

/** One profile with these arguments. */
function withArgs(name: string, args: unknown): object {
  return { profiles: [{ pluginConfig: [{ name, args }] }] };
}

function withPlugins(plugins: object): object {
  return { profiles: [{ plugins }] };
}

const scoring = { enabled: (gate: string) => gate === 'StorageCapacityScoring' };
const constraint = { topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' };
/** Arguments of NodeAffinity with one required expression. */
function added(expression: object): object {
  const required = { nodeSelectorTerms: [{ matchExpressions: [expression] }] };
  return withArgs('NodeAffinity', {
    addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required },
  });
}
const AT =
  'addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]';

function ratio(...shape: readonly object[]): object {
  const scoringStrategy = { type: 'RequestedToCapacityRatio', requestedToCapacityRatio: { shape } };
  return { name: 'NodeResourcesFit', args: { scoringStrategy } };
}

test('S2: an empty file has the defaults of the stock scheduler', () => {
  expect(load({})).toMatchObject({
    parallelism: 16,
    podInitialBackoffSeconds: 1,
    podMaxBackoffSeconds: 10,
    leaderElection: {
      leaderElect: true,
      leaseDuration: 15_000,
      renewDeadline: 10_000,
      retryPeriod: 2000,
      resourceName: 'kube-scheduler',
      resourceNamespace: 'kube-system',
    },
    clientConnection: { qps: 50, burst: 100 },
  });
});

describe('S2: what is wrong is named', () => {
  test.each([
    ['unknown field', { profilez: [] }, 'field "profilez": unknown field, did you mean "profiles"?'],
    ['wrong type', { parallelism: 'many' }, 'field "parallelism": got "many", want a whole number from 1'],
    [
      'nested',
      { leaderElection: { leaseDuration: 15 } },
      'field "leaderElection.leaseDuration": got 15, want a duration',
    ],
    [
      'contradiction',
      { leaderElection: { leaseDuration: '5s' } },
      'field "leaderElection.leaseDuration": want more than leaderElection.renewDeadline',
    ],
    ['back-off', { podInitialBackoffSeconds: 20 }, 'field "podMaxBackoffSeconds": got 10, want at least'],
    [
      'extenders',
      { extenders: [{ urlPrefix: 'ftp://x', prioritizeVerb: 'p' }] },
      'field "extenders[0].urlPrefix": got "ftp://x", want a URL that starts with http:// or https://',
    ],
    [
      'same name twice',
      { profiles: [{ schedulerName: 'a' }, { schedulerName: 'a' }] },
      'field "profiles[1].schedulerName": got "a", which profiles[0] has already',
    ],
    [
      'unknown plugin',
      { profiles: [{ plugins: { filter: { enabled: [{ name: 'NodePort' }] } } }] },
      'field "profiles[0].plugins.filter.enabled[0].name": no plugin "NodePort"',
    ],
    [
      'wrong arguments',
      {
        profiles: [
          { pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'Least' } } }] },
        ],
      },
      'field "scoringStrategy.type": got "Least", want one of "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"',
    ],
    [
      'no shape',
      { profiles: [{ pluginConfig: [ratio()] }] },
      'field "scoringStrategy.requestedToCapacityRatio.shape": want at least one point for the type RequestedToCapacityRatio',
    ],
    [
      'points out of order',
      {
        profiles: [{ pluginConfig: [ratio({ utilization: 40, score: 0 }, { utilization: 40, score: 10 })] }],
      },
      'field "scoringStrategy.requestedToCapacityRatio.shape[1].utilization": got 40 after 40, want each higher than the one before',
    ],
    [
      'a score out of range',
      { profiles: [{ pluginConfig: [ratio({ utilization: 0, score: 11 })] }] },
      'field "scoringStrategy.requestedToCapacityRatio.shape[0].score": got 11, want a whole number from 0 to 10',
    ],
    [
      'weights where all count the same',
      {
        profiles: [
          {
            pluginConfig: [
              { name: 'NodeResourcesBalancedAllocation', args: { resources: [{ name: 'cpu', weight: 2 }] } },
            ],
          },
        ],
      },
      'field "resources[0].weight": got 2',
    ],
    [
      'S2: arguments of another plugin',
      withArgs('NodeResourcesFit', { apiVersion: head.apiVersion, kind: 'NodeAffinityArgs' }),
      'no kind "NodeAffinityArgs"',
    ],
    ['S2: arguments that are no object', withArgs('NodeResourcesFit', 'x'), 'want an object'],
    [
      'S2: unknown argument',
      withArgs('DefaultPreemption', { minCandidates: 1 }),
      'field "minCandidates": unknown field',
    ],
    [
      'S2: no candidates at all',
      withArgs('DefaultPreemption', { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 }),
      'field "minCandidateNodesPercentage": want more than 0',
    ],
    ['S2: affinity key', added({ key: 'a b', operator: 'Exists' }), `field "${AT}.key": got "a b", must be`],
    [
      'S2: In without values',
      added({ key: 'a', operator: 'In' }),
      `field "${AT}.values": got [], want at least one for the operator In`,
    ],
    [
      'S2: Exists with values',
      added({ key: 'a', operator: 'Exists', values: ['x'] }),
      'want none for the operator Exists',
    ],
    [
      'S2: Gt of no number',
      added({ key: 'a', operator: 'Gt', values: ['x'] }),
      'want exactly one whole number for the operator Gt',
    ],
    [
      'S2: affinity value',
      added({ key: 'a', operator: 'In', values: ['a b'] }),
      `field "${AT}.values[0]": got "a b", must be`,
    ],
    [
      'S2: spread key',
      withArgs('PodTopologySpread', {
        defaultingType: 'List',
        defaultConstraints: [{ ...constraint, topologyKey: 'a b' }],
      }),
      'field "defaultConstraints[0].topologyKey": got "a b"',
    ],
    [
      'S2: spread twice',
      withArgs('PodTopologySpread', {
        defaultingType: 'List',
        defaultConstraints: [constraint, { ...constraint, maxSkew: 2 }],
      }),
      'field "defaultConstraints[1]": got {zone, DoNotSchedule} a second time',
    ],
    [
      'S2: spread by System',
      withArgs('PodTopologySpread', { defaultConstraints: [constraint] }),
      'want none while defaultingType is System',
    ],
    [
      'S2: a resource twice',
      withArgs('NodeResourcesBalancedAllocation', { resources: [{ name: 'cpu' }, { name: 'cpu' }] }),
      'field "resources[1].name": got "cpu" a second time',
    ],
    [
      'S2: ignored resource',
      withArgs('NodeResourcesFit', { ignoredResources: ['a b'] }),
      'field "ignoredResources[0]": got "a b"',
    ],
    [
      'S2: a shape for another type',
      withArgs('NodeResourcesFit', {
        scoringStrategy: { type: 'MostAllocated', requestedToCapacityRatio: { shape: [] } },
      }),
      'field "scoringStrategy.requestedToCapacityRatio": want none for the type MostAllocated',
    ],
    [
      'S2: a shape without its gate',
      withArgs('VolumeBinding', { shape: [{ utilization: 0, score: 0 }] }),
      'field "shape": want none, or the feature gate StorageCapacityScoring turned on',
    ],
    [
      'S2: binding timeout',
      withArgs('DynamicResources', { bindingTimeout: '500ms' }),
      'field "bindingTimeout": got "500ms"',
    ],
    [
      'S2: a plugin twice at a point',
      withPlugins({
        filter: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeName' }, { name: 'NodeName' }] },
      }),
      'field "profiles[0].plugins.filter.enabled[1].name": got "NodeName" a second time',
    ],
    [
      'S2: another order of the queue',
      {
        profiles: [
          { schedulerName: 'a' },
          { schedulerName: 'b', plugins: { queueSort: { disabled: [{ name: '*' }] } } },
        ],
      },
      'field "profiles[1].plugins.queueSort": want the same as in the first profile',
    ],
    [
      'S2: retries that outlast the renewal',
      { leaderElection: { renewDeadline: '2200ms', leaseDuration: '3s' } },
      'want more than 1.2 times leaderElection.retryPeriod',
    ],
    [
      'S2: a resource of the kubelet for an extender',
      { extenders: [{ urlPrefix: 'http://x', managedResources: [{ name: 'cpu' }] }] },
      'field "extenders[0].managedResources": got "cpu", want an extended resource',
    ],
  ])('%s', (_name, fields, message) => {
    expect(() => load(fields)).toThrow(message);
  });
});

test('S2: 0 of a duration is the default, plugins that are not there may be disabled and have arguments', () => {
  const zero = { leaseDuration: '0s', renewDeadline: '0s', retryPeriod: '0s' };
  expect(load({ leaderElection: zero }).leaderElection).toMatchObject({
    leaseDuration: 15_000,
    retryPeriod: 2000,
  });
  const gone = {
    plugins: { filter: { disabled: [{ name: 'EBSLimits' }] } },
    pluginConfig: [{ name: 'EBSLimits' }],
  };
  expect(load({ profiles: [gone] }).profiles).toHaveLength(1);
});

describe('S2: the configuration as it is shown', () => {
  test('an empty one has the default profile with all plugins, weights and arguments', () => {
    const [profile] = load({}).profiles;
    expect(profile?.schedulerName).toBe('default-scheduler');
    expect(profile?.plugins.multiPoint.enabled.map(({ name, weight }) => `${name} ${weight}`)).toEqual([
      'SchedulingGates 0',
      'PrioritySort 0',
      'NodeUnschedulable 0',
      'NodeName 0',
      'TaintToleration 3',
      'NodeAffinity 2',
      'NodePorts 0',
      'NodeResourcesFit 1',
      'VolumeRestrictions 0',
      'NodeVolumeLimits 0',
      'VolumeBinding 0',
      'VolumeZone 0',
      'PodTopologySpread 2',
      'InterPodAffinity 2',
      'DynamicResources 2',
      'DefaultPreemption 0',
      'NodeResourcesBalancedAllocation 1',
      'ImageLocality 1',
      'DefaultBinder 0',
      'NodeDeclaredFeatures 0',
    ]);
    expect(profile?.pluginConfig.map(({ name }) => name)).toEqual([
      'DefaultPreemption',
      'DynamicResources',
      'InterPodAffinity',
      'NodeAffinity',
      'NodeResourcesBalancedAllocation',
      'NodeResourcesFit',
      'PodTopologySpread',
      'VolumeBinding',
    ]);
    expect(profile?.pluginConfig.at(1)?.args).toMatchObject({
      filterTimeout: '10s',
      bindingTimeout: '10m0s',
    });
    expect(profile?.pluginConfig.at(-1)?.args).toMatchObject({
      kind: 'VolumeBindingArgs',
      bindTimeoutSeconds: 600,
    });
  });

  test('own entries take the place of those by default, disabled ones are left out; completing twice changes nothing', () => {
    const config = load(
      withPlugins({
        multiPoint: {
          disabled: [{ name: 'NodePorts' }],
          enabled: [{ name: 'NodePorts' }, { name: 'ImageLocality', weight: 9 }],
        },
      }),
    );
    const [profile] = config.profiles;
    const refs = profile?.plugins.multiPoint.enabled ?? [];
    expect(refs).toHaveLength(20);
    expect(refs.at(-1)?.name).toBe('NodePorts');
    expect(refs.find(({ name }) => name === 'ImageLocality')?.weight).toBe(9);
    expect(completeConfig(config, 'test')).toEqual(config);
  });

  test('with the gate StorageCapacityScoring, the shape', () => {
    const [profile] = load({}, scoring).profiles;
    expect(profile?.pluginConfig.at(-1)?.args).toMatchObject({
      shape: [
        { utilization: 0, score: 10 },
        { utilization: 100, score: 0 },
      ],
    });
    const fields = withArgs('VolumeBinding', {
      shape: [
        { utilization: 5, score: 1 },
        { utilization: 5, score: 2 },
      ],
    });
    expect(() => load(fields, scoring)).toThrow('field "shape[1].utilization": got 5 after 5');
  });
});

test('S2: flags of leader election override the file, others do not count beside it', () => {
  const flags = parseFlags(schedulerFlags, ['--leader-elect=false', '--leader-elect-resource-name=mine']);
  expect(configOf(flags).leaderElection).toMatchObject({ leaderElect: false, resourceName: 'mine' });
});

describe('S2: plugins of a profile', () => {
  const profileOf = (plugins: object) => {
    const [profile] = createProfiles(
      load(withPlugins(plugins)),
      'test',
      () => pluginHandle(),
      nullLog,
    ).values();
    if (profile === undefined) throw new RangeError('no profile');
    return profile;
  };
  const names = (plugins: object): string[] => {
    const [profile = DEFAULT_PROFILE] = load({ profiles: [{ plugins }] }).profiles;
    return enabledPlugins(profile, {}, pluginHandle()).map((p) => p.plugin.name);
  };

  test('all by default', () => {
    expect(names({})).toContain('TaintToleration');
  });

  test('one disabled everywhere is gone', () => {
    expect(names({ multiPoint: { disabled: [{ name: 'TaintToleration' }] } })).not.toContain(
      'TaintToleration',
    );
  });

  test('S2: a point keeps the order in which it names plugins, and a weight left out is 1', () => {
    const enabled = [{ name: 'NodeResourcesFit' }, { name: 'NodeAffinity' }];
    const profile = profileOf({
      filter: { disabled: [{ name: '*' }], enabled },
      score: { disabled: [{ name: '*' }], enabled },
    });
    expect(profile.filter.map(({ name }) => name)).toEqual(['NodeResourcesFit', 'NodeAffinity']);
    expect(profile.score.map(({ plugin, weight }) => [plugin.name, weight])).toEqual([
      ['NodeResourcesFit', 1],
      ['NodeAffinity', 1],
    ]);
  });

  test('S2: multiPoint alone, in its order', () => {
    const names = ['NodePorts', 'DefaultBinder', 'NodeName', 'PrioritySort'];
    const profile = profileOf({
      multiPoint: { disabled: [{ name: '*' }], enabled: names.map((name) => ({ name })) },
    });
    expect(profile.filter.map(({ name }) => name)).toEqual(['NodePorts', 'NodeName']);
    expect(profile.score).toEqual([]);
  });

  test('S2: a plugin may be named at every point that it has in the stock scheduler', () => {
    const named = profileOf({ preFilter: { enabled: [{ name: 'NodeResourcesFit' }] } });
    expect(named.filter).toHaveLength(profileOf({}).filter.length);
  });

  test('S2: a plugin enabled at a point that it does not have is refused', () => {
    expect(() => profileOf({ score: { enabled: [{ name: 'NodeName' }] } })).toThrow(
      'profile "default-scheduler": plugins.score.enabled: plugin "NodeName" has no such point, it has filter',
    );
  });

  test('one disabled at a point keeps the others', () => {
    const [profile = DEFAULT_PROFILE] = load({
      profiles: [
        { plugins: { score: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeAffinity', weight: 7 }] } } },
      ],
    }).profiles;
    const enabled = enabledPlugins(profile, {}, pluginHandle());
    const taint = enabled.find((p) => p.plugin.name === 'TaintToleration');
    const affinity = enabled.find((p) => p.plugin.name === 'NodeAffinity');
    expect(taint !== undefined && implementsPoint(taint.plugin, 'filter')).toBe(true);
    expect(taint !== undefined && implementsPoint(taint.plugin, 'score')).toBe(false);
    expect(affinity !== undefined && implementsPoint(affinity.plugin, 'score')).toBe(true);
    expect(affinity?.weight).toBe(7);
  });
});
