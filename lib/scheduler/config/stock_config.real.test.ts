/** Configurations as the stock kube-scheduler takes, refuses and completes them: it says so before it calls anybody. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { stockBinary } from '../../../test/fixtures/stock_binaries.ts';
import { nullLog } from '../../base/log.ts';
import { run } from '../../base/subprocess.ts';
import { encodeConfig } from '../../component/config/document.ts';
import { FeatureGates } from '../../component/feature_gates.ts';
import { parseFlags } from '../../component/flags.ts';
import { schedulerFlags } from '../flags.ts';
import { pluginHandle } from '../testing/plugin_handle.ts';
import { configOf } from './config_of_flags.ts';
import { createProfiles } from './profiles_of_config.ts';
import { SCHEDULER_CONFIG_KIND } from './scheduler_config.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stock-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const SCORING = '--feature-gates=StorageCapacityScoring=true';
const withArgs = (name: string, args: unknown): object => ({
  profiles: [{ pluginConfig: [{ name, args }] }],
});
const withPlugins = (plugins: object): object => ({ profiles: [{ plugins }] });

/** Of a file with these fields. */
function writeConfig(fields: object): string {
  const kubeconfig = join(folder, 'kubeconfig.json');
  const cluster = { name: 'c', cluster: { server: 'https://127.0.0.1:1' } };
  const context = { name: 'c', context: { cluster: 'c', user: 'c' } };
  const user = { name: 'c', user: { token: 't' } };
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [cluster],
      users: [user],
      contexts: [context],
      'current-context': 'c',
    }),
  );
  const path = join(folder, 'config.json');
  const { apiVersion, kind } = SCHEDULER_CONFIG_KIND;
  writeFileSync(path, JSON.stringify({ apiVersion, kind, clientConnection: { kubeconfig }, ...fields }));
  return path;
}

/** The configuration as it is written out; undefined when it is refused. */
async function writtenByStock(path: string, ...flags: string[]): Promise<unknown> {
  const out = join(folder, 'stock.yaml');
  const argv = [`--config=${path}`, `--write-config-to=${out}`, '--secure-port=0', ...flags];
  const { exitCode } = await run([stockBinary('kube-scheduler'), ...argv], { timeoutMs: 20_000 });
  return exitCode === 0 ? parse(readFileSync(out, 'utf8')) : undefined;
}

function writtenByUs(path: string, ...argv: string[]): unknown {
  const flags = parseFlags(schedulerFlags, [`--config=${path}`, ...argv]);
  const gates = new FeatureGates();
  gates.set(flags.values['feature-gates']);
  try {
    const config = configOf(flags, [], gates);
    createProfiles(config, path, () => pluginHandle({ gates }), nullLog);
    return encodeConfig(config, SCHEDULER_CONFIG_KIND);
  } catch {
    return undefined;
  }
}

/** What says nothing is left out: stock leaves out other such fields than we do. */
function telling(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(telling);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, telling(inner)] as const)
      .filter(([, inner]) => !['{}', '[]', 'null', 'false', '""', undefined].includes(JSON.stringify(inner))),
  );
}

test.each<[string, object, ...string[]]>([
  ['nothing', {}],
  ['zeros', { leaderElection: { leaseDuration: '0s' }, percentageOfNodesToScore: 0 }],
  ['a gate that has arguments', {}, SCORING],
  [
    'plugins and arguments',
    {
      profiles: [
        {
          schedulerName: 'a',
          plugins: {
            multiPoint: {
              enabled: [{ name: 'NodeAffinity' }, { name: 'ImageLocality', weight: 9 }],
              disabled: [{ name: 'NodePorts' }],
            },
            filter: { enabled: [{ name: 'NodePorts' }], disabled: [{ name: 'EBSLimits' }] },
          },
          pluginConfig: [
            { name: 'NodeResourcesFit', args: { ignoredResources: ['example.com/a'] } },
            { name: 'DefaultPreemption', args: { minCandidateNodesPercentage: 20 } },
          ],
        },
        { schedulerName: 'b', percentageOfNodesToScore: 30 },
      ],
    },
  ],
  [
    'label keys of default constraints',
    withArgs('PodTopologySpread', {
      defaultingType: 'List',
      defaultConstraints: [
        { topologyKey: 'a', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', matchLabelKeys: ['app'] },
      ],
    }),
  ],
])('S2: written out as stock writes it: %s', async (_, fields, ...flags) => {
  const path = writeConfig(fields);
  const theirs = telling(await writtenByStock(path, ...flags));
  expect(theirs).toBeDefined();
  expect(telling(writtenByUs(path, ...flags))).toEqual(theirs);
});

test.each<[string, object]>([
  ['a point that a plugin does not have', withPlugins({ score: { enabled: [{ name: 'NodeName' }] } })],
  [
    'a plugin twice',
    withPlugins({
      filter: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeName' }, { name: 'NodeName' }] },
    }),
  ],
  ['no binder', withPlugins({ bind: { disabled: [{ name: '*' }] } })],
  ['no order', withPlugins({ multiPoint: { disabled: [{ name: 'PrioritySort' }] } })],
  ['an unknown plugin', withPlugins({ filter: { enabled: [{ name: 'Foo' }] } })],
  ['an unknown argument', withArgs('NodeResourcesFit', { foo: 1 })],
  [
    'no candidates',
    withArgs('DefaultPreemption', { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 }),
  ],
  [
    'a strategy without its type',
    withArgs('NodeResourcesFit', { scoringStrategy: { resources: [{ name: 'cpu' }] } }),
  ],
  ['a shape without the gate', withArgs('VolumeBinding', { shape: [{ utilization: 0, score: 0 }] })],
  [
    'constraints beside System',
    withArgs('PodTopologySpread', {
      defaultConstraints: [{ topologyKey: 'a', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }],
    }),
  ],
  [
    'a resource twice',
    withArgs('NodeResourcesBalancedAllocation', { resources: [{ name: 'cpu' }, { name: 'cpu' }] }),
  ],
  ['a binding timeout too short', withArgs('DynamicResources', { bindingTimeout: '500ms' })],
  [
    'a resource of the kubelet for an extender',
    { extenders: [{ urlPrefix: 'http://x', filterVerb: 'f', managedResources: [{ name: 'cpu' }] }] },
  ],
  ['a back-off of nothing', { podInitialBackoffSeconds: 0 }],
])('S2: refused by stock and by us: %s', async (_, fields) => {
  const path = writeConfig(fields);
  expect(await writtenByStock(path)).toBeUndefined();
  expect(writtenByUs(path)).toBeUndefined();
});
