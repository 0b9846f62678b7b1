import { agnhost } from '../agnhost/image.ts';
import type { ImageRecipe } from '../recipe.ts';

/** Serves `/data.json`, by which the suite tells the generations of its update demo apart. */
export const nautilus: ImageRecipe = {
  repository: 'registry.k8s.io/e2e-test-images/nautilus',
  tags: ['1.8'],
  layers: [
    ...agnhost.layers,
    {
      kind: 'files',
      entries: [{ type: 'file', path: '/data.json', content: '{ "image": "nautilus.jpg" }\n' }],
    },
  ],
  config: { entrypoint: ['/agnhost'], cmd: ['test-webserver'] },
};
