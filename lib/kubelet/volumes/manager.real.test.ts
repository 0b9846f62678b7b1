/** Volumes for real, as root, in a temporary directory: tmpfs and bind mounts included. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigMap, Pod, Secret, Volume, VolumeMount } from '../../api/types.ts';
import { errorCode } from '../../base/errors.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { nullLog } from '../../base/log.ts';
import type { ContainerMount, VolumeManager } from '../contracts.ts';
import { ObjectUnavailableError, type ObjectKind } from '../objects/object_cache.ts';
import { inTreePlugins } from './in_tree.ts';
import { bindMount, unmount } from './kernel.ts';
import { createVolumeManager } from './manager.ts';
import { mountsBelow, readMountTable } from './mount_table.ts';

const UID = '0f3c7f0e-6f5a-4c0e-9d5b-2f8c1f2a3b4c';

class FakeObjects {
  readonly configMaps = new Map<string, ConfigMap>();
  readonly secrets = new Map<string, Secret>();
  readonly registered = new Set<string>();
  #listener: ((kind: ObjectKind, namespace: string, name: string) => void) | undefined;

  configMap(namespace: string, name: string): Promise<ConfigMap> {
    return found(this.configMaps.get(`${namespace}/${name}`), `configmap "${name}" not found`);
  }
  secret(namespace: string, name: string): Promise<Secret> {
    return found(this.secrets.get(`${namespace}/${name}`), `secret "${name}" not found`);
  }
  register(pod: Pod): void {
    this.registered.add(pod.metadata.uid ?? '');
  }
  unregister(uid: string): void {
    this.registered.delete(uid);
  }
  onChange(listener: (kind: ObjectKind, namespace: string, name: string) => void): () => void {
    this.#listener = listener;
    return () => (this.#listener = undefined);
  }
  change(kind: ObjectKind, namespace: string, name: string): void {
    this.#listener?.(kind, namespace, name);
  }
}

function found<T>(value: T | undefined, message: string): Promise<T> {
  return value === undefined
    ? Promise.reject(new ObjectUnavailableError(message, true))
    : Promise.resolve(value);
}

function podOf(volumes: Volume[], mounts: VolumeMount[], spec: Partial<Pod['spec']> = {}): Pod {
  return {
    metadata: { name: 'web', namespace: 'ns', uid: UID, labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'i', volumeMounts: mounts }], volumes, ...spec },
  };
}

const mountOf = (name: string, more: Partial<VolumeMount> = {}): VolumeMount => ({
  name,
  mountPath: `/${name}`,
  ...more,
});

let root: string;
let clock: FakeClock;
let objects: FakeObjects;
let manager: VolumeManager;
let tokens: string[];
let forgotten: string[];
let stop: AbortController;

function start(): void {
  stop = new AbortController();
  const source = {
    token: () =>
      Promise.resolve({
        token: tokens[0] ?? '',
        refreshAtMs: clock.monotonic() + 3_600_000,
        expiresAtMs: clock.monotonic() + 7_200_000,
        expirationTimestamp: '2026-11-21T12:00:00Z',
      }),
    forget: () => undefined,
  };
  manager = createVolumeManager({
    dirs: { root },
    plugins: inTreePlugins({
      objects,
      tokens: source,
      trustBundles: {
        anchors: () => Promise.resolve({ pem: 'PEM', refreshAtMs: clock.monotonic() + 60_000 }),
      },
      certificates: {
        credentials: (_pod, { source }) =>
          Promise.resolve({
            key: `${source.keyType} key\n`,
            chain: `chain of ${source.signerName}\n`,
            refreshAtMs: clock.monotonic() + 3_600_000,
          }),
        forget: (uid) => forgotten.push(uid),
        states: () => [],
      },
      allocatable: () => ({ memory: '64Mi' }),
      clock,
    }),
    objects,
    tokens: source,
    recursiveReadOnly: () => false,
    clock,
    log: nullLog,
  });
  void manager.run(stop.signal);
}

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tsk-volumes-')));
  clock = new FakeClock(Date.UTC(2026, 10, 21, 5, 36, 15, 123));
  objects = new FakeObjects();
  tokens = ['first'];
  forgotten = [];
  start();
});

afterEach(async () => {
  stop.abort(new Error('test over'));
  for (const mount of mountsBelow(await readMountTable(), root)) unmount(mount.mountPoint);
  rmSync(root, { recursive: true, force: true });
});

const signal = new AbortController().signal;
const volumeDir = (plugin: string, name: string): string =>
  join(root, 'pods', UID, 'volumes', `kubernetes.io~${plugin}`, name);

async function mounts(pod: Pod, env = new Map<string, string>()): Promise<readonly ContainerMount[]> {
  const [container] = pod.spec.containers;
  if (container === undefined) throw new Error('no container');
  const volumes = await manager.mountPod(pod, signal);
  return (await volumes.containerMounts(container, env)).mounts;
}

test('K15: emptyDir: 0777 whatever the umask, kept over a restart of the kubelet, gone after tear-down', async () => {
  const pod = podOf([{ name: 'cache', emptyDir: {} }], [mountOf('cache')]);
  const [mount] = await mounts(pod);
  const dir = volumeDir('empty-dir', 'cache');
  expect(mount).toEqual({
    containerPath: '/cache',
    hostPath: dir,
    readonly: false,
    propagation: 'private',
    recursiveReadOnly: false,
  });
  expect(statSync(dir).mode & 0o7777).toBe(0o777);
  writeFileSync(join(dir, 'kept'), 'x');
  chmodSync(dir, 0o700);
  start(); // a new kubelet on the same disk
  await mounts(pod);
  expect(readFileSync(join(dir, 'kept'), 'utf8')).toBe('x');
  expect(statSync(dir).mode & 0o7777).toBe(0o700); // the container's own choice
  expect(await manager.podsWithVolumes()).toEqual([UID]);
  await manager.unmountPod(UID, signal);
  expect(existsSync(join(root, 'pods', UID, 'volumes'))).toBe(false);
  expect(await manager.podsWithVolumes()).toEqual([]);
  await manager.unmountPod(UID, signal);
});

test('K15: emptyDir in memory: tmpfs of the size asked for, bounded by allocatable; fsGroup owns it', async () => {
  const pod = podOf(
    [
      { name: 'small', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      { name: 'large', emptyDir: { medium: 'Memory', sizeLimit: '10Gi' } },
    ],
    [mountOf('small'), mountOf('large')],
    { securityContext: { fsGroup: 4242 } },
  );
  await mounts(pod);
  const table = await readMountTable();
  const options = (name: string) =>
    table.find((m) => m.mountPoint === volumeDir('empty-dir', name))?.superOptions;
  expect(options('small')).toContain('size=1024k');
  expect(options('large')).toContain('size=65536k');
  const stat = statSync(volumeDir('empty-dir', 'small'));
  expect(stat.gid).toBe(4242);
  expect(stat.mode & 0o7777).toBe(0o3777); // sticky, as tmpfs is
  await mounts(pod);
  expect((await readMountTable()).length).toBe(table.length);
  await manager.unmountPod(UID, signal);
  expect(mountsBelow(await readMountTable(), root)).toEqual([]);
});

test('K15: configMap: swapped at once, items and modes, removed keys vanish; nothing written when nothing changed', async () => {
  const set = (data: Record<string, string>) =>
    objects.configMaps.set('ns/conf', { metadata: { name: 'conf' }, data, binaryData: { bin: 'AP8=' } });
  set({ a: '1', b: '2' });
  const pod = podOf([{ name: 'conf', configMap: { name: 'conf' } }], [mountOf('conf')]);
  const [mount] = await mounts(pod);
  const dir = volumeDir('configmap', 'conf');
  expect(mount?.readonly).toBe(true);
  expect(readdirSync(dir).filter((n) => !n.startsWith('..'))).toEqual(['a', 'b', 'bin']);
  expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('1');
  expect(readFileSync(join(dir, 'bin'))).toEqual(Buffer.from([0, 255]));
  expect(readlinkSync(join(dir, 'a'))).toBe('..data/a');
  expect(statSync(join(dir, 'a')).mode & 0o7777).toBe(0o644);
  const first = readlinkSync(join(dir, '..data'));
  expect(first).toMatch(/^\.\.2026_11_21_05_36_15\.\d+$/);
  await mounts(pod);
  expect(readlinkSync(join(dir, '..data'))).toBe(first);

  set({ a: 'new' });
  objects.change('configmap', 'ns', 'other');
  objects.change('configmap', 'ns', 'conf');
  await clock.advance(200);
  await mounts(pod); // in turn after the refresh
  expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('new');
  expect(readdirSync(dir).filter((n) => n.startsWith('..2'))).toEqual([readlinkSync(join(dir, '..data'))]);
  expect(existsSync(join(dir, 'b'))).toBe(false);
});

test('K15: labels that a volume shows are brought up to date when the pod changes, without another mount', async () => {
  const labels = { fieldRef: { fieldPath: 'metadata.labels' } };
  const volumes: Volume[] = [{ name: 'v', downwardAPI: { items: [{ path: 'labels', ...labels }] } }];
  const pod = podOf(volumes, [mountOf('v')]);
  const labelled = (value: string): Pod => ({
    ...pod,
    metadata: { ...pod.metadata, labels: { key: value } },
  });
  const ready = await manager.mountPod(labelled('one'), signal);
  const shown = (): string => readFileSync(join(volumeDir('downward-api', 'v'), 'labels'), 'utf8');
  expect(shown()).toContain('key="one"');
  manager.podChanged(labelled('two'));
  await clock.advance(200);
  const [container] = pod.spec.containers;
  if (container !== undefined) await ready.containerMounts(container, new Map()); // in turn after the refresh
  expect(shown()).toContain('key="two"');
});

test('K15: a crash in the middle of an update is repaired by the next one', async () => {
  objects.configMaps.set('ns/conf', { metadata: { name: 'conf' }, data: { a: '1', b: '2' } });
  const pod = podOf([{ name: 'conf', configMap: { name: 'conf' } }], [mountOf('conf')]);
  await mounts(pod);
  const dir = volumeDir('configmap', 'conf');
  rmSync(join(dir, 'b')); // the swap was done, the links were not
  mkdirSync(join(dir, '..2026_01_01_00_00_00.1'));
  symlinkSync('nowhere', join(dir, '..data_tmp'));
  start();
  await mounts(pod);
  expect(readFileSync(join(dir, 'b'), 'utf8')).toBe('2');
  expect(readdirSync(dir).sort()).toEqual([readlinkSync(join(dir, '..data')), '..data', 'a', 'b'].sort());
});

test('K15: fsGroup owns the directory, the links and the files of read-only volumes', async () => {
  objects.configMaps.set('ns/conf', { metadata: { name: 'conf' }, data: { a: '1' } });
  const source = { name: 'conf', defaultMode: 0o400 };
  const pod = podOf([{ name: 'conf', configMap: source }], [mountOf('conf')], {
    securityContext: { fsGroup: 77 },
  });
  for (let sync = 0; sync < 2; sync++) {
    await mounts(pod);
    const dir = volumeDir('configmap', 'conf');
    const look = (path: string) => [lstatSync(path).gid, lstatSync(path).mode & 0o7777];
    expect(look(dir)).toEqual([77, 0o2777]);
    expect(look(join(dir, 'a'))).toEqual([77, 0o777]);
    expect(look(join(dir, readlinkSync(join(dir, '..data'))))).toEqual([77, 0o2755]);
    expect(look(realpathSync(join(dir, 'a')))).toEqual([77, 0o440]);
  }
});

test('K15: secret: in memory, modes as given; the files of an optional missing one are none', async () => {
  objects.secrets.set('ns/s', {
    metadata: { name: 's' },
    data: { key: Buffer.from('pw').toString('base64') },
  });
  const pod = podOf(
    [
      {
        name: 's',
        secret: { secretName: 's', defaultMode: 0o400, items: [{ key: 'key', path: 'deep/er/k' }] },
      },
      { name: 'none', secret: { secretName: 'missing', optional: true } },
    ],
    [mountOf('s'), mountOf('none')],
  );
  await mounts(pod);
  const dir = volumeDir('secret', 's');
  expect(readFileSync(join(dir, 'deep/er/k'), 'utf8')).toBe('pw');
  expect(statSync(join(dir, 'deep/er/k')).mode & 0o7777).toBe(0o400);
  expect((await readMountTable()).find((m) => m.mountPoint === dir)?.fsType).toBe('tmpfs');
  expect(readdirSync(volumeDir('secret', 'none')).filter((n) => !n.startsWith('..'))).toEqual([]);
});

test.each<{ volume: Volume; message: string }>([
  {
    volume: { name: 'v', configMap: { name: 'gone' } },
    message: 'MountVolume.SetUp failed for volume "v" : configmap "gone" not found',
  },
  {
    volume: { name: 'v', secret: { secretName: 'gone' } },
    message: 'MountVolume.SetUp failed for volume "v" : secret "gone" not found',
  },
  {
    volume: { name: 'v', configMap: { name: 'c', items: [{ key: 'k', path: 'p' }] } },
    message: 'MountVolume.SetUp failed for volume "v" : references non-existent config key: k',
  },
  {
    volume: { name: 'v', configMap: { name: 'c', items: [{ key: 'a', path: '../../etc/cron.d/x' }] } },
    message: 'MountVolume.SetUp failed for volume "v" : invalid path: must not contain \'..\'',
  },
  {
    volume: { name: 'v', hostPath: { path: '/nowhere/at/all', type: 'Directory' } },
    message:
      'MountVolume.SetUp failed for volume "v" : hostPath type check failed: /nowhere/at/all is not a directory',
  },
  {
    volume: { name: 'v', hostPath: { path: '/etc/passwd', type: 'Socket' } },
    message:
      'MountVolume.SetUp failed for volume "v" : hostPath type check failed: /etc/passwd is not a socket file',
  },
  {
    volume: { name: 'v', hostPath: { path: '/dev/null', type: 'BlockDevice' } },
    message:
      'MountVolume.SetUp failed for volume "v" : hostPath type check failed: /dev/null is not a block device',
  },
  {
    volume: { name: 'v', hostPath: { path: '/etc', type: 'File' } },
    message: 'MountVolume.SetUp failed for volume "v" : hostPath type check failed: /etc is not a file',
  },
  {
    volume: { name: 'v', gcePersistentDisk: { pdName: 'x' } },
    message: 'MountVolume.SetUp failed for volume "v" : no volume plugin matched',
  },
  { volume: { name: '../v', emptyDir: {} }, message: 'volume name "../v" is not a DNS label' },
])('K15: a volume that cannot be mounted says why: $message', async ({ volume, message }) => {
  objects.configMaps.set('ns/c', { metadata: { name: 'c' }, data: { a: '' } });
  await expect(mounts(podOf([volume], [mountOf(volume.name)]))).rejects.toThrow(message);
});

// The API refuses such keys; an API server that was tricked or replaced does not.
test.each([
  '',
  '.',
  '..',
  '..data',
  '..data_tmp',
  '../x',
  '/etc/cron.d/x',
  'a/../../x',
  'a//b',
  'a\0b',
  'x'.repeat(256),
])(
  'a ConfigMap or Secret with the key %j is not mounted, and nothing is written outside of the volume',
  async (key) => {
    objects.configMaps.set('ns/c', { metadata: { name: 'c' }, data: { good: '1', [key]: 'evil' } });
    objects.secrets.set('ns/s', { metadata: { name: 's' }, data: { good: 'MQ==', [key]: 'ZXZpbA==' } });
    const sources: Partial<Volume>[] = [
      { configMap: { name: 'c' } },
      { secret: { secretName: 's' } },
      { projected: { sources: [{ configMap: { name: 'c' } }] } },
      { configMap: { name: 'c', items: [{ key: 'good', path: key }] } },
    ];
    for (const source of sources)
      await expect(mounts(podOf([{ name: 'v', ...source }], [mountOf('v')]))).rejects.toThrow('invalid path');
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(files.map(({ name }) => name)).toEqual([]);
  },
);

test('K15: hostPath: ...OrCreate types create, char devices are recognised', async () => {
  const dir = join(root, 'a/b');
  const file = join(root, 'file');
  const pod = podOf(
    [
      { name: 'd', hostPath: { path: dir, type: 'DirectoryOrCreate' } },
      { name: 'f', hostPath: { path: file, type: 'FileOrCreate' } },
      { name: 'n', hostPath: { path: '/dev/null', type: 'CharDevice' } },
    ],
    [mountOf('d', { mountPropagation: 'Bidirectional' }), mountOf('f', { readOnly: true }), mountOf('n')],
  );
  const found = await mounts(pod);
  expect(found.map((m) => [m.hostPath, m.readonly, m.propagation])).toEqual([
    [dir, false, 'bidirectional'],
    [file, true, 'private'],
    ['/dev/null', false, 'private'],
  ]);
  expect(statSync(dir).isDirectory()).toBe(true);
  expect(statSync(file).isFile()).toBe(true);
  await manager.unmountPod(UID, signal);
  expect(existsSync(file)).toBe(true);
});

test('K15: after two minutes of failing the message names the unmounted volumes as stock does', async () => {
  const pod = podOf([{ name: 'v', configMap: { name: 'gone' } }], [mountOf('v')]);
  await expect(mounts(pod)).rejects.toThrow(/^MountVolume.SetUp failed/);
  await clock.advance(123_000);
  await expect(mounts(pod)).rejects.toThrow(
    /^Unable to attach or mount volumes: unmounted volumes=\[v\], unattached volumes=\[\], failed to process volumes=\[\]: timed out waiting for the condition/,
  );
});

test('K15: projected: all sources in one directory; a token for one user is its own and 0600, and is renewed in time', async () => {
  objects.configMaps.set('ns/kube-root-ca.crt', {
    metadata: { name: 'kube-root-ca.crt' },
    data: { 'ca.crt': 'CA' },
  });
  const pod = podOf(
    [
      {
        name: 'api',
        projected: {
          sources: [
            { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            {
              clusterTrustBundle: { name: 'ca', path: 'anchors/ca.pem' },
            },
            {
              downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] },
            },
          ],
        },
      },
    ],
    [mountOf('api')],
    { securityContext: { runAsUser: 1234 } },
  );
  await mounts(pod);
  const dir = volumeDir('projected', 'api');
  expect(readdirSync(dir).filter((n) => !n.startsWith('..'))).toEqual([
    'anchors',
    'ca.crt',
    'namespace',
    'token',
  ]);
  expect(readFileSync(join(dir, 'anchors/ca.pem'), 'utf8')).toBe('PEM');
  expect(readFileSync(join(dir, 'namespace'), 'utf8')).toBe('ns');
  const stat = statSync(join(dir, 'token'));
  expect([stat.uid, stat.mode & 0o7777]).toEqual([1234, 0o600]);
  tokens = ['second'];
  await clock.advance(3_600_500);
  await mounts(pod);
  expect(readFileSync(join(dir, 'token'), 'utf8')).toBe('second');
});

test('K15: podCertificate: the key for its user alone, the chain for all; both forgotten with the pod', async () => {
  const source = { signerName: 'example.com/ca', keyType: 'ED25519' };
  const sources = [
    { podCertificate: { ...source, credentialBundlePath: 'bundle.pem' } },
    { podCertificate: { ...source, keyPath: 'tls/key.pem', certificateChainPath: 'tls/cert.pem' } },
  ];
  const pod = podOf([{ name: 'tls', projected: { sources } }], [mountOf('tls')], {
    securityContext: { runAsUser: 1234 },
  });
  await mounts(pod);
  const dir = volumeDir('projected', 'tls');
  const shown = (path: string): unknown[] => {
    const { uid, mode } = statSync(join(dir, path));
    return [readFileSync(join(dir, path), 'utf8'), uid, mode & 0o7777];
  };
  expect(shown('bundle.pem')).toEqual(['ED25519 key\nchain of example.com/ca\n', 1234, 0o600]);
  expect(shown('tls/key.pem')).toEqual(['ED25519 key\n', 1234, 0o600]);
  expect(shown('tls/cert.pem')).toEqual(['chain of example.com/ca\n', 1234, 0o644]);
  expect((await readMountTable()).find(({ mountPoint }) => mountPoint === dir)?.fsType).toBe('tmpfs');
  await manager.unmountPod(UID, signal);
  expect(forgotten).toEqual([UID]);
});

describe('K15: subPath', () => {
  const pod = (mount: Partial<VolumeMount>, path: string): Pod =>
    podOf([{ name: 'v', hostPath: { path } }], [mountOf('v', mount)]);

  test('is created with the mode of the volume, bound, replaced for the next container and taken down', async () => {
    const volume = join(root, 'volume');
    mkdirSync(volume, { mode: 0o770 });
    chmodSync(volume, 0o770);
    const [mount] = await mounts(pod({ subPathExpr: 'logs/$(POD)' }, volume), new Map([['POD', 'web']]));
    const target = join(root, 'pods', UID, 'volume-subpaths/v/c/0');
    expect(mount?.hostPath).toBe(target);
    expect(statSync(join(volume, 'logs/web')).mode & 0o777).toBe(0o770);
    writeFileSync(join(target, 'f'), 'x');
    expect(readFileSync(join(volume, 'logs/web/f'), 'utf8')).toBe('x');
    await mounts(pod({ subPath: 'logs/web' }, volume));
    expect(mountsBelow(await readMountTable(), root).length).toBe(1);
    await manager.unmountPod(UID, signal);
    expect(existsSync(join(root, 'pods', UID, 'volume-subpaths'))).toBe(false);
    expect(readFileSync(join(volume, 'logs/web/f'), 'utf8')).toBe('x'); // never removed through the mount
  });

  test('a file of a configMap, through its links', async () => {
    objects.configMaps.set('ns/c', { metadata: { name: 'c' }, data: { 'a.conf': 'one' } });
    const [mount] = await mounts(
      podOf([{ name: 'v', configMap: { name: 'c' } }], [mountOf('v', { subPath: 'a.conf' })]),
    );
    expect(readFileSync(mount?.hostPath ?? '', 'utf8')).toBe('one');
    expect(lstatSync(mount?.hostPath ?? '').isFile()).toBe(true);
  });

  test.each([
    { subPath: 'out', what: 'an absolute link out of the volume' },
    { subPath: 'up/etc', what: 'a relative link out of the volume' },
    { subPath: 'out/new/dir', what: 'a link out of the volume, then something to create' },
  ])('$what is refused and nothing is created behind it', async ({ subPath }) => {
    const volume = join(root, 'volume');
    const outside = join(root, 'outside');
    mkdirSync(volume);
    mkdirSync(join(outside, 'etc'), { recursive: true });
    symlinkSync(outside, join(volume, 'out'));
    symlinkSync('../outside', join(volume, 'up'));
    await expect(mounts(pod({ subPath }, volume))).rejects.toThrow(
      /failed to (prepare subPath|create subPath directory) for volumeMount "v" of container "c"/,
    );
    expect(readdirSync(outside)).toEqual(['etc']);
    expect(mountsBelow(await readMountTable(), root)).toEqual([]);
  });

  test('a directory swapped for a link while the path is walked never leads out', async () => {
    const volume = join(root, 'volume');
    const outside = join(root, 'outside');
    mkdirSync(join(volume, 'd/sub'), { recursive: true });
    mkdirSync(join(outside, 'sub'), { recursive: true });
    writeFileSync(join(outside, 'sub/secret'), 'x');
    symlinkSync(outside, join(volume, 'link'));
    const ours = pod({ subPath: 'd/sub' }, volume);
    const over = new AbortController();
    const takePlace = (name: string): void => {
      for (;;) {
        try {
          renameSync(join(volume, name), join(volume, 'd'));
          return;
        } catch (err) {
          // What is missing is created: the walk may have made the directory meanwhile.
          if (!['EISDIR', 'ENOTEMPTY'].includes(errorCode(err) ?? '')) throw err;
          rmSync(join(volume, 'd'), { recursive: true });
        }
      }
    };
    const swap = (async () => {
      while (!over.signal.aborted) {
        renameSync(join(volume, 'd'), join(volume, 'aside'));
        takePlace('link');
        await new Promise((resolve) => setImmediate(resolve));
        renameSync(join(volume, 'd'), join(volume, 'link'));
        takePlace('aside');
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let i = 0; i < 60; i++) {
      try {
        const [mount] = await mounts(ours);
        expect(existsSync(join(mount?.hostPath ?? '', 'secret'))).toBe(false);
      } catch (err) {
        expect(err).toMatchObject({ name: 'ContainerConfigError' });
      }
    }
    over.abort();
    await swap;
  });

  test.each([
    { mount: { subPath: '/etc' }, message: 'must not be an absolute path' },
    { mount: { subPath: 'a/../../b' }, message: "must not contain '..'" },
    { mount: { subPathExpr: '$(MISSING)' }, message: 'missing value for MISSING' },
  ])('$message', async ({ mount, message }) => {
    await expect(mounts(pod(mount, root))).rejects.toThrow(message);
  });
});

test('K15: tear-down never removes through a mount that it does not know: it fails, and nothing is lost', async () => {
  const precious = join(root, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'data'), 'x');
  const pod = podOf([{ name: 'cache', emptyDir: {} }], [mountOf('cache')]);
  await mounts(pod);
  // A directory outside `volumes` has a bind mount of `volumes`' file system in it.
  const inside = join(volumeDir('empty-dir', 'cache'), 'bound');
  mkdirSync(inside);
  bindMount(precious, inside);
  await manager.unmountPod(UID, signal); // it is below the pod: unmounted first
  expect(readFileSync(join(precious, 'data'), 'utf8')).toBe('x');
});

test('K15: a volume in use by somebody stays, with the reason, until it is free', async () => {
  const pod = podOf([{ name: 'm', emptyDir: { medium: 'Memory' } }], [mountOf('m')]);
  await mounts(pod);
  const before = process.cwd();
  process.chdir(volumeDir('empty-dir', 'm'));
  try {
    await expect(manager.unmountPod(UID, signal)).rejects.toThrow(/EBUSY/);
  } finally {
    process.chdir(before);
  }
  await manager.unmountPod(UID, signal);
  expect(mountsBelow(await readMountTable(), root)).toEqual([]);
});
