import { nullLog } from '../../base/log.ts';
import type { VolumeMount } from '../../api/types.ts';
import { containerMounts } from './container_mounts.ts';

const context = {
  volumes: new Map([
    ['image', { hostPath: '', readOnly: true }],
    ['dir', { hostPath: '/var/x', readOnly: false }],
    ['disk', { hostPath: '/dev/x', readOnly: false, block: true }],
  ]),
  podDir: '/nowhere',
  log: nullLog,
  recursiveReadOnly: false,
};
const of = (mount: VolumeMount) =>
  containerMounts({ name: 'a', volumeMounts: [mount] }, new Map([['SUB', 'etc']]), context).then(
    ({ mounts }) => mounts[0],
    (error: unknown) => String(error),
  );
const image = (subPath: string) => ({ hostPath: '', image: { volume: 'image', subPath }, readonly: true });

test.each<[string, Partial<VolumeMount>, unknown]>([
  ['an image is for the runtime to mount, read-only', { name: 'image' }, image('')],
  ['a part of an image', { name: 'image', subPath: 'etc' }, image('etc')],
  ['a part of an image by expression', { name: 'image', subPathExpr: '$(SUB)/x' }, image('etc/x')],
  ['a directory', { name: 'dir', readOnly: true }, { hostPath: '/var/x', readonly: true }],
])('K15: %s', async (_, mount, want) => {
  expect(await of({ name: '', mountPath: '/m', ...mount })).toMatchObject(
    typeof want === 'object' ? { containerPath: '/m', ...want } : {},
  );
});

test.each<[string, Partial<VolumeMount>, RegExp]>([
  ['a path out of an image', { name: 'image', subPath: '../etc' }, /must not contain '..'/],
  ['an absolute path in an image', { name: 'image', subPath: '/etc' }, /must not be an absolute path/],
  ['a variable that is not set', { name: 'image', subPathExpr: '$(NO)' }, /missing value for NO/],
  ['a volume that is not there', { name: 'no' }, /cannot find volume "no" to mount into container "a"/],
  ['a block volume', { name: 'disk' }, /cannot find volume "disk" to mount into container "a"/],
])('K15: refused: %s', async (_, mount, want) => {
  expect(await of({ name: '', mountPath: '/m', ...mount })).toMatch(want);
});
