import type { ImageRecipe } from '../recipe.ts';

/** Sends packets out of order: what the kernel drops as invalid must not reset a connection. */
export const regressionIssue74839: ImageRecipe = {
  repository: 'registry.k8s.io/e2e-test-images/regression-issue-74839',
  tags: ['1.4'],
  layers: [
    { kind: 'shell' },
    { kind: 'stock', programs: { 'regression-issue-74839': '/regression-issue-74839' } },
  ],
  config: { entrypoint: ['/regression-issue-74839'] },
};
