import type { ImageRecipe } from '../recipe.ts';

/** The API server that specs aggregate. */
export const sampleApiserver: ImageRecipe = {
  repository: 'registry.k8s.io/e2e-test-images/sample-apiserver',
  tags: ['1.29.2'],
  layers: [{ kind: 'shell' }, { kind: 'stock', programs: { 'sample-apiserver': '/sample-apiserver' } }],
  config: { entrypoint: ['/sample-apiserver'] },
};
