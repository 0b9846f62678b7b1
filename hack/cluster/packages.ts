/** What of the distribution's software a cluster needs, and how to get what is missing. */
import { existsSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { attempt, run } from './program.ts';
import type { Progress } from './progress.ts';
import { onPath } from './stock_catalogue.ts';

/** A program or plugin, the Debian packages that carry it (the first that exists is taken), and services to keep down. */
export interface Requirement {
  readonly program: string;
  readonly packages: readonly string[];
  /** The package brings a service that would run beside ours. */
  readonly service?: string;
}

export const REQUIREMENTS: readonly Requirement[] = [
  { program: 'containerd', packages: ['containerd'], service: 'containerd' },
  { program: 'ctr', packages: ['containerd'] },
  { program: 'runc', packages: ['runc'] },
  { program: 'cni:ptp', packages: ['containernetworking-plugins'] },
  { program: 'cni:host-local', packages: ['containernetworking-plugins'] },
  { program: 'cni:portmap', packages: ['containernetworking-plugins'] },
  { program: 'iptables', packages: ['iptables'] },
  { program: 'nft', packages: ['nftables'] },
  { program: 'conntrack', packages: ['conntrack'] },
  { program: 'ip', packages: ['iproute2'] },
  { program: 'busybox', packages: ['busybox-static'] },
  { program: 'nsenter', packages: ['util-linux'] },
  { program: 'unshare', packages: ['util-linux'] },
  { program: 'mount', packages: ['mount'] },
  { program: 'tar', packages: ['tar'] },
];

const CNI_DIRS = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni'];
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_TEXT =
  '#!/bin/sh\n# Put here by ts-kubernetes hack/up while it installs packages: nothing is started.\nexit 101\n';

/** Path of a program, wherever the distribution keeps it (`cni:NAME`: among the CNI plugins). */
export function locate(program: string): string | undefined {
  if (program.startsWith('cni:'))
    return CNI_DIRS.map((dir) => path.join(dir, program.slice(4))).find((file) => existsSync(file));
  return onPath(program, `${process.env['PATH'] ?? ''}:${SYSTEM_PATH}`);
}

/** The folder that holds every CNI plugin in use. */
export function cniPluginDir(): string | undefined {
  return CNI_DIRS.find((dir) =>
    ['ptp', 'host-local', 'portmap', 'loopback'].every((name) => existsSync(path.join(dir, name))),
  );
}

export function missingRequirements(): Requirement[] {
  return REQUIREMENTS.filter((one) => locate(one.program) === undefined);
}

/** Installs `missing` from the distribution. Services that come along are neither started now nor at the next boot. */
export async function installPackages(
  missing: readonly Requirement[],
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const apt = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    timeoutMs: 600_000,
    signal,
  };
  await progress.step('refreshing the package lists', () =>
    run(['apt-get', '-o', 'DPkg::Lock::Timeout=120', '-q', 'update'], apt),
  );
  const chosen = new Set<string>();
  for (const requirement of missing) {
    let found: string | undefined;
    for (const name of requirement.packages) found ??= (await isAvailable(name)) ? name : undefined;
    if (found === undefined)
      throw new Error(
        `${requirement.program}: the distribution has no package ${requirement.packages.join(' or ')}: install it by hand and run hack/up again`,
      );
    chosen.add(found);
  }
  const names = [...chosen];
  await progress.step(`installing ${names.join(' ')}`, async () => {
    const ownPolicy = !existsSync(POLICY) || readFileSync(POLICY, 'utf8') === POLICY_TEXT;
    if (ownPolicy) writeFileSync(POLICY, POLICY_TEXT, { mode: 0o755 });
    try {
      await run(
        [
          'apt-get',
          '-o',
          'DPkg::Lock::Timeout=120',
          '-q',
          '-y',
          'install',
          '--no-install-recommends',
          ...names,
        ],
        apt,
      );
    } finally {
      if (ownPolicy) rmSync(POLICY, { force: true });
    }
  });
  // Only what this run brought: a service that was there before is the owner's.
  if (!existsSync('/run/systemd/system')) return;
  for (const { service } of missing)
    if (service !== undefined) await attempt(['systemctl', 'disable', '--now', `${service}.service`]);
}

async function isAvailable(name: string): Promise<boolean> {
  const { exitCode, stdout } = await attempt(['apt-cache', 'policy', name]);
  return exitCode === 0 && /Candidate: (?!\(none\))\S/.test(stdout);
}
