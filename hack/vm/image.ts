/** The virtual machine's root disk: Debian with systemd and a container runtime, made once by debootstrap and cached. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { lockFile } from '../cluster/lock.ts';
import { run } from '../cluster/program.ts';
import type { Progress } from '../cluster/progress.ts';

const SUITE = 'trixie';
const PACKAGES = [
  'linux-image-cloud-amd64',
  'systemd-sysv',
  'dbus',
  'udev',
  'kmod',
  'iproute2',
  'iptables',
  'nftables',
  'conntrack',
  'containerd',
  'runc',
  'containernetworking-plugins',
  'busybox-static',
  'ca-certificates',
  'e2fsprogs',
  'procps',
  'util-linux',
  'mount',
];
/** Sparse: what it holds is some 700 MB. */
const ROOT_BYTES = 12 * 1024 ** 3;

/** Started when the machine is up; its output is what the test reads from the console. */
const GUEST_UNIT = `[Unit]
Description=What the test came for
After=multi-user.target
[Service]
Type=oneshot
StandardOutput=file:/dev/ttyS0
StandardError=file:/dev/ttyS0
TimeoutStartSec=infinity
ExecStart=/bin/bash /payload/guest.bash
ExecStopPost=/usr/bin/systemctl --no-block poweroff
[Install]
WantedBy=graphical.target
`;

/** Files laid over what debootstrap made. */
const FILES: Readonly<Record<string, string>> = {
  'etc/hostname': 'vm\n',
  'etc/hosts': '127.0.0.1 localhost\n127.0.1.1 vm\n',
  'etc/fstab': '/dev/vda / ext4 defaults 0 1\n/dev/vdb /payload ext4 defaults 0 2\n',
  'etc/systemd/system/guest.service': GUEST_UNIT,
};
const LINKS: Readonly<Record<string, string>> = {
  'etc/systemd/system/graphical.target.wants/guest.service': '../guest.service',
  'etc/systemd/system/default.target': '/usr/lib/systemd/system/graphical.target',
  // Nothing of the distribution's own may run beside what is tested.
  'etc/systemd/system/containerd.service': '/dev/null',
  'etc/systemd/system/apt-daily.timer': '/dev/null',
  'etc/systemd/system/apt-daily-upgrade.timer': '/dev/null',
};

export interface VmImage {
  /** Read only: each machine writes to a copy of its own. */
  readonly rootDisk: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** Makes the image, or finds it in the cache. */
export async function ensureImage(cache: string, progress: Progress, signal: AbortSignal): Promise<VmImage> {
  const key = createHash('sha256')
    .update(JSON.stringify({ SUITE, PACKAGES, ROOT_BYTES, FILES, LINKS }))
    .digest('hex')
    .slice(0, 16);
  const folder = path.join(cache, 'vm');
  const dir = path.join(folder, key);
  const image = {
    rootDisk: path.join(dir, 'root.ext4'),
    kernel: path.join(dir, 'vmlinuz'),
    initrd: path.join(dir, 'initrd'),
  };
  const lock = await lockFile(path.join(folder, 'lock'), () => progress.note('another run makes the image'));
  try {
    if (existsSync(dir)) return image;
    const [tree, unfinished] = [path.join(folder, 'tree'), path.join(folder, 'unfinished')];
    try {
      await clear(tree, unfinished);
      await progress.step(`debootstrap ${SUITE}`, async () => bootstrap(tree, signal));
      await progress.step('root disk', async () => {
        await customise(tree);
        await mkdir(unfinished);
        await disk(path.join(unfinished, 'root.ext4'), tree, ROOT_BYTES, signal);
        const boot = await readdir(path.join(tree, 'boot'));
        for (const [prefix, name] of [
          ['vmlinuz-', 'vmlinuz'],
          ['initrd.img-', 'initrd'],
        ] as const) {
          const found = boot.find((file) => file.startsWith(prefix));
          if (found === undefined) throw new Error(`the kernel package brought no ${prefix}*`);
          await cp(path.join(tree, 'boot', found), path.join(unfinished, name));
        }
      });
      await rename(unfinished, dir);
    } finally {
      await clear(tree, unfinished);
    }
    return image;
  } finally {
    await lock.release();
  }
}

async function clear(...dirs: readonly string[]): Promise<void> {
  for (const dir of dirs) await rm(dir, { recursive: true, force: true });
}

/** From the archive that this machine itself installs from. */
async function bootstrap(tree: string, signal: AbortSignal): Promise<void> {
  const uris = await run(['apt-get', 'indextargets', '--format', '$(REPO_URI)', 'Origin: Debian']);
  const mirror = uris.split('\n').find((line) => line !== '');
  if (mirror === undefined) throw new Error('apt knows no archive of Debian: run apt-get update');
  await run(['debootstrap', '--variant=minbase', `--include=${PACKAGES.join(',')}`, SUITE, tree, mirror], {
    timeoutMs: 15 * 60_000,
    signal,
  });
}

async function customise(tree: string): Promise<void> {
  await rm(path.join(tree, 'var/cache/apt'), { recursive: true, force: true });
  for (const [file, text] of Object.entries(FILES)) {
    await mkdir(path.dirname(path.join(tree, file)), { recursive: true });
    await writeFile(path.join(tree, file), text);
  }
  for (const [file, target] of Object.entries(LINKS)) {
    await mkdir(path.dirname(path.join(tree, file)), { recursive: true });
    await rm(path.join(tree, file), { force: true });
    await symlink(target, path.join(tree, file));
  }
  await mkdir(path.join(tree, 'payload'), { recursive: true });
  // One machine, one identity: made at its first boot.
  await writeFile(path.join(tree, 'etc/machine-id'), '');
  const passwd = path.join(tree, 'etc/shadow');
  await writeFile(passwd, (await readFile(passwd, 'utf8')).replace(/^root:[^:]*:/m, 'root::'));
}

/** Writes the files below `tree` into a new ext4 file system of `bytes`. */
export async function disk(file: string, tree: string, bytes: number, signal: AbortSignal): Promise<void> {
  await run(
    [
      'mke2fs',
      '-q',
      '-t',
      'ext4',
      '-E',
      'lazy_itable_init=1,root_owner=0:0',
      '-d',
      tree,
      file,
      `${Math.ceil(bytes / 1024)}k`,
    ],
    { timeoutMs: 5 * 60_000, signal },
  );
}
