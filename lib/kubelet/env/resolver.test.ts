import type { ConfigMap, Container, EnvVar, Pod, Secret, Service } from '../../api/types.ts';
import { ContainerConfigError } from '../contracts.ts';
import { ObjectUnavailableError, type ObjectReader } from '../objects/object_cache.ts';
import { EnvFileMissingError } from './env_file.ts';
import { createEnvResolver, isVariableName } from './resolver.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const configMaps: Record<string, ConfigMap> = {
  conf: { metadata: { name: 'conf' }, data: { key: 'from-map', 'bad=name': 'x', 'with.dot': 'd' } },
};
const secrets: Record<string, Secret> = { s: { metadata: { name: 's' }, data: { pw: base64('geheim ä') } } };

async function read<T>(from: Record<string, T>, kind: string, name: string): Promise<T> {
  await Promise.resolve();
  const found = from[name];
  if (name === 'broken') throw new ObjectUnavailableError('failed to sync configmap cache', false);
  if (found === undefined) throw new ObjectUnavailableError(`${kind} "${name}" not found`, true);
  return found;
}
const objects: ObjectReader = {
  configMap: (_ns, name) => read(configMaps, 'configmap', name),
  secret: (_ns, name) => read(secrets, 'secret', name),
};
const services: Service[] = [
  {
    metadata: { namespace: 'default', name: 'kubernetes' },
    spec: { clusterIP: '10.96.0.1', ports: [{ port: 443 }] },
  },
];

let events: string[];
async function resolve(container: Partial<Container>, hasSynced = true): Promise<Record<string, string>> {
  events = [];
  const resolver = createEnvResolver({
    objects,
    services: { hasSynced, services: (ns) => services.filter((s) => s.metadata.namespace === ns) },
    allocatable: () => ({ cpu: '3500m', memory: '8Gi' }),
    async envFiles(_pod, _volume, path) {
      await Promise.resolve();
      if (path !== 'a.env') throw new EnvFileMissingError('environment file not found');
      return new Map([['F', 'file']]);
    },
    events: { pod: (_pod, type, reason, message) => events.push(`${type} ${reason} ${message}`) },
  });
  const full: Container = {
    name: 'c',
    image: 'i',
    resources: { limits: { cpu: '1500m' }, requests: { memory: '100Mi' } },
    ...container,
  };
  const pod: Pod = {
    metadata: {
      name: 'p',
      namespace: 'ns',
      uid: 'u-1',
      labels: { app: 'web' },
      annotations: { "it's": 'quoted' },
    },
    spec: {
      nodeName: 'n1',
      serviceAccountName: 'sa',
      enableServiceLinks: true,
      containers: [full, { name: 'side', image: 'i', resources: { limits: { memory: '64Mi' } } }],
    },
  };
  const facts = { podIPs: ['10.0.0.5', 'fd00::5'], hostIPs: ['192.0.2.1', '2001:db8::1'] };
  return Object.fromEntries(await resolver.containerEnv(pod, full, facts));
}

const env = (valueFrom: EnvVar['valueFrom']): EnvVar[] => [
  { name: 'X', ...(valueFrom ? { valueFrom } : {}) },
];

test.each([
  ['metadata.name', 'p'],
  ['metadata.namespace', 'ns'],
  ['metadata.uid', 'u-1'],
  ["metadata.labels['app']", 'web'],
  ["metadata.labels['none']", ''],
  ["metadata.annotations['it's']", 'quoted'],
  ['spec.nodeName', 'n1'],
  ['spec.serviceAccountName', 'sa'],
  ['status.hostIP', '192.0.2.1'],
  ['status.hostIPs', '192.0.2.1,2001:db8::1'],
  ['status.podIP', '10.0.0.5'],
  ['status.podIPs', '10.0.0.5,fd00::5'],
])('K7: fieldRef %s', async (fieldPath, want) => {
  expect((await resolve({ env: env({ fieldRef: { fieldPath } }) }))['X']).toBe(want);
});

test.each([
  ['limits.cpu', undefined, undefined, '2'],
  ['limits.cpu', '1m', undefined, '1500'],
  ['limits.memory', undefined, undefined, String(8 * 1024 ** 3)], // not set: the node's allocatable
  ['limits.memory', '1Mi', 'side', '64'],
  ['requests.memory', '1Mi', undefined, '100'],
  ['requests.memory', '3Mi', undefined, '34'], // rounded up
  ['requests.cpu', undefined, undefined, '0'],
  ['limits.cpu', '1', 'side', '4'],
])('K7: resourceFieldRef %s by %s of %s', async (resource, divisor, containerName, want) => {
  const ref = {
    resource,
    ...(divisor === undefined ? {} : { divisor }),
    ...(containerName === undefined ? {} : { containerName }),
  };
  expect((await resolve({ env: env({ resourceFieldRef: ref }) }))['X']).toBe(want);
});

test('K7: ConfigMap, Secret and file keys; envFrom with prefix; literals override, references see what came before', async () => {
  const got = await resolve({
    envFrom: [
      { configMapRef: { name: 'conf' }, prefix: 'P_' },
      { secretRef: { name: 's' } },
      { configMapRef: { name: 'gone', optional: true } },
    ],
    env: [
      { name: 'EARLY', value: '$(LATE)' },
      { name: 'LATE', value: 'l' },
      { name: 'REF', value: '$(P_key)/$(LATE)/$(KUBERNETES_SERVICE_HOST)/$$(LATE)' },
      { name: 'MAP', valueFrom: { configMapKeyRef: { name: 'conf', key: 'key' } } },
      { name: 'SECRET', valueFrom: { secretKeyRef: { name: 's', key: 'pw' } } },
      { name: 'FILE', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'a.env', key: 'F' } } },
      {
        name: 'NOFILE',
        valueFrom: { fileKeyRef: { volumeName: 'v', path: 'b.env', key: 'F', optional: true } },
      },
      { name: 'NONE', valueFrom: { configMapKeyRef: { name: 'conf', key: 'nope', optional: true } } },
      { name: 'GONE', valueFrom: { secretKeyRef: { name: 'gone', key: 'nope', optional: true } } },
      { name: 'P_key', value: 'mine' },
      { name: 'KUBERNETES_PORT', value: 'overridden' },
      { name: 'EMPTY' },
    ],
  });
  expect(got).toMatchObject({
    P_key: 'mine',
    'P_with.dot': 'd',
    pw: 'geheim ä',
    EARLY: '$(LATE)',
    REF: 'from-map/l/10.96.0.1/$(LATE)',
    MAP: 'from-map',
    SECRET: 'geheim ä',
    FILE: 'file',
    KUBERNETES_PORT: 'overridden',
    EMPTY: '',
  });
  for (const name of ['NOFILE', 'NONE', 'GONE', 'P_bad=name']) expect(got).not.toHaveProperty([name]);
  expect(events).toEqual([
    'Warning InvalidEnvironmentVariableNames Keys [bad=name] from the EnvFrom configMap ns/conf were skipped since they are considered invalid environment variable names.',
  ]);
});

test.each<[string, Partial<Container>]>([
  [
    "couldn't find key nope in ConfigMap ns/conf",
    { env: env({ configMapKeyRef: { name: 'conf', key: 'nope' } }) },
  ],
  [
    "couldn't find key constructor in ConfigMap ns/conf",
    { env: env({ configMapKeyRef: { name: 'conf', key: 'constructor' } }) },
  ],
  ["couldn't find key nope in Secret ns/s", { env: env({ secretKeyRef: { name: 's', key: 'nope' } }) }],
  ['configmap "gone" not found', { env: env({ configMapKeyRef: { name: 'gone', key: 'k' } }) }],
  ['secret "gone" not found', { envFrom: [{ secretRef: { name: 'gone' } }] }],
  ['failed to sync configmap cache', { envFrom: [{ configMapRef: { name: 'broken', optional: true } }] }],
  ['unsupported fieldPath: spec.foo', { env: env({ fieldRef: { fieldPath: 'spec.foo' } }) }],
  [
    'unsupported container resource : limits.gpu',
    { env: env({ resourceFieldRef: { resource: 'limits.gpu' } }) },
  ],
  [
    'container x not found',
    { env: env({ resourceFieldRef: { resource: 'limits.cpu', containerName: 'x' } }) },
  ],
  ['environment file not found', { env: env({ fileKeyRef: { volumeName: 'v', path: 'b.env', key: 'F' } }) }],
  [
    'environment variable key "G" not found in file "a.env"',
    { env: env({ fileKeyRef: { volumeName: 'v', path: 'a.env', key: 'G' } }) },
  ],
])('K7: %s', async (message, container) => {
  const failed = resolve(container);
  await expect(failed).rejects.toThrow(ContainerConfigError);
  await expect(failed).rejects.toMatchObject({ message });
});

test('K7: nothing is constructed before services are known', async () => {
  await expect(resolve({}, false)).rejects.toThrow(
    'services have not yet been read at least once, cannot construct envvars',
  );
});

test.each([
  ['A', true],
  ['a.b-c', true],
  ['1', true],
  ['a b', true],
  ['', false],
  ['a=b', false],
  ['ä', false],
  ['a\n', false],
])('K7: name %j: %s', (name, valid) => expect(isVariableName(name)).toBe(valid));
