import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { fillIn, renderManifest, type ManifestName } from './render.ts';

const repoDir = resolve(__dirname, '../..');

function parse(text: string): unknown[] {
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    const value: unknown = document.toJS();
    return value;
  });
}

const settings = {
  dnsService: '10.1.0.10',
  nodePort: 31000,
  schedulerName: 'default-scheduler',
  schedulerLease: 'kube-scheduler',
  clusterCIDR: '10.2.0.0/16',
  proxyMode: 'nftables',
  apiserver: { host: '192.0.2.1', port: 6443 },
};

test.each<[ManifestName, string[]]>([
  ['coredns', ['clusterIP: 10.1.0.10']],
  ['webapp', ['nodePort: 31000']],
  ['ts-scheduler', ['schedulerName: default-scheduler', 'resourceName: kube-scheduler']],
  ['ts-kube-proxy', ["clusterCIDR: '10.2.0.0/16'", 'mode: nftables', "KUBERNETES_SERVICE_HOST: '192.0.2.1'"]],
  ['ts-kube-proxy-rbac', []],
  ['ts-scheduler-rbac', []],
  ['ts-kubelet-rbac', []],
])('%s takes the settings and stays valid YAML', async (name, expected) => {
  const text = await renderManifest(repoDir, name, settings);
  for (const part of expected) expect(text).toContain(part);
  expect(parse(text).length).toBeGreaterThan(0);
  const untouched = await readFile(join(repoDir, 'deploy', 'manifests', `${name}.yaml`), 'utf8');
  expect(await renderManifest(repoDir, name)).toBe(untouched);
});

test('a manifest that lost the text to replace is refused', () => {
  expect(() => fillIn('kind: Service\n', 'coredns', settings)).toThrow(
    'manifest coredns: "clusterIP: 10.96.0.10" stands in it 0 times, want exactly once',
  );
});

/** The value at a path of field names, or undefined. */
function at(value: unknown, ...path: string[]): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  return at(typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined, ...rest);
}

test('every workload has a read-only root, no escalation, no capabilities but named ones, and seccomp', async () => {
  const folder = join(repoDir, 'deploy', 'manifests');
  let workloads = 0;
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.yaml'))) {
    for (const document of parse(await readFile(join(folder, file), 'utf8'))) {
      const spec = at(document, 'spec', 'template', 'spec');
      if (spec === undefined) continue;
      workloads++;
      expect(spec).toMatchObject({ securityContext: { seccompProfile: { type: 'RuntimeDefault' } } });
      const containers = at(spec, 'containers');
      expect(Array.isArray(containers)).toBe(true);
      for (const container of Array.isArray(containers) ? containers : []) {
        expect(at(container, 'securityContext')).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  }
  expect(workloads).toBe(4);
});
