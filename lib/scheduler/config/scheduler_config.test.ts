import { decodeConfig } from '../../component/config/document.ts';
import { parseFlags } from '../../component/flags.ts';
import { schedulerFlags } from '../flags.ts';
import { implementsPoint } from '../framework/plugin.ts';
import { configOf } from './config_of_flags.ts';
import { enabledPlugins } from './enabled_plugins.ts';
import { pluginArgs } from './plugin_args.ts';
import type { SchedulerConfig } from './scheduler_config.ts';
import { pluginHandle } from '../testing/plugin_handle.ts';
import { DEFAULT_PROFILE, SCHEDULER_CONFIG_KIND } from './scheduler_config.ts';
import { validate } from './scheduler_config_validation.ts';

const head = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' };

function load(fields: object): SchedulerConfig {
  const config = decodeConfig({ ...head, ...fields }, 'test', [SCHEDULER_CONFIG_KIND]);
  validate(config, 'test');
  for (const profile of config.profiles) pluginArgs(profile, 'test');
  return config;
}

function ratio(...shape: readonly object[]): object {
  const scoringStrategy = { type: 'RequestedToCapacityRatio', requestedToCapacityRatio: { shape } };
  return { name: 'NodeResourcesFit', args: { scoringStrategy } };
}

test('an empty file has the defaults of the stock scheduler', () => {
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

describe('what is wrong is named', () => {
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
      { profiles: [{ plugins: { filter: { disabled: [{ name: 'NodePort' }] } } }] },
      'field "profiles[0].plugins.filter.disabled[0].name": no plugin "NodePort"',
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
  ])('%s', (_name, fields, message) => {
    expect(() => load(fields)).toThrow(message);
  });
});

test('flags of leader election override the file, others do not count beside it', () => {
  const flags = parseFlags(schedulerFlags, ['--leader-elect=false', '--leader-elect-resource-name=mine']);
  expect(configOf(flags).leaderElection).toMatchObject({ leaderElect: false, resourceName: 'mine' });
});

describe('plugins of a profile', () => {
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
