import type { ImageRecipe } from '../recipe.ts';

/** Resolves names as glibc does: dig and getent, and what they load. */
export const glibcDnsTesting: ImageRecipe = {
  repository: 'registry.k8s.io/e2e-test-images/glibc-dns-testing',
  tags: ['2.0.0'],
  layers: [
    { kind: 'shell' },
    {
      kind: 'debian',
      packages: ['bash', 'bind9-dnsutils', 'bind9-host', 'libc-bin'],
      programs: ['/usr/bin/bash', '/usr/bin/dig', '/usr/bin/getent', '/usr/bin/host', '/usr/bin/nslookup'],
    },
  ],
  config: { cmd: ['bash'] },
};
