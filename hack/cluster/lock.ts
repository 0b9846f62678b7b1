/** Advisory file locks that die with their holder (flock(2)), taken through the flock program of util-linux. */
import { spawn } from 'node:child_process';
import { mkdir, open, stat } from 'node:fs/promises';
import path from 'node:path';

/** A held lock; give it back with `release()`. The kernel gives it back when this process dies. */
export interface FileLock {
  release(): Promise<void>;
}

/**
 * Takes an exclusive lock on `file` (created when missing) and waits for it as long as another process holds it.
 * `onWait` is called once if there is something to wait for.
 */
export async function lockFile(file: string, onWait?: () => void): Promise<FileLock> {
  for (;;) {
    await mkdir(path.dirname(file), { recursive: true });
    // flock(1) locks the open file description that it inherits, and that one is ours too: it outlives the program.
    const handle = await open(file, 'a', 0o600);
    try {
      if (!(await flock(handle.fd, true))) {
        onWait?.();
        await flock(handle.fd, false);
      }
      // Whoever held the lock may have removed the file: a lock on a file without a name keeps nobody out.
      const [locked, named] = await Promise.all([handle.stat(), stat(file).catch(() => undefined)]);
      if (locked.ino === named?.ino) return { release: () => handle.close() };
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
  }
}

function flock(fd: number, nonBlocking: boolean): Promise<boolean> {
  const args = ['--exclusive', ...(nonBlocking ? ['--nonblock'] : []), '3'];
  return new Promise((resolve, reject) => {
    const child = spawn('flock', args, { stdio: ['ignore', 'ignore', 'inherit', fd] });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve(true);
      else if (code === 1 && nonBlocking) resolve(false);
      else reject(new Error(`flock ended with ${signal ?? code}`));
    });
  });
}
