/** hack/up: brings up a cluster, or what is missing of one. See `hack/up --help`. */
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { buildImages, imageRef } from '../images/images.ts';
import { addressPlan } from './address_plan.ts';
import { adminApi, applicationUrls, bringUp } from './bring_up.ts';
import type { Supplies } from './bring_up.ts';
import { cgroupHierarchies } from './cgroups.ts';
import type { Cluster } from './cluster.ts';
import { parseContainerdVersion } from './containerd_config.ts';
import { lockFile } from './lock.ts';
import { interfaceExists } from './network.ts';
import { parseUp, UP_USAGE, UsageError } from './options.ts';
import type { UpOptions } from './options.ts';
import { clusterPaths, rootsFrom } from './paths.ts';
import { mounts, readIfThere } from './procfs.ts';
import { run } from './program.ts';
import { createProgress } from './progress.ts';
import { mergeSettings, readSettings, writeSettings } from './settings.ts';
import { chooseSlot, withSlots } from './slots.ts';
import { prepareSysctls } from './sysctls.ts';

async function main(args: readonly string[]): Promise<number> {
  const options = parseUp(args);
  if (options === 'help') {
    console.log(UP_USAGE);
    return 0;
  }
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => abort.abort(new Error('interrupted')));
  const roots = rootsFrom(process.env);
  const repo = path.resolve(import.meta.dirname, '../..');
  const progress = createProgress((line) => console.log(line));
  const began = performance.now();
  mkdirSync(roots.state, { recursive: true });
  const lock = await lockFile(path.join(roots.state, `${options.name}.lock`), () =>
    progress.note(`another hack/up or hack/down works on cluster ${options.name}: waiting for it`),
  );
  try {
    const cluster = await prepare(options, { roots, repo, progress, signal: abort.signal });
    const supplies = await gather(cluster);
    await bringUp(cluster, supplies);
    await report(cluster, performance.now() - began);
    return 0;
  } finally {
    await lock.release();
  }
}

async function prepare(
  options: UpOptions,
  base: Pick<Cluster, 'roots' | 'repo' | 'progress' | 'signal'>,
): Promise<Cluster> {
  const { roots } = base;
  const paths = clusterPaths(roots.state, options.name);
  const cgroups = cgroupHierarchies(mounts(), (file) => readIfThere(file) ?? '');
  if (cgroups === undefined) throw new Error('no cgroups');
  const slot = await withSlots(roots.state, async (table) => {
    const busy = new Set<number>();
    for (let slot = 0; slot < 100; slot++) if (await interfaceExists(`tsk${slot}`)) busy.add(slot);
    const chosen = chooseSlot(table, options.name, (one) => busy.has(one));
    if (chosen === undefined) throw new Error('all slots are in use: take a cluster down with hack/down --name NAME');
    prepareSysctls(roots.state);
    return { table: { ...table, [options.name]: chosen }, result: chosen };
  });
  const settings = mergeSettings(options, readSettings(paths), slot);
  mkdirSync(paths.dir, { recursive: true });
  writeSettings(paths, settings);
  return { ...base, settings, paths, cgroups, plan: addressPlan(slot, settings.nodes), changes: [] };
}

async function gather(cluster: Cluster): Promise<Supplies> {
  const { roots, repo, settings } = cluster;
  const stock = (name: string): string => path.join(roots.cache, 'stock/v1.36.3', name);
  const pick = (part: 'kubelet' | 'proxy' | 'scheduler', ours: string, stockName: string): string =>
    settings.flavours[part] === 'ours' ? path.join(repo, 'dist', ours) : stock(stockName);
  const directories = { repoDir: repo, cacheDir: roots.cache };
  const images = await buildImages(['pause', 'coredns', 'webapp', 'busybox', 'agnhost'], directories);
  const tar = (name: string): string[] => images.filter((image) => image.name === name).map((image) => image.tarPath);
  const version = parseContainerdVersion(await run(['containerd', '--version'])) ?? '1.7.0';
  const cniPluginDir = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'].find((dir) => existsSync(path.join(dir, 'ptp')));
  return {
    programs: { etcd: '/usr/bin/etcd', containerd: '/usr/bin/containerd', stock },
    kubelet: pick('kubelet', 'ts-kubelet', 'kubelet'),
    kubeProxy: pick('proxy', 'ts-kube-proxy', 'kube-proxy'),
    scheduler: pick('scheduler', 'ts-scheduler', 'kube-scheduler'),
    software: { containerdVersion: version, cniPluginDir: cniPluginDir ?? '/usr/lib/cni', sandboxImage: imageRef('pause') },
    imageTars: [...tar('pause'), ...tar('coredns'), ...tar('webapp')],
    laterTars: [...tar('busybox'), ...tar('agnhost')],
  };
}

async function report(cluster: Cluster, tookMs: number): Promise<void> {
  const { settings, paths, roots, changes } = cluster;
  const seconds = (tookMs / 1000).toFixed(1);
  if (changes.length === 0) console.log(`\ncluster ${settings.name} is up as asked: nothing changed (${seconds} s)`);
  else {
    for (const change of new Set(changes)) console.log(`  · ${change}`);
    console.log(`\ncluster ${settings.name} is up (${seconds} s)`);
  }
  const urls = await applicationUrls(cluster, adminApi(cluster));
  console.log(`  web app   ${urls.join('  ')}`);
  console.log(`  kubectl   ${roots.cache}/stock/v1.36.3/kubectl --kubeconfig ${paths.kubeconfig('admin')} get nodes,pods -A`);
  console.log(`  logs      ${paths.logs}/`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`hack/up: ${error.message}`);
    process.exitCode = 2;
  } else {
    console.error(`hack/up: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
