import type { ImageRecipe } from '../recipe.ts';

/** Runs as user 1234, which a number only shows: the suite looks at images that must not run as root. */
export const nonroot: ImageRecipe = {
  repository: 'registry.k8s.io/e2e-test-images/nonroot',
  tags: ['1.5'],
  layers: [{ kind: 'shell' }],
  config: { cmd: ['sh'], user: '1234' },
};
