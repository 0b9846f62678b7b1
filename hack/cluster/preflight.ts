/**
 * Looks whether a cluster can stand here, before anything is changed. Each problem is one sentence that says what is
 * wrong and how to fix it. Kernel features are tried out in namespaces that end with the trial.
 */
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import path from 'node:path';
import type { CgroupHierarchies } from './cgroups.ts';
import { HOST_PORTS } from './control_plane.ts';
import type { HostPort } from './control_plane.ts';
import { locate } from './packages.ts';
import type { Requirement } from './packages.ts';
import { hasCapability, listeningSockets, socketOwner } from './procfs.ts';
import type { ListeningSocket, ProcessStat } from './procfs.ts';
import { attempt } from './program.ts';

const CAP_NET_ADMIN = 12;
const CAP_SYS_ADMIN = 21;
const GIB = 1024 ** 3;

/** Root, and with the powers that root has outside of a container. */
export function privilegeProblem(
  uid: number,
  capable: (bit: number) => boolean = hasCapability,
): string | undefined {
  if (uid !== 0)
    return 'must run as root, because it makes network namespaces and control groups: try `sudo hack/up`.';
  if (capable(CAP_NET_ADMIN) && capable(CAP_SYS_ADMIN)) return undefined;
  return 'root here lacks CAP_NET_ADMIN or CAP_SYS_ADMIN, as in a plain container: run it on the machine itself or in a privileged container.';
}

/** Free space that a run needs at a folder. */
export interface SpaceNeed {
  readonly dir: string;
  readonly what: string;
  readonly bytes: number;
  /** The environment variable that moves the folder. */
  readonly variable: string;
}

export function spaceProblem(
  need: SpaceNeed,
  freeAt: (dir: string) => number = freeBytes,
): string | undefined {
  const free = freeAt(need.dir);
  if (free >= need.bytes) return undefined;
  const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;
  return `no disk space: ${gib(free)} are free for ${need.what} at ${need.dir}, it needs ${gib(need.bytes)}: free some, or set ${need.variable} to a folder on a larger disk.`;
}

function freeBytes(dir: string): number {
  const stats = statfsSync(nearest(dir));
  return stats.bavail * stats.bsize;
}

function nearest(dir: string): string {
  return existsSync(dir) ? dir : nearest(path.dirname(dir));
}

/** Folders that every node has of its own: what lies in the host's is not to be seen from within. */
const NODES_OWN = ['/run', '/var/run', '/var/log', '/etc', '/proc', '/sys', '/dev'];

/** Whether a node can see `dir`, which is known as `what`. */
export function placeProblem(dir: string, what: string, fix: string): string | undefined {
  const hidden = NODES_OWN.find((own) => dir === own || dir.startsWith(`${own}/`));
  return hidden === undefined
    ? undefined
    : `${what} is at ${dir}, but nodes have a ${hidden} of their own: ${fix}.`;
}

/** Ports of the control plane that somebody else listens on, at `host` or at every address. */
export function portProblems(
  host: string,
  ours: (pid: number) => boolean,
  sockets: readonly ListeningSocket[] = listeningSockets(),
  owner: (inode: string) => ProcessStat | undefined = socketOwner,
  ports: readonly HostPort[] = HOST_PORTS,
): string[] {
  return ports.flatMap(({ port, component }) => {
    const taken = sockets.find(
      (socket) => socket.port === port && ['0.0.0.0', '::', host].includes(socket.address),
    );
    if (taken === undefined) return [];
    const holder = owner(taken.inode);
    if (holder !== undefined && ours(holder.pid)) return [];
    const by = holder === undefined ? 'a process that cannot be seen' : `${holder.name} (pid ${holder.pid})`;
    const at = taken.address === host ? host : 'every address';
    return [
      `port ${port} is taken at ${at} by ${by}, ${component} needs it: stop that process, or let it listen on 127.0.0.1 only.`,
    ];
  });
}

export function cgroupProblem(
  hierarchies: CgroupHierarchies | undefined,
  writable = isWritable,
): string | undefined {
  if (hierarchies === undefined)
    return 'no control groups are mounted at /sys/fs/cgroup: mount them (`mount -t cgroup2 cgroup2 /sys/fs/cgroup`) or boot with systemd.';
  const missing = ['memory', 'cpu', 'pids'].filter(
    (controller) => !hierarchies.controllers.includes(controller),
  );
  if (missing.length > 0)
    return `the control group controller ${missing.join(', ')} is missing: enable it on the kernel command line (cgroup_enable=${missing[0]}) and boot again.`;
  const locked = hierarchies.mountPoints.find((mountPoint) => !writable(mountPoint));
  return locked === undefined
    ? undefined
    : `${locked} cannot be written, as in an unprivileged container: run it on the machine itself or in a privileged container.`;
}

function isWritable(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

export function packageProblem(missing: readonly Requirement[], hasApt: boolean): string | undefined {
  if (missing.length === 0 || hasApt) return undefined;
  const names = [...new Set(missing.map((one) => one.program.replace('cni:', 'CNI plugin ')))];
  return `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} missing and there is no apt-get to install from: install by hand (Debian calls the packages ${[...new Set(missing.map((one) => one.packages[0]))].join(', ')}), or use Debian or Ubuntu.`;
}

/** A kernel feature: the command that shows it, and its fix. */
interface KernelFeature {
  readonly name: string;
  readonly needs: readonly string[];
  readonly argv: readonly [string, ...string[]];
  readonly fix: string;
}

const IN_NEW_NETWORK = ['unshare', '--net'] as const;
const FEATURES: readonly KernelFeature[] = [
  {
    name: 'namespaces (network, mount, uts, ipc, pid)',
    needs: ['unshare'],
    argv: ['unshare', '--net', '--mount', '--uts', '--ipc', '--pid', '--fork', 'true'],
    fix: 'use a kernel with CONFIG_NAMESPACES, outside of an unprivileged container',
  },
  {
    name: 'veth interfaces',
    needs: ['unshare', 'ip'],
    argv: [...IN_NEW_NETWORK, 'ip', 'link', 'add', 'tskprobe0', 'type', 'veth', 'peer', 'name', 'tskprobe1'],
    fix: 'run `modprobe veth`, or use a kernel with CONFIG_VETH',
  },
  {
    name: 'bridge interfaces',
    needs: ['unshare', 'ip'],
    argv: [...IN_NEW_NETWORK, 'ip', 'link', 'add', 'tskprobe', 'type', 'bridge'],
    fix: 'run `modprobe bridge`, or use a kernel with CONFIG_BRIDGE',
  },
  {
    name: 'iptables with address translation',
    needs: ['unshare', 'iptables'],
    argv: [...IN_NEW_NETWORK, 'iptables', '-w', '-t', 'nat', '-A', 'POSTROUTING', '-j', 'MASQUERADE'],
    fix: 'run `modprobe -a nf_nat nft_compat xt_MASQUERADE`, or use a kernel with nf_tables or ip_tables',
  },
  {
    name: 'iptables with connection tracking',
    needs: ['unshare', 'iptables'],
    argv: [
      ...IN_NEW_NETWORK,
      'iptables',
      '-w',
      '-A',
      'FORWARD',
      '-m',
      'conntrack',
      '--ctstate',
      'ESTABLISHED',
      '-j',
      'ACCEPT',
    ],
    fix: 'run `modprobe -a nf_conntrack xt_conntrack`',
  },
  {
    name: 'nf_tables',
    needs: ['unshare', 'nft'],
    argv: [...IN_NEW_NETWORK, 'nft', 'add', 'table', 'ip', 'tskprobe'],
    fix: 'run `modprobe nf_tables`, or use a kernel with CONFIG_NF_TABLES',
  },
];

/** Tries the kernel's features out with those tools that are installed. */
export async function kernelProblems(stateRoot: string): Promise<string[]> {
  const trials = FEATURES.filter((feature) =>
    feature.needs.every((program) => locate(program) !== undefined),
  );
  const problems = await Promise.all(
    trials.map(async (feature) => {
      const { exitCode, stderr } = await attempt(feature.argv, {
        timeoutMs: 10_000,
        env: systemEnvironment(),
      });
      return exitCode === 0 ? undefined : sentence(feature.name, stderr, feature.fix);
    }),
  );
  return [...problems, await overlayProblem(stateRoot)].filter((problem) => problem !== undefined);
}

function sentence(name: string, stderr: string, fix: string): string {
  const why = stderr.trim().split('\n')[0] ?? '';
  return `the kernel has no ${name}${why === '' ? '' : ` (${why})`}: ${fix}.`;
}

// On the file system that will hold the containers: an overlay cannot lie on every one.
async function overlayProblem(stateRoot: string): Promise<string | undefined> {
  if (locate('mount') === undefined || locate('unshare') === undefined) return undefined;
  const dir = mkdtempSync(path.join(nearest(stateRoot), '.tsk-overlay-trial-'));
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(path.join(dir, name));
    const options = `lowerdir=${dir}/lower,upperdir=${dir}/upper,workdir=${dir}/work`;
    const { exitCode, stderr } = await attempt(
      ['unshare', '--mount', 'mount', '-t', 'overlay', 'overlay', '-o', options, path.join(dir, 'merged')],
      { timeoutMs: 10_000, env: systemEnvironment() },
    );
    if (exitCode === 0) return undefined;
    return sentence(
      `overlay file system that can lie on ${nearest(stateRoot)}`,
      stderr,
      'run `modprobe overlay`, or set TSK_STATE to a folder on ext4, xfs or tmpfs',
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function systemEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` };
}
