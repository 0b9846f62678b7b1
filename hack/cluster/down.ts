/** hack/down: takes a cluster away, in whatever state it is. */
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { addressPlan } from './address_plan.ts';
import { cgroupHierarchies, clustersWithGroups } from './cgroups.ts';
import { lockFile } from './lock.ts';
import { parseName, UsageError } from './options.ts';
import { clusterPaths, rootsFrom } from './paths.ts';
import { mounts, readIfThere } from './procfs.ts';
import { readSettings } from './settings.ts';
import { readSlots, withSlots } from './slots.ts';
import { restoreSysctls } from './sysctls.ts';
import { tearDown } from './tear_down.ts';

const USAGE = `usage: hack/down [--name NAME]
Ends every process of the cluster and removes its network, mounts, control groups and files.`;

async function main(args: readonly string[]): Promise<number> {
  const options = parseName(args);
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  const { name } = options;
  if (process.getuid?.() !== 0) {
    console.error('hack/down: must run as root, as hack/up did: try `sudo hack/down`.');
    return 1;
  }
  const began = performance.now();
  const roots = rootsFrom(process.env);
  const cgroups = cgroupHierarchies(mounts(), (file) => readIfThere(file) ?? '');
  if (cgroups === undefined) {
    console.error(
      'hack/down: no control groups are mounted at /sys/fs/cgroup: mount them, or run it where hack/up ran.',
    );
    return 1;
  }
  const paths = clusterPaths(roots.state, name);
  const lockPath = path.join(roots.state, `${name}.lock`);
  const lock = await lockFile(lockPath, () =>
    console.log(`another hack/up or hack/down works on ${name}: waiting for it`),
  );
  try {
    const slot = readSlots(roots.state)[name] ?? readSettings(paths)?.slot;
    const hostInterface = slot === undefined ? undefined : addressPlan(slot, 0).hostInterface;
    const removed = await tearDown({ name, paths, cgroups, hostInterface });
    await withSlots(roots.state, (table) => {
      const rest = Object.fromEntries(Object.entries(table).filter(([one]) => one !== name));
      if (Object.keys(rest).length === 0 && clustersWithGroups(cgroups).length === 0)
        for (const problem of restoreSysctls(roots.state))
          console.error(`hack/down: not restored: ${problem}`);
      return Promise.resolve({ table: rest, result: undefined });
    });
    const took = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      removed.length === 0
        ? `cluster ${name}: nothing is there`
        : `cluster ${name} is gone (${took} s): removed ${removed.join(', ')}`,
    );
    rmSync(lockPath, { force: true });
  } finally {
    await lock.release();
  }
  removeIfEmpty(roots.state);
  return 0;
}

// The state root is ours as well; only its lock file may remain when nobody else is in it.
function removeIfEmpty(stateRoot: string): void {
  if (!existsSync(stateRoot)) return;
  if (readdirSync(stateRoot).every((name) => name === 'slots.lock')) {
    rmSync(path.join(stateRoot, 'slots.lock'), { force: true });
    try {
      rmdirSync(stateRoot);
    } catch {
      // Another hack/up has just begun in it.
    }
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`hack/down: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
