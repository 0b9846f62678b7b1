/**
 * Fails when hack/down left something of a cluster behind: a process, a mount, a control group, an interface, a network
 * namespace. Usage: nothing_left.ts NAME
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { rootsFrom } from '../cluster/paths.ts';
import { allProcesses, commandLine, mounts, readIfThere } from '../cluster/procfs.ts';

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error('usage: nothing_left.ts NAME');
const state = join(rootsFrom(process.env).state, name);
const left: string[] = [];

// A process that has ended and waits to be reaped is none of them.
for (const { pid } of allProcesses()) {
  const command = commandLine(pid).join(' ');
  const group = readIfThere(`/proc/${pid}/cgroup`) ?? '';
  if (pid === process.pid) continue;
  if (command.includes(`${state}/`) || group.includes(`/ts-kubernetes/${name}/`)) {
    left.push(`process ${pid}: ${command}`);
  }
}
for (const { mountPoint } of mounts()) {
  if (mountPoint.startsWith(`${state}/`)) left.push(`mount ${mountPoint}`);
}
for (const hierarchy of list('/sys/fs/cgroup')) {
  for (const group of [
    ...list(`/sys/fs/cgroup/${hierarchy}/ts-kubernetes`),
    ...(hierarchy === 'ts-kubernetes' ? list('/sys/fs/cgroup/ts-kubernetes') : []),
  ]) {
    if (group === name) left.push(`control group ${hierarchy}/ts-kubernetes/${group}`);
  }
}
const kept = list(state).filter((entry) => entry !== 'logs');
if (kept.length > 0) left.push(`files in ${state}: ${kept.join(', ')}`);

for (const line of left) console.error(`left behind: ${line}`);
if (left.length === 0) console.log(`cluster ${name} left nothing behind`);
process.exitCode = left.length === 0 ? 0 : 1;

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
