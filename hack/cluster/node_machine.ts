/** A node as a machine: its folders, its network, its namespaces and the first process in them, its containerd. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeAddress } from './address_plan.ts';
import { ensureGroup, entryFiles, nodeGroup, removeGroup, systemGroup } from './cgroups.ts';
import { endStrays, writeIfChanged } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import type { ComponentSpec } from './component.ts';
import { cniConfig, containerdConfig } from './containerd_config.ts';
import { ensureNodeNetwork, namespaceFile, nodeNamespace, removeNamespace } from './network.ts';
import { kubeletConfig, kubeProxyConfig } from './node_components.ts';
import { childOf, forget, isAlive, launch, readRecords, record, stop } from './processes.ts';
import { hasCapability } from './procfs.ts';
import { run } from './program.ts';
import { writeMirrors } from './registry.ts';

const CAP_SYS_RESOURCE = 24;

/** What of the machine's software a node needs to know. */
export interface NodeSoftware {
  readonly containerdVersion: string;
  readonly cniPluginDir: string;
  readonly sandboxImage: string;
}

/** The node itself, seen as a component: alive as long as its first process is. */
export function nodeSpec(
  cluster: Pick<Cluster, 'paths' | 'repo' | 'roots'>,
  node: NodeAddress,
): ComponentSpec {
  const { paths, repo, roots } = cluster;
  return {
    id: node.name,
    argv: [
      path.join(repo, 'hack/cluster/node_init.bash'),
      node.name,
      paths.node(node.name).dir,
      paths.dir,
      roots.cache,
      repo,
    ],
    inputs: [],
    keeps: true,
    health: { kind: 'file', path: path.join(paths.node(node.name).run, 'node-is-up') },
  };
}

/** Writes the files of a node and starts it when it is not up. */
export async function ensureNode(cluster: Cluster, node: NodeAddress, software: NodeSoftware): Promise<void> {
  const { settings, paths, plan, changes } = cluster;
  const files = paths.node(node.name);
  for (const dir of [
    files.run,
    files.containerd,
    files.kubelet,
    files.cni,
    files.log,
    path.join(files.dir, 'varlib'),
  ])
    mkdirSync(dir, { recursive: true });
  const etc = path.join(files.etc, 'upper');
  mkdirSync(path.join(files.etc, 'work'), { recursive: true });
  const machineId = Buffer.from(`${settings.name}/${node.name}`).toString('hex').padEnd(32, '0').slice(-32);
  const etcFiles = {
    hostname: `${node.name}\n`,
    'machine-id': `${machineId}\n`,
    hosts: `127.0.0.1 localhost\n${node.address} ${node.name}\n`,
    // Nodes have no way out: names outside the cluster cannot be asked for.
    'ts-kubernetes-resolv.conf': 'nameserver 127.0.0.1\n',
    'cni/net.d/10-ts-kubernetes.conflist': cniConfig(node.podNetwork),
  };
  for (const [name, text] of Object.entries(etcFiles)) writeIfChanged(path.join(etc, name), text);
  mkdirSync(path.join(etc, 'kubernetes/manifests'), { recursive: true });
  const restrictOomScoreAdj = !hasCapability(CAP_SYS_RESOURCE);
  writeIfChanged(
    path.join(files.dir, 'containerd.toml'),
    containerdConfig({
      version: software.containerdVersion,
      sandboxImage: software.sandboxImage,
      cniPluginDir: software.cniPluginDir,
      restrictOomScoreAdj,
    }),
  );
  writeMirrors(cluster, files);
  const group = nodeGroup(settings.name, node.name);
  writeIfChanged(path.join(files.dir, 'kubelet-config.yaml'), kubeletConfig(plan, node, paths.pki, group));
  writeIfChanged(
    path.join(files.dir, 'kube-proxy-config.yaml'),
    kubeProxyConfig(plan, node, paths.kubeconfig('kube-proxy'), settings.proxyMode),
  );
  ensureGroup(cluster.cgroups, group);

  const known = readRecords(paths).find((entry) => entry.id === node.name);
  const alive = known !== undefined && isAlive(known);
  // A node that lost its network is of no use to anyone: it is started anew, as after a power cut.
  const rewired = await ensureNodeNetwork(settings.name, plan, node);
  if (alive && !rewired) return;
  if (alive) process.kill(known.pid, 'SIGKILL');
  if (known !== undefined)
    changes.push(`started ${node.name} again: ${alive ? 'its network' : 'it'} was gone`);
  else changes.push(`started ${node.name}`);
  const spec = nodeSpec(cluster, node);
  const log = path.join(paths.logs, `${node.name}.log`);
  endStrays(cluster, spec);
  rmSync(files.run, { recursive: true, force: true });
  mkdirSync(files.run, { recursive: true });
  mkdirSync(paths.logs, { recursive: true });
  const unshare = ['unshare', '--mount', '--uts', '--ipc', '--pid', '--fork', '--propagation', 'private'];
  const outer = launch(
    [
      path.join(cluster.repo, 'hack/cluster/enter.bash'),
      ...entryFiles(cluster.cgroups, systemGroup(settings.name)),
      '--',
      'nsenter',
      `--net=${namespaceFile(nodeNamespace(settings.name, node.name))}`,
      ...unshare,
      ...spec.argv,
    ],
    log,
  );
  record(spec, await childOf(outer, node.name), log, { paths });
}

/** Imports image tars that the node does not have yet. Returns how many it imported. */
export async function importImages(
  cluster: Pick<Cluster, 'paths' | 'signal'>,
  node: NodeAddress,
  tars: readonly string[],
): Promise<number> {
  const files = cluster.paths.node(node.name);
  const markerFile = path.join(files.dir, 'images.json');
  const known = readMarkers(markerFile);
  let imported = 0;
  for (const tar of tars) {
    cluster.signal.throwIfAborted();
    if (known.has(tar)) continue;
    await run(
      ['ctr', '--address', files.containerdSocket, '--namespace', 'k8s.io', 'images', 'import', tar],
      {
        timeoutMs: 180_000,
        signal: cluster.signal,
      },
    );
    known.add(tar);
    imported++;
    writeFileSync(markerFile, `${JSON.stringify([...known], undefined, 2)}\n`);
  }
  return imported;
}

function readMarkers(file: string): Set<string> {
  if (!existsSync(file)) return new Set();
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return new Set(
      Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [],
    );
  } catch {
    return new Set(); // A torn file: the images are imported again.
  }
}

/** Ends the nodes that `surplus` names, with all that is on them. Returns their names. */
export async function retireNodes(cluster: Cluster, surplus: (name: string) => boolean): Promise<string[]> {
  const { paths, settings, cgroups, changes } = cluster;
  if (!existsSync(paths.nodes)) return [];
  const names = readdirSync(paths.nodes).filter(surplus);
  for (const name of names) {
    for (const entry of readRecords(paths).filter((one) => one.id === name || one.node === name)) {
      if (entry.id === name && isAlive(entry)) await stop(entry, 0);
      forget(paths, entry.id);
    }
    await removeNamespace(nodeNamespace(settings.name, name));
    for (
      let tries = 0;
      removeGroup(cgroups, nodeGroup(settings.name, name)).length > 0 && tries < 40;
      tries++
    )
      await sleep(50);
    rmSync(paths.node(name).dir, { recursive: true, force: true });
    changes.push(`took ${name} away`);
  }
  return names;
}
