/** `spec.hostPath` of a PersistentVolume: for one-node clusters and tests. */
import { checkHostPath } from '../host_path.ts';
import type { PersistentVolumeSource } from './source.ts';

export const hostPathSource: PersistentVolumeSource = {
  name: 'kubernetes.io/host-path',
  supports: (pv) => pv.spec?.hostPath !== undefined,
  async setUp({ pv, readOnly }) {
    const path = pv.spec?.hostPath?.path ?? '';
    const block = pv.spec?.volumeMode === 'Block';
    await checkHostPath(path, block ? 'BlockDevice' : (pv.spec?.hostPath?.type ?? ''));
    return { hostPath: path, readOnly, ...(block ? { block } : {}) };
  },
};
