import { rename } from 'node:fs/promises';
import type { Log } from './log.ts';

/**
 * Moves a file of ours that cannot be understood to `<path>.corrupt`, for people to look at, and reports it: the program
 * goes on as if there were none. Never rejects.
 *
 * @param what the file is, at the beginning of a sentence
 */
export async function setAside(
  path: string,
  error: unknown,
  what: string,
  log: Pick<Log, 'error'>,
): Promise<void> {
  log.error(error, `${what} cannot be read; it is set aside`, { path });
  try {
    await rename(path, `${path}.corrupt`);
  } catch (err) {
    log.error(err, `${what} cannot be set aside`, { path });
  }
}
