/** hack/up: brings up a cluster, or what is missing of one. See `hack/up --help`. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { addressPlan, MAX_SLOTS } from './address_plan.ts';
import { adminApi } from './admin.ts';
import { bringUp, retireSurplus } from './bring_up.ts';
import { cgroupHierarchies, clusterGroup, processesIn } from './cgroups.ts';
import type { Cluster } from './cluster.ts';
import { HOST_PORTS, REGISTRY_PORTS } from './control_plane.ts';
import { lockFile } from './lock.ts';
import { interfaceExists } from './network.ts';
import { parseUp, UP_USAGE, UsageError } from './options.ts';
import type { UpOptions } from './options.ts';
import { installPackages, locate, missingRequirements } from './packages.ts';
import { clusterPaths, rootsFrom } from './paths.ts';
import type { Roots } from './paths.ts';
import {
  cgroupProblem,
  kernelProblems,
  packageProblem,
  placeProblem,
  portProblems,
  privilegeProblem,
  spaceProblem,
} from './preflight.ts';
import { mounts, readIfThere } from './procfs.ts';
import { createProgress } from './progress.ts';
import { applicationUrls } from './readiness.ts';
import { currentRoutes, overlap, parseRange } from './routes.ts';
import { changeProblem, mergeSettings, readSettings, writeSettings } from './settings.ts';
import { chooseSlot, readSlots, withSlots } from './slots.ts';
import { missingPrograms, stockCatalogue } from './stock_catalogue.ts';
import { cannotObtain, goProblem, unobtained } from './stock_programs.ts';
import { gatherSupplies, imageProblem, wantedStock } from './supplies.ts';
import { prepareSysctls } from './sysctls.ts';

const GIB = 1024 ** 3;

/** Problems that the preflight found: printed one a line. */
class PreflightError extends Error {
  override readonly name = 'PreflightError';
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseUp(args);
  if (options === 'help') {
    console.log(UP_USAGE);
    return 0;
  }
  process.env['PATH'] = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () =>
      abort.abort(
        new Error(
          `interrupted; hack/up --name ${options.name} goes on from here, hack/down --name ${options.name} clears away`,
        ),
      ),
    );
  const base = {
    roots: rootsFrom(process.env),
    repo: path.resolve(import.meta.dirname, '../..'),
    progress: createProgress((line) => console.log(line)),
    signal: abort.signal,
  };
  const began = performance.now();
  await preflight(options, base.roots, base.repo);

  const missing = missingRequirements();
  if (missing.length > 0) {
    await installPackages(missing, base.progress, abort.signal);
    fail(await kernelProblems(base.roots.state)); // with the tools that were not there before
  }
  mkdirSync(base.roots.state, { recursive: true });
  const lock = await lockFile(path.join(base.roots.state, `${options.name}.lock`), () =>
    base.progress.note(`another hack/up or hack/down works on cluster ${options.name}: waiting for it`),
  );
  try {
    const settings = mergeSettings(options, readSettings(clusterPaths(base.roots.state, options.name)), 0);
    const supplies = await gatherSupplies({ ...base, settings, download: options.download });
    const cluster = await claim(options, base);
    await retireSurplus(cluster);
    await bringUp(cluster, supplies(cluster));
    await report(cluster, performance.now() - began);
    return 0;
  } finally {
    await lock.release();
  }
}

/** Looks for everything that would make the run fail later. Changes nothing. */
async function preflight(options: UpOptions, roots: Roots, repo: string): Promise<void> {
  const problem = privilegeProblem(process.getuid?.() ?? -1);
  if (problem !== undefined) throw new PreflightError(problem); // the rest cannot be tried without it
  const paths = clusterPaths(roots.state, options.name);
  const settings = mergeSettings(options, readSettings(paths), 0);
  const cgroups = cgroupHierarchies(mounts(), (file) => readIfThere(file) ?? '');
  const packages = missingRequirements();
  const catalogue = stockCatalogue(repo, roots.cache);
  const programs = missingPrograms(catalogue, wantedStock(settings));
  const noGo = programs.length > 0 && !options.download ? await goProblem() : undefined;
  const nowhere = noGo === undefined ? [] : await unobtained(catalogue, programs);
  const slot = readSlots(roots.state)[options.name];
  const own = new Set(cgroups === undefined ? [] : processesIn(cgroups, clusterGroup(options.name)));
  const host = slot === undefined ? undefined : addressPlan(slot, 0).host;
  fail([
    cgroupProblem(cgroups),
    placeProblem(roots.state, 'the state root', 'set TSK_STATE to a folder elsewhere'),
    placeProblem(roots.cache, 'the cache', 'set TSK_CACHE to a folder elsewhere'),
    placeProblem(repo, 'this checkout', 'clone it elsewhere'),
    packageProblem(packages, locate('apt-get') !== undefined),
    spaceProblem({ dir: roots.state, what: "the cluster's state", bytes: 2 * GIB, variable: 'TSK_STATE' }),
    spaceProblem({
      dir: roots.cache,
      what: programs.length > 0 ? 'building the stock programs' : 'images',
      bytes: (programs.length > 0 ? 6 : 1) * GIB,
      variable: 'TSK_CACHE',
    }),
    ...portProblems(host ?? 'no address yet', (pid) => own.has(pid), undefined, undefined, [
      ...HOST_PORTS,
      ...(settings.registry ? REGISTRY_PORTS : []),
    ]),
    changeProblem(options, readSettings(paths)),
    nowhere.length > 0 && noGo !== undefined ? cannotObtain(nowhere, noGo) : undefined,
    await imageProblem(roots.cache),
    ...(await kernelProblems(roots.state)),
  ]);
}

function fail(problems: readonly (string | undefined)[]): void {
  const real = problems.filter((problem) => problem !== undefined);
  if (real.length > 0) throw new PreflightError(real.join('\nhack/up: '));
}

/** Gives the cluster its slot and writes down what is asked of it. From here on hack/down has something to clear. */
async function claim(
  options: UpOptions,
  base: Pick<Cluster, 'roots' | 'repo' | 'progress' | 'signal'>,
): Promise<Cluster> {
  const { roots } = base;
  const paths = clusterPaths(roots.state, options.name);
  const cgroups = cgroupHierarchies(mounts(), (file) => readIfThere(file) ?? '');
  if (cgroups === undefined) throw new PreflightError('the control groups went away');
  const slot = await withSlots(roots.state, async (table) => {
    const routes = currentRoutes();
    const busy = new Set<number>();
    for (let slot = 0; slot < MAX_SLOTS; slot++) {
      const plan = addressPlan(slot, 0);
      const network = parseRange(plan.clusterNetwork);
      if (routes.some((route) => overlap(route, network)) || (await interfaceExists(plan.hostInterface)))
        busy.add(slot);
    }
    const chosen = chooseSlot(table, options.name, (one) => busy.has(one));
    if (chosen === undefined)
      throw new PreflightError(
        `all ${MAX_SLOTS} address ranges 10.100.0.0/16 to 10.199.0.0/16 are in use: take a cluster down with hack/down --name NAME.`,
      );
    prepareSysctls(roots.state);
    return { table: { ...table, [options.name]: chosen }, result: chosen };
  });
  const settings = mergeSettings(options, readSettings(paths), slot);
  mkdirSync(paths.dir, { recursive: true });
  writeSettings(paths, settings);
  return { ...base, settings, paths, cgroups, plan: addressPlan(slot, settings.nodes), changes: [] };
}

async function report(cluster: Cluster, tookMs: number): Promise<void> {
  const { settings, paths, changes, repo, roots } = cluster;
  const seconds = `${(tookMs / 1000).toFixed(1)} s`;
  const nameFlag = settings.name === 'dev' ? '' : ` --name ${settings.name}`;
  if (changes.length === 0)
    console.log(`\ncluster ${settings.name} is up as asked: nothing changed (${seconds})`);
  else {
    for (const change of new Set(changes)) console.log(`  · ${change}`);
    console.log(`\ncluster ${settings.name} is up, its application answers (${seconds})`);
  }
  const [clusterIp, ...nodePorts] = await applicationUrls(cluster, adminApi(cluster));
  const { kubelet, proxy, scheduler } = settings.flavours;
  console.log(`  web app    ${clusterIp} (ClusterIP)  ${nodePorts.join('  ')} (NodePort)`);
  console.log(
    `  kubectl    ${stockCatalogue(repo, roots.cache).file('kubectl')} --kubeconfig ${paths.kubeconfig('admin')} get pods -A -o wide`,
  );
  console.log(`  logs       ${paths.logs}/`);
  console.log(
    `  components kubelet ${kubelet}, kube-proxy ${proxy} (${settings.proxyMode}), scheduler ${scheduler}${settings.inCluster ? ' (kube-proxy and scheduler as pods)' : ''}, ${settings.containerd} containerd`,
  );
  console.log(`  more       hack/status${nameFlag}, hack/down${nameFlag}`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.error(
    `hack/up: ${error instanceof Error && error.name === 'AbortError' && error.cause instanceof Error ? error.cause.message : message}`,
  );
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
