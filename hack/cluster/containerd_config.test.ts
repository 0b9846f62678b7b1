import {
  cniConfig,
  containerdConfig,
  parseContainerdVersion,
  REGISTRY_HOSTS_DIR,
} from './containerd_config.ts';

test.each([
  ['containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3', '1.6.20'],
  ['containerd github.com/containerd/containerd 1.7.24 ', '1.7.24'],
  ['containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7193e4e490e9fbdc236c0e811ccaba3376', '2.1.4'],
  ['no version here', undefined],
])('%p', (output, want) => {
  expect(parseContainerdVersion(output)).toBe(want);
});

const options = {
  sandboxImage: 'ts-kubernetes.local/pause:dev',
  cniPluginDir: '/usr/lib/cni',
  restrictOomScoreAdj: true,
};

test.each([
  ['1.6.20', 'version = 2', 'sandbox_image = "ts-kubernetes.local/pause:dev"', 'bin_dir = "/usr/lib/cni"'],
  ['1.7.24', 'version = 2', 'sandbox_image = "ts-kubernetes.local/pause:dev"', 'bin_dir = "/usr/lib/cni"'],
  ['2.0.5', 'version = 3', 'sandbox = "ts-kubernetes.local/pause:dev"', 'bin_dir = "/usr/lib/cni"'],
  ['2.1.4', 'version = 3', 'sandbox = "ts-kubernetes.local/pause:dev"', 'bin_dirs = ["/usr/lib/cni"]'],
])('containerd %s', (version, ...lines) => {
  const config = containerdConfig({ ...options, version });
  for (const line of [
    ...lines,
    'restrict_oom_score_adj = true',
    'SystemdCgroup = false',
    `config_path = "${REGISTRY_HOSTS_DIR}"`,
  ])
    expect(config).toContain(line);
});

test('a machine that can lower oom_score_adj lets containers have theirs', () => {
  expect(containerdConfig({ ...options, version: '1.7.0', restrictOomScoreAdj: false })).toContain(
    'restrict_oom_score_adj = false',
  );
});

test('pods get addresses of their node', () => {
  expect(JSON.parse(cniConfig('10.100.64.0/24'))).toMatchObject({
    cniVersion: '1.0.0',
    plugins: [{ type: 'ptp', ipam: { ranges: [[{ subnet: '10.100.64.0/24' }]] } }, { type: 'portmap' }],
  });
});
