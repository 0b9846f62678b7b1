/** A simulation of objects that a test made, for tests of plugins from end to end. */
import type { Node, Pod } from '../../api/types.ts';
import { decodeConfig } from '../../component/config/document.ts';
import { SCHEDULER_CONFIG_KIND } from '../config/scheduler_config.ts';
import { validate } from '../config/scheduler_config_validation.ts';
import type { PluginDefinition } from '../own_plugins/plugin_definition.ts';
import { givenObjects } from '../simulator/cluster_objects.ts';
import { simulate } from '../simulator/simulate.ts';
import type { SimulationResult } from '../simulator/simulation_result.ts';

export async function testSimulation(given: {
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly plugins?: readonly PluginDefinition[];
  /** Of the profile, as in a KubeSchedulerConfiguration. */
  readonly profile?: object;
}): Promise<SimulationResult> {
  const { apiVersion, kind } = SCHEDULER_CONFIG_KIND;
  const { plugins = [] } = given;
  const config = decodeConfig({ apiVersion, kind, profiles: [given.profile ?? {}] }, 'test', [
    SCHEDULER_CONFIG_KIND,
  ]);
  validate(
    config,
    'test',
    plugins.map((p) => p.name),
  );
  const objects = [
    ...given.nodes.map((object) => ({ apiVersion: 'v1', kind: 'Node', ...object })),
    ...given.pods.map((object) => ({ apiVersion: 'v1', kind: 'Pod', ...object })),
  ];
  return await simulate(givenObjects(objects.map((object, i) => ({ object, where: `object ${i}` }))), {
    config,
    source: 'test',
    seed: 1,
    plugins,
  });
}
