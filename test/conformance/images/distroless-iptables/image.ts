import type { ImageRecipe } from '../recipe.ts';

/** Reads the node's connection tracking, privileged and in the node's network. */
export const distrolessIptables: ImageRecipe = {
  repository: 'registry.k8s.io/build-image/distroless-iptables',
  tags: ['v0.9.6'],
  layers: [
    { kind: 'shell' },
    {
      kind: 'debian',
      packages: ['bash', 'conntrack', 'grep', 'nftables'],
      programs: ['/usr/bin/bash', '/usr/bin/grep', '/usr/sbin/conntrack', '/usr/sbin/nft'],
    },
  ],
  config: { cmd: ['bash'] },
};
