/** Kernel settings that a node is run with (`protectKernelDefaults`). */
import { readFile, writeFile } from 'node:fs/promises';
import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';

/** As stock wants them. */
const WANTED = {
  'vm/overcommit_memory': 1,
  'vm/panic_on_oom': 0,
  'kernel/panic': 10,
  'kernel/panic_on_oops': 1,
  'kernel/keys/root_maxkeys': 1_000_000,
  'kernel/keys/root_maxbytes': 25_000_000,
} as const;

/**
 * Sets what differs, or, when the kernel's settings are protected, fails. What may not be set here (in a container) is
 * told and left.
 *
 * @param root `/proc/sys`
 * @throws Error naming every setting that differs
 */
export async function settleKernel(
  { protectKernelDefaults }: { readonly protectKernelDefaults: boolean },
  log: Pick<Log, 'info' | 'warn'>,
  root = '/proc/sys',
): Promise<void> {
  const wrong: string[] = [];
  for (const [name, wanted] of Object.entries(WANTED)) {
    const text = await readFile(`${root}/${name}`, 'utf8').catch(() => undefined);
    if (text === undefined || Number(text) === wanted) continue;
    const actual = text.trim();
    if (protectKernelDefaults) {
      wrong.push(`invalid kernel flag: ${name}, expected value: ${wanted}, actual value: ${actual}`);
      continue;
    }
    try {
      await writeFile(`${root}/${name}`, String(wanted));
      log.info('Updating kernel flag', { flag: name, expectedValue: wanted, actualValue: actual });
    } catch (error) {
      log.warn('Cannot set a kernel flag; going on', { flag: name, wanted, err: errorMessage(error) });
    }
  }
  if (wrong.length > 0) throw new Error(wrong.join('; '));
}
