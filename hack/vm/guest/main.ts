/**
 * Runs inside of the virtual machine, once per boot. Prints `guest: ok NAME (SECONDS s)` or `guest: failed NAME ...` for
 * each check and, at the end of a boot, `guest: end of boot NUMBER`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { field } from '../../cluster/api.ts';
import { SHUTDOWN_SECONDS } from '../cluster.ts';
import { getPod } from './api.ts';
import { runChecks } from './checks.ts';
import { FIRST_BOOT } from './first_boot.ts';
import { command } from './machine.ts';
import { AT_SHUTDOWN, secondBoot } from './second_boot.ts';

/** What the second boot has to know of the first. */
const REMEMBERED = '/var/lib/test-vm.json';
/** What the kubelet may take, and as much again. */
const SHUTDOWN_TIMEOUT_MS = 2 * SHUTDOWN_SECONDS.all * 1000;

async function firstBoot(): Promise<void> {
  await runChecks(FIRST_BOOT);
  const uids: Record<string, string> = {};
  for (const name of ['stays', 'once']) uids[name] = (await getPod(name).catch(() => undefined))?.uid ?? '';
  writeFileSync(REMEMBERED, JSON.stringify(uids));
  await command('sync');
  console.log('guest: end of boot 1');
  await sleep(1000);
  // Nobody is told: as when the power fails.
  writeFileSync('/proc/sysrq-trigger', 'b');
}

async function lastBoot(): Promise<void> {
  const uids: unknown = JSON.parse(readFileSync(REMEMBERED, 'utf8'));
  await runChecks(secondBoot({ stays: String(field(uids, 'stays')), once: String(field(uids, 'once')) }));
  // systemd stops this program when nothing delays the shutdown any more. Waiting for a signal alone would not keep it alive.
  const stopped = new AbortController();
  process.once('SIGTERM', () => stopped.abort());
  // Through logind, which tells the kubelet and waits for it.
  await command('systemctl', 'poweroff', '--no-block');
  const waited = sleep(SHUTDOWN_TIMEOUT_MS, undefined, { signal: stopped.signal });
  await waited.then(
    () => console.log(`guest: nobody stopped this program within ${SHUTDOWN_TIMEOUT_MS / 1000} s`),
    () => undefined,
  );
  await runChecks(AT_SHUTDOWN);
  console.log('guest: end of boot 2');
}

await (existsSync(REMEMBERED) ? lastBoot() : firstBoot());
