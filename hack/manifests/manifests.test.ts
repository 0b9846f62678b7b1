import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';

/** What every manifest under deploy/manifests promises. */
const folder = resolve(__dirname, '../../deploy/manifests');

function parse(text: string): unknown[] {
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    const value: unknown = document.toJS();
    return value;
  });
}

/** The value at a path of field names, or undefined. */
function at(value: unknown, ...path: string[]): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  return at(typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined, ...rest);
}

test('every workload has a read-only root, no escalation, no capabilities but named ones, and seccomp', async () => {
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

test('roles name exactly what they allow: no wildcards, no secrets', async () => {
  let rules = 0;
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.yaml'))) {
    for (const document of parse(await readFile(join(folder, file), 'utf8'))) {
      if (!['Role', 'ClusterRole'].includes(String(at(document, 'kind')))) continue;
      const found = at(document, 'rules');
      for (const rule of Array.isArray(found) ? found : []) {
        rules++;
        expect(JSON.stringify(rule)).not.toMatch(/"\*"|secrets/);
      }
    }
  }
  expect(rules).toBeGreaterThan(10);
});
