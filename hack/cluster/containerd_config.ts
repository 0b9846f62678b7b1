/** Renders containerd's configuration for the versions that distributions carry. */

export interface ContainerdConfigOptions {
  /** As `containerd --version` prints it: decides the format (version 2 up to 1.7, version 3 from 2.0). */
  readonly version: string;
  readonly sandboxImage: string;
  readonly cniPluginDir: string;
  /** A process without CAP_SYS_RESOURCE cannot lower oom_score_adj: containers then keep containerd's own. */
  readonly restrictOomScoreAdj: boolean;
  /** systemd makes the groups of containers, not runc itself. Default: no. */
  readonly systemdCgroup?: boolean;
}

/** Where a node has its mirrors of registries: `HOST/hosts.toml` in it, read at each pull. */
export const REGISTRY_HOSTS_DIR = '/var/lib/containerd/certs.d';

const UNUSED_PLUGINS = [
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.snapshotter.v1.blockfile',
  'io.containerd.internal.v1.opt',
  'io.containerd.internal.v1.tracing',
  'io.containerd.tracing.processor.v1.otlp',
  'io.containerd.nri.v1.nri',
];

/** The number that leads a `containerd --version` line, e.g. `1.7.24`. */
export function parseContainerdVersion(output: string): string | undefined {
  return /\sv?(\d+\.\d+\.\d+)/.exec(output)?.[1];
}

/** The whole config.toml. Paths are those of the node: standard ones. */
export function containerdConfig(options: ContainerdConfigOptions): string {
  const text = JSON.stringify;
  const [major = 0, minor = 0] = options.version.split('.').map(Number);
  const top = [
    `version = ${major >= 2 ? 3 : 2}`,
    'root = "/var/lib/containerd"',
    'state = "/run/containerd"',
    'oom_score = 0',
    `disabled_plugins = ${text(UNUSED_PLUGINS)}`,
    '[grpc]',
    '  address = "/run/containerd/containerd.sock"',
    '[ttrpc]',
    '  address = "/run/containerd/containerd.sock.ttrpc"',
  ];
  const runc = (prefix: string): string[] => [
    `[plugins.${prefix}.containerd.runtimes.runc]`,
    '  runtime_type = "io.containerd.runc.v2"',
    `[plugins.${prefix}.containerd.runtimes.runc.options]`,
    `  SystemdCgroup = ${options.systemdCgroup ?? false}`,
  ];
  if (major >= 2) {
    const [runtime, images, server] = [
      "'io.containerd.cri.v1.runtime'",
      "'io.containerd.cri.v1.images'",
      "'io.containerd.grpc.v1.cri'",
    ];
    return lines([
      ...top,
      `[plugins.${runtime}]`,
      `  restrict_oom_score_adj = ${options.restrictOomScoreAdj}`,
      `[plugins.${runtime}.cni]`,
      // A list since 2.1.
      major > 2 || minor >= 1
        ? `  bin_dirs = ${text([options.cniPluginDir])}`
        : `  bin_dir = ${text(options.cniPluginDir)}`,
      '  conf_dir = "/etc/cni/net.d"',
      `[plugins.${runtime}.containerd]`,
      '  default_runtime_name = "runc"',
      ...runc(runtime),
      `[plugins.${images}]`,
      '  snapshotter = "overlayfs"',
      `[plugins.${images}.registry]`,
      `  config_path = ${text(REGISTRY_HOSTS_DIR)}`,
      `[plugins.${images}.pinned_images]`,
      `  sandbox = ${text(options.sandboxImage)}`,
      `[plugins.${server}]`,
      '  stream_server_address = "127.0.0.1"',
    ]);
  }
  const cri = '"io.containerd.grpc.v1.cri"';
  return lines([
    ...top,
    `[plugins.${cri}]`,
    `  sandbox_image = ${text(options.sandboxImage)}`,
    `  restrict_oom_score_adj = ${options.restrictOomScoreAdj}`,
    '  stream_server_address = "127.0.0.1"',
    `[plugins.${cri}.cni]`,
    `  bin_dir = ${text(options.cniPluginDir)}`,
    '  conf_dir = "/etc/cni/net.d"',
    `[plugins.${cri}.registry]`,
    `  config_path = ${text(REGISTRY_HOSTS_DIR)}`,
    `[plugins.${cri}.containerd]`,
    '  snapshotter = "overlayfs"',
    '  default_runtime_name = "runc"',
    ...runc(cri),
  ]);
}

/**
 * The pod network of a node (CNI 1.0.0 conflist). Point-to-point links rather than a bridge: every packet between
 * pods is routed, so the node's packet filter sees replies to services too, with or without br_netfilter.
 */
export function cniConfig(podNetwork: string): string {
  return `${JSON.stringify(
    {
      cniVersion: '1.0.0',
      name: 'ts-kubernetes',
      plugins: [
        {
          type: 'ptp',
          ipMasq: false,
          mtu: 1500,
          ipam: {
            type: 'host-local',
            dataDir: '/run/cni-ipam',
            ranges: [[{ subnet: podNetwork }]],
            routes: [{ dst: '0.0.0.0/0' }],
          },
        },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    },
    undefined,
    2,
  )}\n`;
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
