import type { ImageRecipe } from '../recipe.ts';

/** No entrypoint: specs give `sh -c ...` as arguments. */
export const busybox: ImageRecipe = {
  repository: 'registry.k8s.io/e2e-test-images/busybox',
  tags: ['1.37.0-1', '1.36.1-1'],
  layers: [
    { kind: 'shell' },
    // The shell of Debian's busybox drops variables whose names no shell can use; specs look for `data-1` in `env`.
    {
      kind: 'debian',
      packages: ['bash-static'],
      programs: [],
      files: ['/bin/bash-static'],
      links: { '/usr/bin/sh': 'bash-static' },
    },
  ],
  config: { cmd: ['sh'] },
};
