/** Local, hostPath and block volumes for real: directories, a formatted loop device, and what is left afterwards. Needs root. */
import { mkdir, mkdtemp, open, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../../api/types.ts';
import { nullLog } from '../../../base/log.ts';
import { systemClock } from '../../../base/clock.ts';
import { run } from '../../../base/subprocess.ts';
import { mountsBelow, readMountTable } from '../mount_table.ts';
import { createVolumeManager } from '../manager.ts';
import type { VolumeManager } from '../../contracts.ts';
import { claimPlugin } from './claim_plugin.ts';
import { hostPathSource } from './host_path.ts';
import { localSource } from './local.ts';
import { nfsPersistentSource, nfsPlugin, nfsSource } from './nfs.ts';

let root: string;
let volumes: Map<string, PersistentVolume>;
let claims: Map<string, PersistentVolumeClaim>;
let reads: number;
const signal = new AbortController().signal;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'tsk-pv-')));
  await mkdir(join(root, 'disk'));
  volumes = new Map();
  claims = new Map();
  reads = 0;
});
afterEach(async () => {
  for (const { mountPoint } of mountsBelow(await readMountTable(), root))
    await run(['umount', mountPoint], { timeoutMs: 10_000 });
  await rm(root, { recursive: true, force: true });
});

function manager(): VolumeManager {
  const get = <T>(value: T | undefined, what: string): Promise<T> => {
    reads++;
    return value === undefined ? Promise.reject(new Error(`${what} not found`)) : Promise.resolve(value);
  };
  return createVolumeManager({
    dirs: { root },
    plugins: [
      nfsPlugin,
      claimPlugin({
        reader: {
          claim: (_namespace, name) => get(claims.get(name), name),
          volume: (name) => get(volumes.get(name), name),
        },
        sources: [localSource, hostPathSource, nfsPersistentSource],
        node: () => ({ metadata: { name: 'n' } }),
      }),
    ],
    objects: { register: () => undefined, unregister: () => undefined, onChange: () => () => undefined },
    tokens: { forget: () => undefined },
    recursiveReadOnly: () => false,
    clock: systemClock,
    log: nullLog,
  });
}

function provide(spec: NonNullable<PersistentVolume['spec']>): void {
  const claimRef = { uid: 'claim-uid' };
  volumes.set('pv', {
    metadata: { name: 'pv' },
    spec: { accessModes: ['ReadWriteOnce'], ...spec, claimRef },
  });
  claims.set('c', {
    metadata: { name: 'c', namespace: 'ns', uid: 'claim-uid' },
    spec: { volumeName: 'pv' },
    status: { phase: 'Bound' },
  });
}

function podOf(uid: string, spec: Partial<Pod['spec']> = {}): Pod {
  return {
    metadata: { name: 'p', namespace: 'ns', uid },
    spec: {
      containers: [{ name: 'c', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'c' } }],
      ...spec,
    },
  };
}

async function hostPathOf(volumeManager: VolumeManager, pod: Pod): Promise<string> {
  await mkdir(join(root, 'pods', pod.metadata.uid ?? ''), { recursive: true });
  const mounted = await volumeManager.mountPod(pod, signal);
  const [container] = pod.spec.containers;
  if (container === undefined) throw new Error('no container');
  const { mounts } = await mounted.containerMounts(container, new Map());
  return mounts[0]?.hostPath ?? '';
}

test('a directory is bound into two pods; the end of one leaves the other and the contents', async () => {
  provide({ local: { path: join(root, 'disk') } });
  const subject = manager();
  const [one, two] = [podOf('uid-1', { securityContext: { fsGroup: 1234 } }), podOf('uid-2')];
  const path = await hostPathOf(subject, one);
  expect(path).toBe(join(root, 'pods/uid-1/volumes/kubernetes.io~local-volume/pv'));
  await writeFile(join(path, 'file'), 'kept');
  expect((await stat(path)).gid).toBe(1234);
  const second = await hostPathOf(subject, two);
  expect(await readFile(join(second, 'file'), 'utf8')).toBe('kept');
  // The second pod's group would lock the first one out.
  const third = podOf('uid-3', { securityContext: { fsGroup: 99 } });
  await hostPathOf(subject, third);
  expect((await stat(path)).gid).toBe(1234);

  const before = reads;
  await hostPathOf(subject, one);
  expect(reads).toBe(before);
  // A kubelet that was started anew finds the mount.
  expect(await hostPathOf(manager(), one)).toBe(path);
  expect(mountsBelow(await readMountTable(), path)).toHaveLength(1);

  await subject.unmountPod('uid-1', signal);
  expect(await readFile(join(second, 'file'), 'utf8')).toBe('kept');
  await subject.unmountPod('uid-2', signal);
  await subject.unmountPod('uid-3', signal);
  expect(mountsBelow(await readMountTable(), join(root, 'pods'))).toEqual([]);
  expect(await readFile(join(root, 'disk/file'), 'utf8')).toBe('kept');
});

test('ReadWriteOncePod: the second pod waits for the end of the first', async () => {
  provide({ local: { path: join(root, 'disk') }, accessModes: ['ReadWriteOncePod'] });
  const subject = manager();
  await hostPathOf(subject, podOf('uid-1'));
  await expect(hostPathOf(subject, podOf('uid-2'))).rejects.toThrow(
    'volume uses the ReadWriteOncePod access mode and is already in use by another pod',
  );
  await subject.unmountPod('uid-1', signal);
  await expect(hostPathOf(subject, podOf('uid-2'))).resolves.toContain('uid-2');
  await subject.unmountPod('uid-2', signal);
});

test.each([
  ['that is not there', 'nowhere', 'does not exist'],
  ['that is a file', 'file', 'is neither a directory nor a block device'],
])('a path %s', async (_what, name, message) => {
  await writeFile(join(root, 'file'), '');
  provide({ local: { path: join(root, name) } });
  await expect(hostPathOf(manager(), podOf('uid-1'))).rejects.toThrow(message);
});

test('a hostPath volume is the path itself, and a claim that waits is told', async () => {
  provide({ hostPath: { path: join(root, 'disk') } });
  expect(await hostPathOf(manager(), podOf('uid-1'))).toBe(join(root, 'disk'));
  claims.set('c', { metadata: { name: 'c', namespace: 'ns', uid: 'u' }, status: { phase: 'Pending' } });
  await expect(hostPathOf(manager(), podOf('uid-2'))).rejects.toThrow(
    'MountVolume.SetUp failed for volume "data" : error processing PVC ns/c: PVC is not bound',
  );
});

test('NFS sources, and what the mount program says reaches the pod', async () => {
  expect(nfsSource({ server: 'fd00::1', path: '/x' })).toBe('[fd00::1]:/x');
  expect(nfsSource({ server: 'files', path: '/x' })).toBe('files:/x');
  provide({
    nfs: { server: '127.0.0.1', path: '/nowhere' },
    mountOptions: ['port=1', 'retry=0', 'proto=tcp'],
  });
  await expect(hostPathOf(manager(), podOf('uid-1'))).rejects.toThrow(/mount.*nfs/s);
  await manager().unmountPod('uid-1', signal);
});

/** A loop device over a new file of 16 MiB; `undefined` where the machine has none to give. */
async function loopDevice(): Promise<string> {
  const image = join(root, 'image');
  const file = await open(image, 'w');
  await file.truncate(16 * 1024 * 1024);
  await file.close();
  const { stdout } = await run(['losetup', '--find', '--show', image], { timeoutMs: 10_000, check: true });
  return stdout.toString().trim();
}

test('a device: as block volume it is handed on, as file system it is formatted once and mounted', async () => {
  const device = await loopDevice();
  try {
    provide({ local: { path: device }, volumeMode: 'Block' });
    const container = { name: 'c', volumeDevices: [{ name: 'data', devicePath: '/dev/data' }] };
    const block = podOf('uid-1', { containers: [container] });
    await mkdir(join(root, 'pods/uid-1'), { recursive: true });
    const subject = manager();
    const mounted = await subject.mountPod(block, signal);
    expect((await mounted.containerMounts(container, new Map())).devices).toEqual([
      { hostPath: device, containerPath: '/dev/data', permissions: 'mrw' },
    ]);
    await subject.unmountPod('uid-1', signal);

    provide({ local: { path: device, fsType: 'ext4' } });
    const path = await hostPathOf(subject, podOf('uid-2'));
    await writeFile(join(path, 'file'), 'kept');
    await subject.unmountPod('uid-2', signal);
    const again = await hostPathOf(subject, podOf('uid-3'));
    expect(await readFile(join(again, 'file'), 'utf8')).toBe('kept');
    await subject.unmountPod('uid-3', signal);
    expect(mountsBelow(await readMountTable(), root)).toEqual([]);
  } finally {
    await run(['losetup', '--detach', device], { timeoutMs: 10_000 });
  }
});
