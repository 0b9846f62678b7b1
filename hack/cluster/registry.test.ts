import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { addressPlan } from './address_plan.ts';
import { REGISTRY_HOSTS_DIR } from './containerd_config.ts';
import { clusterPaths } from './paths.ts';
import { hostsToml, registry, registryConfig, writeMirrors } from './registry.ts';
import { mergeSettings } from './settings.ts';

const plan = addressPlan(7, 1);
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'registry-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

test('nodes ask the registry only, in the clear', () => {
  expect(hostsToml(plan)).toBe(
    'server = "http://10.107.0.1:5000"\n[host."http://10.107.0.1:5000"]\n  capabilities = ["pull", "resolve"]\n',
  );
});

test('the registry serves read-only at the address of the node network', () => {
  expect(parse(registryConfig(plan, '/state/registry', ['/cache/a.tar']))).toMatchObject({
    storage: {
      filesystem: { rootdirectory: '/state/registry' },
      maintenance: { readonly: { enabled: true } },
    },
    http: { addr: '10.107.0.1:5000' },
  });
  const config = (tar: string): string => registryConfig(plan, '/state/registry', [tar]);
  expect(config('/cache/a.tar')).not.toBe(config('/cache/b.tar'));
});

test('as a component it is told to export no traces and restarts with its configuration', () => {
  const paths = clusterPaths(dir, 'a');
  const spec = registry(plan, paths, { containerd: 'containerd', stock: (name) => `/stock/${name}` });
  expect(spec).toMatchObject({
    argv: ['/stock/registry', 'serve', path.join(paths.config, 'registry.yaml')],
    env: { OTEL_TRACES_EXPORTER: 'none' },
    inputs: [path.join(paths.config, 'registry.yaml')],
  });
});

test('mirrors come and go with the setting, where containerd looks for them', () => {
  const node = clusterPaths(dir, 'a').node('node-1');
  const settings = mergeSettings({ name: 'a', flavours: {}, download: false, registry: true }, undefined, 7);
  const file = path.join(
    node.containerd,
    path.relative('/var/lib/containerd', REGISTRY_HOSTS_DIR),
    'registry.k8s.io/hosts.toml',
  );
  writeMirrors({ settings, plan }, node);
  expect(readFileSync(file, 'utf8')).toBe(hostsToml(plan));
  writeMirrors({ settings: { ...settings, registry: false }, plan }, node);
  expect(existsSync(file)).toBe(false);
});
