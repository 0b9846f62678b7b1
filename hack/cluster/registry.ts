/**
 * A registry on the host's address of the node network, for pods whose images have to be pulled: read-only, plain
 * HTTP, and filled from image tars. Nodes ask it for images of {@link MIRRORED_HOSTS}; other hosts they cannot reach.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { layOutRegistry } from '../images/registry_layout.ts';
import type { AddressPlan } from './address_plan.ts';
import { ensureComponent, retire, waitHealthy, writeIfChanged } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import type { ComponentSpec } from './component.ts';
import { REGISTRY_PORT } from './control_plane.ts';
import type { Programs } from './control_plane.ts';
import type { ClusterPaths, NodePaths } from './paths.ts';

/** Registry hosts that the registry stands in for. */
export const MIRRORED_HOSTS = ['registry.k8s.io'] as const;

const configFile = (paths: ClusterPaths): string => path.join(paths.config, 'registry.yaml');

export function registry(plan: AddressPlan, paths: ClusterPaths, programs: Programs): ComponentSpec {
  const config = configFile(paths);
  return {
    id: 'registry',
    argv: [programs.stock('registry'), 'serve', config],
    // It would look for a collector of traces on the host.
    env: { OTEL_TRACES_EXPORTER: 'none' },
    inputs: [config],
    health: { kind: 'tcp', host: plan.host, port: REGISTRY_PORT },
  };
}

/** The registry's configuration; `tars` is in it so that other images mean a restart. */
export function registryConfig(plan: AddressPlan, folder: string, tars: readonly string[]): string {
  return stringify({
    version: 0.1,
    log: { level: 'info', fields: { tars: tars.map((tar) => path.basename(tar)).join(' ') } },
    storage: {
      filesystem: { rootdirectory: folder },
      maintenance: { readonly: { enabled: true }, uploadpurging: { enabled: false } },
    },
    http: { addr: `${plan.host}:${REGISTRY_PORT}`, secret: 'there is nothing to upload' },
  });
}

/** containerd's hosts.toml: where to ask for the images of one registry host, and that nobody else is to be asked. */
export function hostsToml(plan: AddressPlan): string {
  const url = JSON.stringify(`http://${plan.host}:${REGISTRY_PORT}`);
  return `server = ${url}\n[host.${url}]\n  capabilities = ["pull", "resolve"]\n`;
}

/** Lets a node ask the registry, or no longer. containerd reads the files at each pull. */
export function writeMirrors(cluster: Pick<Cluster, 'settings' | 'plan'>, node: NodePaths): void {
  for (const host of MIRRORED_HOSTS) {
    const folder = path.join(node.containerd, 'certs.d', host);
    if (cluster.settings.registry) writeIfChanged(path.join(folder, 'hosts.toml'), hostsToml(cluster.plan));
    else rmSync(folder, { recursive: true, force: true });
  }
}

/** Brings the registry to run with the images of `tars`, or to an end when the cluster is to have none. */
export async function ensureRegistry(
  cluster: Cluster,
  spec: ComponentSpec,
  tars: readonly string[],
): Promise<void> {
  const { paths, plan, settings, progress, changes } = cluster;
  const folder = path.join(paths.dir, 'registry');
  if (!settings.registry) {
    await retire(cluster, spec.id, 'the cluster is to have none');
    rmSync(folder, { recursive: true, force: true });
    return;
  }
  await progress.step('registry', async () => {
    if (await layOutRegistry(tars, folder)) changes.push('filled the registry');
    writeIfChanged(configFile(paths), registryConfig(plan, folder, tars));
    await ensureComponent(cluster, spec);
    await waitHealthy(cluster, spec);
  });
}
