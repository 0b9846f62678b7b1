import path from 'node:path';
import { addressPlan } from './address_plan.ts';
import { clusterComponents, wantedProcesses } from './components.ts';
import { clusterPaths } from './paths.ts';
import { mergeSettings } from './settings.ts';
import type { UpOptions } from './options.ts';

const repo = path.resolve(__dirname, '../..');

function componentsOf(options: Partial<UpOptions>): {
  components: ReturnType<typeof clusterComponents>;
  ids: string[];
} {
  const settings = mergeSettings(
    { name: 'a', flavours: {}, download: false, nodes: 1, ...options },
    undefined,
    7,
  );
  const components = clusterComponents({
    repo,
    roots: { state: '/state', cache: '/cache' },
    settings,
    paths: clusterPaths('/state', 'a'),
    plan: addressPlan(7, 1),
  });
  return { components, ids: wantedProcesses(components, settings).map(({ id }) => id) };
}

test('a registry is among the processes of a cluster that asks for one', () => {
  expect(componentsOf({}).ids).not.toContain('registry');
  expect(componentsOf({ registry: true }).ids).toContain('registry');
});

test('the pinned containerd finds its own shim first; the settings of the other are left alone', () => {
  const pinned = componentsOf({ containerd: 'pinned' }).components.nodes[0]?.containerd;
  const program = pinned?.argv[0] ?? '';
  expect(program).toMatch(/^\/cache\/stock\/containerd-v2\.[\d.]+\/containerd$/);
  expect(pinned?.env?.['PATH']?.split(':')[0]).toBe(path.dirname(program));
  const other = componentsOf({}).components.nodes[0]?.containerd;
  expect(other?.argv[0]).not.toBe(program);
  expect(other?.env).toBeUndefined();
});
