import type { ImageRecipe } from '../recipe.ts';

/** The store of the aggregated API server in its specs. */
export const etcd: ImageRecipe = {
  repository: 'registry.k8s.io/etcd',
  tags: ['3.6.8-0'],
  layers: [{ kind: 'shell' }, { kind: 'stock', programs: { etcd: '/usr/local/bin/etcd' } }],
  config: { cmd: ['/usr/local/bin/etcd'] },
};
