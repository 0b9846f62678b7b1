import type { ImageRecipe } from '../recipe.ts';

/** Uses CPU and memory when asked over HTTP: the autoscaling specs. */
export const resourceConsumer: ImageRecipe = {
  repository: 'registry.k8s.io/e2e-test-images/resource-consumer',
  tags: ['1.14'],
  layers: [
    { kind: 'shell' },
    { kind: 'debian', packages: ['stress'], programs: ['/usr/bin/stress'] },
    { kind: 'stock', programs: { 'resource-consumer': '/consumer', 'consume-cpu': '/consume-cpu' } },
  ],
  config: { entrypoint: ['/consumer'] },
};
