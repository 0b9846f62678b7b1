/** The images of the project: what is in each, and how it starts. Tags and packing are the caller's. */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { copiedFile, filesIn, mergedDirectoryLinks, withSharedLibraries } from './debian_files.ts';
import type { ImageSpec } from './image.ts';
import { goProgram, required, strippedNode, type ImageDirectories } from './image_sources.ts';
import type { LayerEntry } from './layer.ts';

/** Versions of the stock programs that go into images; the cache folders are named by them. */
const STOCK_KUBERNETES = 'v1.36.3';
const STOCK_COREDNS = 'v1.14.6';

/** User and group of images that need no privileges. */
export const UNPRIVILEGED_USER = '65532:65532';

export type ImageContent = Omit<ImageSpec, 'refs'> & {
  /** For images with an SBOM: the esbuild metafile of the bundle inside. */
  readonly metafile?: string;
};

type Definition = (directories: ImageDirectories) => Promise<ImageContent>;

export const IMAGE_NAMES = [
  'pause',
  'coredns',
  'busybox',
  'agnhost',
  'webapp',
  'ts-scheduler',
  'ts-kube-proxy',
] as const;
export type ImageName = (typeof IMAGE_NAMES)[number];

export const DEFINITIONS: Readonly<Record<ImageName, Definition>> = {
  pause: async (directories) => ({
    compress: false,
    layers: [
      [program('/pause', await goProgram(join(directories.repoDir, 'deploy/images/pause'), directories))],
    ],
    config: { entrypoint: ['/pause'], user: '65535:65535' },
  }),

  webapp: async (directories) => ({
    compress: false,
    layers: [
      [program('/webapp', await goProgram(join(directories.repoDir, 'deploy/images/webapp'), directories))],
    ],
    config: { entrypoint: ['/webapp'], user: UNPRIVILEGED_USER },
  }),

  coredns: async ({ cacheDir }) => {
    const coredns = join(cacheDir, 'stock', `coredns-${STOCK_COREDNS}`, 'coredns');
    await required(coredns, 'build it with hack/stock-binaries');
    return {
      compress: false,
      layers: [[program('/coredns', coredns), ...(await certificateAuthorities())]],
      // No user: it may listen on port 53 with NET_BIND_SERVICE; deploy/manifests/coredns.yaml needs neither.
      config: { entrypoint: ['/coredns'] },
    };
  },

  busybox: async () => ({
    compress: false,
    layers: [await busyboxRoot()],
    config: { entrypoint: ['/bin/sh'] },
  }),

  agnhost: async ({ cacheDir }) => {
    const agnhost = join(cacheDir, 'stock', STOCK_KUBERNETES, 'agnhost');
    await required(agnhost, 'build it with hack/stock-binaries');
    return {
      compress: false,
      layers: [await busyboxRoot(), [program('/agnhost', agnhost)]],
      config: { entrypoint: ['/agnhost'], cmd: ['pause'] },
    };
  },

  'ts-scheduler': async (directories) => daemonImage('ts-scheduler', directories, [], UNPRIVILEGED_USER),

  // Root, because iptables refuses other users; the manifest leaves it CAP_NET_ADMIN and little else.
  'ts-kube-proxy': async (directories) =>
    daemonImage('ts-kube-proxy', directories, await netfilterTools(), undefined),
};

async function daemonImage(
  daemon: string,
  directories: ImageDirectories,
  tools: readonly LayerEntry[],
  user: `${number}:${number}` | undefined,
): Promise<ImageContent> {
  const node = await strippedNode(directories);
  const dist = join(directories.repoDir, 'dist');
  const bundle = join(dist, daemon);
  await required(bundle, 'run npm run build');
  const folder = '/usr/lib/ts-kubernetes';
  const ours: LayerEntry[] = [
    program(`${folder}/${daemon}`, bundle),
    // The bundle is CommonJS, and its file has no ending that says so.
    { type: 'file', path: `${folder}/package.json`, content: '{ "type": "commonjs" }\n' },
  ];
  for (const name of await readdir(dist)) {
    if (!name.endsWith('.node')) continue;
    ours.push({ type: 'file', path: `${folder}/${name}`, content: { source: join(dist, name) } });
  }
  return {
    compress: true,
    // What changes least lies lowest: both daemons share the first layer.
    layers: [
      [
        ...(await mergedDirectoryLinks()),
        ...(await withoutProgram(node)),
        program('/usr/bin/node', node),
        ...(await certificateAuthorities()),
        ...accounts(),
      ],
      ...(tools.length === 0 ? [] : [tools]),
      ours,
    ],
    config: {
      entrypoint: ['/usr/bin/node', `${folder}/${daemon}`],
      ...(user === undefined ? {} : { user }),
      env: { NODE_ENV: 'production' },
      labels: { 'org.opencontainers.image.title': daemon, 'org.opencontainers.image.licenses': 'Apache-2.0' },
    },
    metafile: join(dist, `${daemon}.meta.json`),
  };
}

/** Shared libraries of a program that itself goes elsewhere in the image. */
async function withoutProgram(path: string): Promise<LayerEntry[]> {
  const entries = await withSharedLibraries([path]);
  return entries.filter((entry) => entry.type !== 'file' || sourceOf(entry.content) !== path);
}

function sourceOf(content: string | { readonly source: string }): string | undefined {
  return typeof content === 'string' ? undefined : content.source;
}

/** iptables (both back ends, with the extensions that are loaded at run time), nft, conntrack. */
async function netfilterTools(): Promise<LayerEntry[]> {
  const multi = ['/usr/sbin/xtables-nft-multi', '/usr/sbin/xtables-legacy-multi'];
  for (const path of [...multi, '/usr/sbin/nft', '/usr/sbin/conntrack']) {
    await required(path, 'install iptables, nftables and conntrack (hack/up does)');
  }
  const extensions = [
    ...(await filesIn('/usr/lib/x86_64-linux-gnu/xtables', /^lib(xt|ipt|ip6t)_\w+\.so$/)),
    ...(await filesIn('/usr/lib/aarch64-linux-gnu/xtables', /^lib(xt|ipt|ip6t)_\w+\.so$/)),
  ];
  const entries = await withSharedLibraries([
    ...multi,
    '/usr/sbin/nft',
    '/usr/sbin/conntrack',
    ...extensions,
  ]);
  for (const family of ['iptables', 'ip6tables']) {
    for (const command of ['', '-save', '-restore']) {
      entries.push(
        { type: 'symlink', path: `/usr/sbin/${family}${command}`, target: 'xtables-nft-multi' },
        { type: 'symlink', path: `/usr/sbin/${family}-nft${command}`, target: 'xtables-nft-multi' },
        { type: 'symlink', path: `/usr/sbin/${family}-legacy${command}`, target: 'xtables-legacy-multi' },
      );
    }
  }
  // Names of protocols and services in rules, where the machine has the lists.
  for (const path of ['/etc/protocols', '/etc/services']) {
    entries.push(...(await copiedFile(path).catch(() => [])));
  }
  return entries;
}

/** A small root with busybox and a link for each of its commands. */
async function busyboxRoot(): Promise<LayerEntry[]> {
  const busybox = '/bin/busybox';
  await required(busybox, 'install busybox-static (hack/up does)');
  const { stdout } = await promisify(execFile)(busybox, ['--list'], { timeout: 10_000 });
  const commands = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
  return [
    program('/bin/busybox', busybox),
    ...commands.map((name): LayerEntry => ({ type: 'symlink', path: `/bin/${name}`, target: 'busybox' })),
    // Scripts begin with these paths.
    { type: 'symlink', path: '/usr/bin/env', target: '/bin/env' },
    { type: 'symlink', path: '/sbin', target: 'bin' },
    { type: 'directory', path: '/tmp', mode: 0o1777 },
    { type: 'directory', path: '/root', mode: 0o700 },
    { type: 'directory', path: '/var/run' },
    ...accounts(),
  ];
}

function accounts(): LayerEntry[] {
  return [
    {
      type: 'file',
      path: '/etc/passwd',
      content:
        'root:x:0:0:root:/root:/bin/sh\n' +
        'nobody:x:65534:65534:nobody:/:/bin/false\n' +
        'nonroot:x:65532:65532:nonroot:/:/bin/false\n',
    },
    { type: 'file', path: '/etc/group', content: 'root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n' },
    { type: 'file', path: '/etc/nsswitch.conf', content: 'hosts: files dns\n' },
  ];
}

/** The machine's list of certificate authorities; empty where there is none. */
async function certificateAuthorities(): Promise<LayerEntry[]> {
  return copiedFile('/etc/ssl/certs/ca-certificates.crt').catch(() => []);
}

function program(path: string, source: string): LayerEntry {
  return { type: 'file', path, mode: 0o755, content: { source } };
}
