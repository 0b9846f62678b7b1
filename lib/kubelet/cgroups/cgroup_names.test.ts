import { cgroupParent, cgroupPath, parseCgroupRoot, podCgroup, podUidOf, qosCgroup } from './cgroup_names.ts';
import { parseHierarchy } from './hierarchy.ts';

test.each([
  ['Guaranteed', '/kubepods/pod1-2', 'kubepods-pod1_2.slice', 'kubepods.slice/kubepods-pod1_2.slice'],
  [
    'Burstable',
    '/kubepods/burstable/pod1-2',
    'kubepods-burstable-pod1_2.slice',
    'kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice',
  ],
] as const)('%s pods', (qos, cgroupfs, slice, path) => {
  const name = podCgroup([], qos, '1-2');
  expect([
    cgroupParent(name, 'cgroupfs'),
    cgroupParent(name, 'systemd'),
    cgroupPath(name, 'systemd'),
  ]).toEqual([cgroupfs, slice, path]);
});

test.each([
  ['', '/kubepods/besteffort'],
  ['/', '/kubepods/besteffort'],
  ['/a/b', '/a/b/kubepods/besteffort'],
])('K20: below cgroupRoot %j', (root, want) => {
  expect(cgroupParent(qosCgroup(parseCgroupRoot(root), 'BestEffort'), 'cgroupfs')).toBe(want);
});

test.each([
  ['pod1-2', 'cgroupfs', '1-2'],
  ['burstable', 'cgroupfs', undefined],
  ['kubepods-burstable-pod1_2.slice', 'systemd', '1-2'],
  ['kubepods-burstable.slice', 'systemd', undefined],
] as const)('uid of %s under %s', (directory, driver, want) =>
  expect(podUidOf(directory, driver)).toBe(want),
);

test('K20: v1: controllers by their mount points, the unified one beside has none but holds groups, too', () => {
  const hierarchy = parseHierarchy(
    [
      'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0',
      'cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0',
      'cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0',
      'cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0',
    ].join('\n'),
  );
  expect([hierarchy.version, hierarchy.mounts.get('cpuacct'), hierarchy.roots]).toEqual([
    1,
    '/sys/fs/cgroup/cpu,cpuacct',
    ['cpu,cpuacct', 'memory', 'systemd', 'unified'].map((name) => `/sys/fs/cgroup/${name}`),
  ]);
});

test('K20: v2', () => {
  const { version, roots } = parseHierarchy('cgroup2 /sys/fs/cgroup cgroup2 rw 0 0');
  expect([version, roots]).toEqual([2, ['/sys/fs/cgroup']]);
});
