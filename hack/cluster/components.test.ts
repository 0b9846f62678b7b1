import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { addressPlan } from './address_plan.ts';
import { clusterComponents, linkPrograms, wantedProcesses } from './components.ts';
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

test('our programs are started under the names of those that they stand in for', () => {
  const { scheduler, nodes } = componentsOf({}).components;
  expect([nodes[0]?.kubelet, nodes[0]?.kubeProxy, scheduler].map((spec) => spec?.argv[0])).toEqual([
    '/state/a/bin/kubelet',
    '/state/a/bin/kube-proxy',
    '/state/a/bin/kube-scheduler',
  ]);
  expect(componentsOf({ flavours: { kubelet: 'stock' } }).components.nodes[0]?.kubelet.argv[0]).toMatch(
    /^\/cache\/stock\/.*\/kubelet$/,
  );
});

test('links to our programs are made, and put right where they lead elsewhere', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'tsk-links-'));
  try {
    const paths = clusterPaths(dir, 'a');
    linkPrograms({ repo: '/old', paths });
    linkPrograms({ repo: '/repo', paths });
    linkPrograms({ repo: '/repo', paths });
    expect(readlinkSync(path.join(paths.dir, 'bin/kubelet'))).toBe('/repo/dist/ts-kubelet');
  } finally {
    rmSync(dir, { recursive: true });
  }
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
