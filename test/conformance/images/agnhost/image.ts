import { pause } from '../pause/image.ts';
import type { ImageRecipe } from '../recipe.ts';

/** What the suite runs inside of agnhost containers beside agnhost itself. */
const tools = {
  kind: 'debian',
  packages: [
    'bash',
    'bind9-dnsutils',
    'bind9-host',
    'curl',
    'iperf',
    'iproute2',
    'libc-bin',
    'netcat-openbsd',
    'util-linux',
    'wget',
  ],
  programs: [
    '/usr/bin/bash',
    '/usr/bin/curl',
    '/usr/bin/dig',
    '/usr/bin/getent',
    '/usr/bin/host',
    '/usr/bin/ip',
    '/usr/bin/iperf',
    '/usr/bin/nc.openbsd',
    '/usr/bin/nsenter',
    '/usr/bin/nslookup',
    '/usr/bin/ss',
    '/usr/bin/unshare',
    '/usr/bin/wget',
  ],
  links: { '/usr/bin/nc': 'nc.openbsd', '/usr/local/bin/iperf': '/usr/bin/iperf' },
} as const;

export const agnhost: ImageRecipe = {
  repository: 'registry.k8s.io/e2e-test-images/agnhost',
  tags: ['2.63.0', '2.55'],
  layers: [
    {
      kind: 'shell',
      accounts: [
        { name: 'user-defined-in-image', id: 1000, groups: [{ name: 'group-defined-in-image', id: 50_000 }] },
      ],
    },
    tools,
    { kind: 'stock', programs: { agnhost: '/agnhost', coredns: '/coredns' } },
    {
      kind: 'files',
      entries: [
        { type: 'symlink', path: '/agnhost-2', target: 'agnhost' },
        { type: 'directory', path: '/uploads' },
        // Like busybox's, which Debian builds so that it crashes with -T: no second try of what timed out.
        { type: 'file', path: '/etc/wgetrc', content: 'tries = 1\n' },
      ],
    },
    { kind: 'certificate', certificate: '/localhost.crt', key: '/localhost.key' },
    { kind: 'registry', folder: '/var/registry', images: { 'pause:testing': pause } },
  ],
  config: { entrypoint: ['/agnhost'], cmd: ['pause'] },
};
