/** What /proc tells about processes, as pure parsers and the few readers built on them. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The parts of `/proc/PID/stat` in use. */
export interface ProcessStat {
  readonly pid: number;
  readonly name: string;
  /** One letter; `Z` and `X` are dead. */
  readonly state: string;
  readonly parent: number;
  /** Those of its threads that have not ended, the first one always among them. */
  readonly threads: number;
  /** Clock ticks after boot: with the pid it names a process for good, since pids are used again. */
  readonly startTicks: number;
}

/** Parses `/proc/PID/stat`; the name in parentheses may itself hold blanks and parentheses. */
export function parseStat(text: string): ProcessStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(' ');
  const [state, parent] = fields;
  const pid = Number(text.slice(0, open));
  const startTicks = Number(fields[19]);
  if (state === undefined || !Number.isInteger(pid) || !Number.isInteger(startTicks)) return undefined;
  return {
    pid,
    name: text.slice(open + 1, close),
    state,
    parent: Number(parent),
    threads: Number(fields[17]),
    startTicks,
  };
}

/**
 * Whether the process has ended and only waits to be reaped. While another of its threads is still on its way out, the
 * process holds its files and ports, although its first thread is a zombie.
 */
export function hasEnded({ state, threads }: Pick<ProcessStat, 'state' | 'threads'>): boolean {
  return state === 'X' || (state === 'Z' && threads <= 1);
}

/** The live process `pid`, or `undefined`. */
export function processStat(pid: number): ProcessStat | undefined {
  const text = readIfThere(`/proc/${pid}/stat`);
  const stat = text === undefined ? undefined : parseStat(text);
  return stat === undefined || hasEnded(stat) ? undefined : stat;
}

/** All live processes. */
export function allProcesses(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processStat(Number(name)))
    .filter((stat) => stat !== undefined);
}

/** The command line of `pid`, or an empty list when it is gone or a kernel thread. */
export function commandLine(pid: number): string[] {
  const text = readIfThere(`/proc/${pid}/cmdline`) ?? '';
  return text === '' ? [] : text.replace(/\0$/, '').split('\0');
}

/** A listening TCP socket. */
export interface ListeningSocket {
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

/** Parses `/proc/net/tcp` or `/proc/net/tcp6` down to the listening sockets. */
export function parseListening(text: string): ListeningSocket[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .flatMap((fields) => {
      const [, local, , state, , , , , , inode] = fields;
      if (local === undefined || inode === undefined || state !== '0A') return [];
      const [address, port] = local.split(':');
      if (address === undefined || port === undefined) return [];
      return [{ address: hexAddress(address), port: Number.parseInt(port, 16), inode }];
    });
}

// The kernel prints each 32-bit word in the machine's byte order: little-endian on x86-64 and arm64.
function hexAddress(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex')].reverse());
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.every((byte) => byte === 0)) return '::';
  const mapped =
    bytes.slice(0, 10).every((byte) => byte === 0) && bytes.slice(10, 12).every((byte) => byte === 255);
  if (mapped) return bytes.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  return groups.join(':');
}

/** The listeners on this machine (this network namespace). */
export function listeningSockets(): ListeningSocket[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => parseListening(readIfThere(file) ?? ''));
}

/** The process that holds the socket with this inode, if it can be seen. */
export function socketOwner(inode: string): ProcessStat | undefined {
  const wanted = `socket:[${inode}]`;
  return allProcesses().find((stat) => {
    const dir = `/proc/${stat.pid}/fd`;
    return openFiles(dir).some((fd) => linkTarget(`${dir}/${fd}`) === wanted);
  });
}

function openFiles(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return []; // The process ended while we looked, or is not ours to look at.
  }
}

// One by one: a busy process closes files while we look, and that says nothing about its others.
function linkTarget(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

/** One line of `/proc/self/mountinfo`. */
export interface Mount {
  readonly mountPoint: string;
  readonly root: string;
  readonly fsType: string;
  readonly source: string;
  readonly superOptions: string;
}

/** Parses `/proc/PID/mountinfo` (proc(5)); octal escapes are decoded. */
export function parseMountinfo(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const separator = fields.indexOf('-');
    const [root, mountPoint] = [fields[3], fields[4]];
    const [fsType, source, superOptions] = fields.slice(separator + 1);
    if (separator < 0 || root === undefined || mountPoint === undefined || fsType === undefined) return [];
    return [
      {
        mountPoint: decodeOctal(mountPoint),
        root: decodeOctal(root),
        fsType,
        source: decodeOctal(source ?? ''),
        superOptions: superOptions ?? '',
      },
    ];
  });
}

export function mounts(): Mount[] {
  return parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
}

function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Whether this process has the capability number `bit` (capabilities(7)) in its effective set. */
export function hasCapability(bit: number, statusText = readFileSync('/proc/self/status', 'utf8')): boolean {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(statusText)?.[1];
  return hex !== undefined && ((BigInt(`0x${hex}`) >> BigInt(bit)) & 1n) === 1n;
}

/** The contents of a small file, or `undefined` when it (or its process) is not there. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
