import type { ImageRecipe } from '../recipe.ts';

export const pause: ImageRecipe = {
  repository: 'registry.k8s.io/pause',
  tags: ['3.10.2'],
  layers: [{ kind: 'go', source: 'deploy/images/pause', path: '/pause' }],
  config: { entrypoint: ['/pause'], user: '65535:65535' },
};
