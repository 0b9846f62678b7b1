import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Node, Pod } from '../../lib/api/types.ts';
import type { PluginDefinition } from '../../lib/scheduler/own_plugins/plugin_definition.ts';
import { node, pod } from '../../lib/scheduler/testing/objects.ts';
import { testSimulation } from '../../lib/scheduler/testing/simulation.ts';
import costAware from './cost_aware.ts';
import dataLocality from './data_locality.ts';
import licenceCount from './licence_count.ts';
import template from './template/plugin.ts';

async function placed(
  plugin: PluginDefinition,
  nodes: readonly Node[],
  pods: readonly Pod[],
  args?: unknown,
): Promise<Record<string, string>> {
  const pluginConfig = args === undefined ? [] : [{ name: plugin.name, args }];
  const plugins = { multiPoint: { enabled: [{ name: plugin.name, weight: 100 }] } };
  const result = await testSimulation({ nodes, pods, plugins: [plugin], profile: { plugins, pluginConfig } });
  return Object.fromEntries([
    ...result.placements.map((p): [string, string] => [p.pod, p.node]),
    ...result.pending.map((p): [string, string] => [p.pod, p.message]),
  ]);
}

describe('cost', () => {
  const priced = (name: string, price?: string): Node =>
    node(name, { labels: price === undefined ? {} : { price } });

  test('the cheapest node goes first; one without a price counts as the dearest', async () => {
    const nodes = [priced('unknown'), priced('dear', '3'), priced('cheap', '0.5')];
    expect(await placed(costAware, nodes, [pod('p')], { label: 'price' })).toEqual({ 'default/p': 'cheap' });
  });

  test('unless the configuration says what it costs', async () => {
    const nodes = [priced('unknown'), priced('cheap', '0.5')];
    expect(await placed(costAware, nodes, [pod('p')], { label: 'price', fallback: 0.1 })).toEqual({
      'default/p': 'unknown',
    });
  });

  test('wrong arguments end the start, with the name of the plugin', async () => {
    await expect(placed(costAware, [], [], { label: 5 })).rejects.toThrow(
      'plugin "CostAware": create failed: label: want a string',
    );
  });
});

describe('data locality', () => {
  const at = (name: string, zone: string, holds?: string): Node => {
    const made = node(name, { labels: { 'topology.kubernetes.io/zone': zone } });
    const annotations = holds === undefined ? {} : { 'data.example.com/holds': holds };
    return { ...made, metadata: { ...made.metadata, annotations } };
  };
  const reader = (reads: string, cpu = '1'): Pod =>
    pod('p', { requests: { cpu }, metadata: { annotations: { 'data.example.com/reads': reads } } });

  test('onto a node with a replica', async () => {
    const nodes = [at('n1', 'a'), at('n2', 'b', 'genome, weather'), at('n3', 'b')];
    expect(await placed(dataLocality, nodes, [reader('genome')])).toEqual({ 'default/p': 'n2' });
  });

  test('into its zone when that node is full', async () => {
    const full = pod('full', { requests: { cpu: '4' }, spec: { nodeName: 'n2' } });
    const nodes = [at('n1', 'a'), at('n2', 'b', 'genome'), at('n3', 'b')];
    expect(await placed(dataLocality, nodes, [full, reader('genome')])).toEqual({ 'default/p': 'n3' });
  });

  test('onto the node with most of its data sets', async () => {
    const nodes = [at('n1', 'a', 'genome'), at('n2', 'a', 'genome,weather')];
    expect(await placed(dataLocality, nodes, [reader('genome,weather')])).toEqual({ 'default/p': 'n2' });
  });
});

describe('licences', () => {
  const user = (name: string, spec: Partial<Pod['spec']> = {}): Pod =>
    pod(name, { spec, metadata: { labels: { 'licence.example.com/product': 'cad' } } });
  const args = { licences: { cad: 2 }, waitSeconds: 5 };

  test('no more pods than licences run; the others say what they waited for', async () => {
    const result = await placed(
      licenceCount,
      [node('n1')],
      [user('a'), user('b'), user('c'), pod('free')],
      args,
    );
    expect(result).toMatchObject({ 'default/a': 'n1', 'default/b': 'n1', 'default/free': 'n1' });
    expect(result['default/c']).toContain('rejected due to timeout after waiting 5s at plugin LicenceCount');
  });

  test('running pods hold theirs', async () => {
    const running = [user('x', { nodeName: 'n1' }), user('y', { nodeName: 'n1' })];
    const result = await placed(licenceCount, [node('n1')], [...running, user('a')], args);
    expect(result['default/a']).toContain('LicenceCount');
  });

  test('a licence that comes free goes to a pod that waits', async () => {
    // More important than the one that has it: preemption takes its place, and so its licence.
    const running = user('x', {
      nodeName: 'n1',
      containers: [{ name: 'c', resources: { requests: { cpu: '4' } } }],
    });
    const urgent = pod('urgent', { requests: { cpu: '3' }, spec: { priority: 10 } });
    const result = await placed(licenceCount, [node('n1')], [running, user('a'), urgent], {
      licences: { cad: 1 },
      waitSeconds: 5,
    });
    expect(result).toEqual({ 'default/a': 'n1', 'default/urgent': 'n1' });
  });

  test('a product without licences is refused at once', async () => {
    const result = await placed(licenceCount, [node('n1')], [user('a')], { licences: {} });
    expect(result['default/a']).toContain('no licence for product "cad" is configured');
  });
});

test('the template keeps pods off labelled nodes', async () => {
  const nodes = [node('n1', { labels: { 'example.com/keep-off': '' } })];
  expect((await placed(template, nodes, [pod('p')]))['default/p']).toContain(
    '0/1 nodes are available: 1 node(s) had the label example.com/keep-off.',
  );
});

test('the plugin of docs/plugins.md has fewer than 30 lines, loads and does what it says', () => {
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync(resolve('docs/plugins.md'), 'utf8')) ?? [];
  const [, config = ''] =
    /```yaml\n([\s\S]*?)```/.exec(readFileSync(resolve('docs/plugins.md'), 'utf8')) ?? [];
  expect(code.trim().split('\n').length).toBeLessThan(30);
  const folder = mkdtempSync(join(tmpdir(), 'documented-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const maintained = (name: string, value: string): string =>
    `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}, labels: {example.com/maintenance: "${value}"}}\nstatus: {capacity: {cpu: 1, pods: 9}}\n---\n`;
  try {
    const cluster = `${maintained('n1', 'true')}${maintained('n2', 'false')}apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}]}\n`;
    const out = execFileSync(
      process.execPath,
      [
        resolve('cmd/ts-scheduler/main.ts'),
        'simulate',
        `--plugin-module=${file('prefer_quiet.ts', code)}`,
        `--config=${file('scheduler.yaml', config)}`,
        file('cluster.yaml', cluster),
      ],
      { encoding: 'utf8' },
    );
    expect(out).toMatch(/default\/p +n2 +n2 is the only one of 2 nodes/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
