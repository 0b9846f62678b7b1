/**
 * Fails when hack/down left something of a cluster behind: a process, a mount, a control group, an interface, a network
 * namespace. Usage: nothing_left.ts NAME
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootsFrom } from '../cluster/paths.ts';

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error('usage: nothing_left.ts NAME');
const state = join(rootsFrom(process.env).state, name);
const left: string[] = [];

for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
  const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
  const group = read(`/proc/${pid}/cgroup`);
  if (Number(pid) === process.pid) continue;
  // It has ended; only the machine's first process can take it off the list, and does so when it comes to it.
  if (/^State:\s+[ZX]/m.test(read(`/proc/${pid}/status`))) continue;
  if (command.includes(`${state}/`) || group.includes(`/ts-kubernetes/${name}/`)) {
    left.push(`process ${pid}: ${command}`);
  }
}
for (const line of read('/proc/self/mounts').split('\n')) {
  if (line.split(' ')[1]?.startsWith(`${state}/`) === true) left.push(`mount ${line}`);
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

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it ended while we looked
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
