/** What the checks see of the machine: programs, files of control groups, units. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../cluster/program.ts';

const CGROUPS = '/sys/fs/cgroup';

/** Runs a program to its end and gives what it printed, trimmed. */
export async function command(...argv: readonly [string, ...string[]]): Promise<string> {
  return (await run(argv, { timeoutMs: 600_000 })).trim();
}

/** Looks every two seconds until `look` gives something; what it rejected with last is told when it never does. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  seconds = 240,
): Promise<T> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    let problem = '';
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      problem = `: ${String(error)}`;
    }
    if (performance.now() > end) throw new Error(`${what}: not within ${seconds} s${problem}`);
    await sleep(2000);
  }
}

/** Waits until `read` gives `want`, and tells what it gave when it does not. */
export async function becomes(
  what: string,
  want: string,
  read: () => string | Promise<string>,
  seconds = 150,
): Promise<void> {
  let last = '';
  await eventually(
    what,
    async () => {
      last = await read();
      return last === want ? true : undefined;
    },
    seconds,
  ).catch(() => {
    throw new Error(`${what}: ${JSON.stringify(last)}, want ${JSON.stringify(want)}`);
  });
}

export function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** A file of a control group (path below the root), trimmed; `absent` when there is none. */
export function cgroupValue(group: string, file: string): string {
  const name = `${CGROUPS}/${group}/${file}`;
  return existsSync(name) ? readFileSync(name, 'utf8').trim() : 'absent';
}

export function cgroupExists(group: string): boolean {
  return existsSync(`${CGROUPS}/${group}`);
}

/** Files of a group that differ from what is wanted, as one sentence; empty when none does. */
export function cgroupDifferences(group: string, want: Readonly<Record<string, string>>): string {
  return Object.entries(want)
    .map(([file, value]) => [file, value, cgroupValue(group, file)] as const)
    .filter(([, value, got]) => value !== got)
    .map(([file, value, got]) => `${group}/${file} is ${got}, want ${value}`)
    .join('; ');
}

/** A property of a unit as systemd has it. */
export async function unitProperty(unit: string, property: string): Promise<string> {
  return command('systemctl', 'show', '--value', `--property=${property}`, unit);
}

/** What a unit, or systemd about it, wrote in this boot. */
export async function journal(...args: readonly string[]): Promise<string> {
  return command('journalctl', '--boot', '--no-pager', '--output=cat', ...args);
}
