import type { ImageRecipe } from '../recipe.ts';

/** Makes and lists System V IPC objects. */
export const ipcUtils: ImageRecipe = {
  repository: 'registry.k8s.io/e2e-test-images/ipc-utils',
  tags: ['1.4'],
  layers: [
    { kind: 'shell' },
    {
      kind: 'debian',
      packages: ['util-linux'],
      programs: ['/usr/bin/ipcs', '/usr/bin/ipcmk', '/usr/bin/ipcrm'],
    },
  ],
  config: { cmd: ['sh'] },
};
