import type { ImageRecipe } from '../recipe.ts';

/** A setuid program that says whose rights it has: root's, unless the container may not gain privileges. */
export const nonewprivs: ImageRecipe = {
  repository: 'registry.k8s.io/e2e-test-images/nonewprivs',
  tags: ['1.4'],
  layers: [
    { kind: 'shell' },
    {
      kind: 'go',
      source: 'test/conformance/images/nonewprivs/nnp',
      path: '/usr/local/bin/nnp',
      mode: 0o6755,
    },
  ],
  config: { cmd: ['nnp'] },
};
