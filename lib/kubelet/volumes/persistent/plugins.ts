import type { Node } from '../../../api/types.ts';
import type { ApiClient } from '../../../client/client.ts';
import type { VolumePlugin } from '../plugin.ts';
import { apiClaimReader } from './api_reader.ts';
import { claimPlugin } from './claim_plugin.ts';
import { hostPathSource } from './host_path.ts';
import { localSource } from './local.ts';
import { nfsPersistentSource, nfsPlugin } from './nfs.ts';
import type { PersistentVolumeSource } from './source.ts';

/** Claims with the types of PersistentVolumes, and volumes of pods that are network file systems. */
export function persistentPlugins(options: {
  readonly client: Pick<ApiClient, 'get'>;
  readonly node: () => Node;
  /** More types (CSI). */
  readonly sources?: readonly PersistentVolumeSource[];
}): readonly VolumePlugin[] {
  const sources = [localSource, hostPathSource, nfsPersistentSource, ...(options.sources ?? [])];
  return [nfsPlugin, claimPlugin({ reader: apiClaimReader(options.client), sources, node: options.node })];
}
