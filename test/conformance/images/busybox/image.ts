import type { ImageRecipe } from '../recipe.ts';

/** No entrypoint: specs give `sh -c ...` as arguments. */
export const busybox: ImageRecipe = {
  repository: 'registry.k8s.io/e2e-test-images/busybox',
  tags: ['1.37.0-1', '1.36.1-1'],
  layers: [
    { kind: 'shell' },
    { kind: 'debian', packages: ['bash-static'], programs: [], files: ['/bin/bash-static'] },
    { kind: 'go', source: 'test/conformance/images/busybox/sh', path: '/usr/bin/sh' },
  ],
  config: { cmd: ['sh'] },
};
