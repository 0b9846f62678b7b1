import { agnhost } from '../agnhost/image.ts';
import type { ImageRecipe } from '../recipe.ts';

/** Serves `/data.json`, by which the suite tells the generations of its update demo apart. */
export const kitten: ImageRecipe = {
  repository: 'registry.k8s.io/e2e-test-images/kitten',
  tags: ['1.8'],
  layers: [
    ...agnhost.layers,
    {
      kind: 'files',
      entries: [
        { type: 'file', path: '/data.json', content: '{ "image": "kitten.jpg" }\n' },
        // The image volume specs read the name of the distribution that the suite's own image is made from.
        {
          type: 'file',
          path: '/etc/os-release',
          content:
            'ID=ts-kubernetes\nPRETTY_NAME="Made by ts-kubernetes in place of an Alpine Linux image"\n',
        },
      ],
    },
  ],
  config: { entrypoint: ['/agnhost'], cmd: ['test-webserver'] },
};
