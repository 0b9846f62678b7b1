/**
 * Kernel settings of the whole machine that a cluster changes (its kubelets do): what they were is written down
 * before the first cluster starts, and put back when the last one is gone.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Settings that a kubelet sets at its start; those that are namespaced per network are not among them. */
const CHANGED_BY_KUBELET = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
];
/** Least values that several nodes on one kernel need. */
const RAISED: Readonly<Record<string, number>> = {
  'fs/inotify/max_user_instances': 1024,
  'fs/inotify/max_user_watches': 131_072,
};

const recordFile = (stateRoot: string): string => path.join(stateRoot, 'sysctls.json');

/** Writes down what is set now (unless a cluster has done so before) and raises what is too low. */
export function prepareSysctls(stateRoot: string, root = '/proc/sys'): string[] {
  const file = recordFile(stateRoot);
  if (!existsSync(file)) {
    const names = [...CHANGED_BY_KUBELET, ...Object.keys(RAISED)];
    const values = names.flatMap((name) => {
      const value = readSetting(root, name);
      return value === undefined ? [] : [[name, value]];
    });
    writeFileSync(file, `${JSON.stringify(Object.fromEntries(values), undefined, 2)}\n`);
  }
  const raised: string[] = [];
  for (const [name, least] of Object.entries(RAISED)) {
    const now = readSetting(root, name);
    if (now === undefined || Number(now) >= least) continue;
    writeFileSync(path.join(root, name), String(least));
    raised.push(`${name.replaceAll('/', '.')} from ${now} to ${least}`);
  }
  return raised;
}

/** Puts everything back; returns what would not go back. To be called when no cluster is left. */
export function restoreSysctls(stateRoot: string, root = '/proc/sys'): string[] {
  const file = recordFile(stateRoot);
  if (!existsSync(file)) return [];
  const problems: string[] = [];
  const recorded: unknown = JSON.parse(readFileSync(file, 'utf8'));
  for (const [name, value] of Object.entries(recorded ?? {})) {
    const known = CHANGED_BY_KUBELET.includes(name) || Object.hasOwn(RAISED, name);
    if (!known || typeof value !== 'string' || readSetting(root, name) === value) continue;
    try {
      writeFileSync(path.join(root, name), value);
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  rmSync(file, { force: true });
  return problems;
}

function readSetting(root: string, name: string): string | undefined {
  try {
    return readFileSync(path.join(root, name), 'utf8').trim();
  } catch {
    return undefined;
  }
}
