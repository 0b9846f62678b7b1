/** Runs one virtual machine to its end under software emulation, and hands on what it prints. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { run } from '../cluster/program.ts';
import type { VmImage } from './image.ts';

const EMULATOR = 'qemu-system-x86_64';

/** Units that only take time; the first would write into what the guest prints. */
const NEEDLESS = [
  'serial-getty@ttyS0.service',
  'getty@tty1.service',
  'systemd-networkd.service',
  'systemd-timesyncd.service',
  'e2scrub_reap.service',
  'e2scrub_all.timer',
  'fstrim.timer',
  'dpkg-db-backup.timer',
  'ldconfig.service',
  'systemd-hwdb-update.service',
];

export interface MachineOptions {
  readonly image: VmImage;
  /** Mounted at /payload. */
  readonly payloadDisk: string;
  /** Written to ({@link rootDisk}). */
  readonly rootDisk: string;
  /** Path of a Unix socket to be made, where root's shell answers. */
  readonly shell?: string;
  readonly memoryMiB: number;
  readonly cores: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called with each line of the console. */
  readonly onLine: (line: string) => void;
}

/** A root disk of the machine's own over that of the image; it lasts from boot to boot. */
export async function rootDisk(image: VmImage, scratch: string): Promise<string> {
  const root = path.join(scratch, 'root.qcow2');
  await run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', image.rootDisk, root]);
  return root;
}

/** Boots the machine and waits until it has switched itself off, or has reset itself. Rejects when it does not in time. */
export async function runMachine(options: MachineOptions): Promise<void> {
  const { image, rootDisk: root, payloadDisk, shell, memoryMiB, cores, timeoutMs, signal, onLine } = options;
  const drive = (file: string, format: string): string[] => [
    '-drive',
    `file=${file},if=virtio,format=${format},cache=unsafe`,
  ];
  const args = [
    // Emulation is to be had everywhere (virtualisation in a virtual machine is not). Time is counted in instructions, a
    // thousand million a second: on a machine that is busy with other things the guest's clock goes slowly, rather than
    // its programs running into their deadlines. Without CMPXCHG16B: qemu 7.2 leaves wrong flags after it, which takes
    // the memory of a kernel that uses it apart.
    ...'-accel tcg,thread=single -icount shift=0 -cpu max,cx16=off'.split(' '),
    ...'-display none -monitor none -nic none -no-reboot -serial stdio'.split(' '),
    '-smp',
    String(cores),
    '-m',
    String(memoryMiB),
    '-kernel',
    image.kernel,
    '-initrd',
    image.initrd,
    '-append',
    [
      'root=/dev/vda rw console=ttyS0 quiet systemd.show_status=false panic=-1',
      ...NEEDLESS.map((unit) => `systemd.mask=${unit}`),
      ...(shell === undefined ? [] : ['systemd.debug_shell=ttyS1']),
    ].join(' '),
    ...drive(root, 'qcow2'),
    ...drive(payloadDisk, 'raw'),
    ...(shell === undefined ? [] : ['-serial', `unix:${shell},server=on,wait=off`]),
  ];
  await new Promise<void>((resolve, reject) => {
    // In a session of its own: an interrupt at the terminal is for this process, which ends it.
    const child = spawn(EMULATOR, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let problem: string | undefined;
    const end = (why: string): void => {
      problem ??= why;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => end(`the machine did not end within ${timeoutMs / 1000} s`), timeoutMs);
    const onAbort = (): void => end('interrupted');
    signal.addEventListener('abort', onAbort, { once: true });
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split(/\r*\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', (error) => end(`cannot start ${EMULATOR}: ${error.message}`));
    child.once('close', (code) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      if (rest !== '') onLine(rest);
      if (problem === undefined && code !== 0) problem = `${EMULATOR} ended with ${code}: ${stderr.trim()}`;
      if (problem === undefined) resolve();
      else reject(new Error(problem));
    });
  });
}
