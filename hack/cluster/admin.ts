/** The apiserver as the cluster's admin sees it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createApi } from './api.ts';
import type { Api } from './api.ts';
import type { Cluster } from './cluster.ts';
import { apiserverUrl } from './control_plane.ts';
import { readPair } from './pki/cluster_pki.ts';

export function adminApi(cluster: Pick<Cluster, 'paths' | 'plan'>): Api {
  const pair = readPair(cluster.paths.pki, 'admin');
  if (pair === undefined) throw new Error(`${cluster.paths.pki}: no admin certificate`);
  return createApi(apiserverUrl(cluster.plan), authority(cluster), pair);
}

/** The cluster's certificate authority, PEM. */
export function authority(cluster: Pick<Cluster, 'paths'>): string {
  return readFileSync(path.join(cluster.paths.pki, 'ca.crt'), 'utf8');
}
