/**
 * The mount system calls, made through koffi: microseconds instead of a process each, and arguments that no program
 * parses. Only for file systems that answer at once (tmpfs, bind, hugetlbfs); network file systems go through their
 * mount programs.
 */
import koffi from 'koffi';
import { cFunctions, errnoSymbol } from '../../base/c_library.ts';

/** Flags of mount(2). */
export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  REMOUNT: 32,
  BIND: 4096,
  REC: 16_384,
  PRIVATE: 1 << 18,
} as const;

/** A mount system call failed; `code` is the symbolic errno, such as EBUSY. */
export class MountError extends Error {
  override readonly name = 'MountError';
  readonly code: string;

  constructor(call: string, target: string, errno: number) {
    const code = errnoSymbol(errno);
    super(`${call} ${target}: ${code}`);
    this.code = code;
  }
}

interface MountCalls {
  readonly mount: (
    source: string,
    target: string,
    type: string | null,
    flags: number,
    data: string | null,
  ) => number;
  readonly umount2: (target: string, flags: number) => number;
}

const UMOUNT_NOFOLLOW = 8;

const calls = cFunctions((library): MountCalls => ({
  mount: library.func(
    'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
  ),
  umount2: library.func('int umount2(const char *target, int flags)'),
}));

/** Mounts a file system, e.g. `mountFs('tmpfs', 'tmpfs', dir, 0, 'size=1048576')`. @throws MountError */
export function mountFs(source: string, type: string, target: string, flags: number, data: string): void {
  if (calls().mount(source, target, type, flags, data) !== 0) {
    throw new MountError(`mount -t ${type} -o ${data}`, target, koffi.errno());
  }
}

/** Binds what `source` is (a directory or file, also `/proc/self/fd/N`) to `target`, submounts included. @throws MountError */
export function bindMount(source: string, target: string): void {
  if (calls().mount(source, target, null, MS.BIND | MS.REC, null) !== 0) {
    throw new MountError(`mount --bind ${source}`, target, koffi.errno());
  }
}

/** Takes down the topmost mount at `target`; a symlink there is not followed. @throws MountError (`EBUSY`: in use) */
export function unmount(target: string): void {
  if (calls().umount2(target, UMOUNT_NOFOLLOW) !== 0) {
    throw new MountError('umount', target, koffi.errno());
  }
}
