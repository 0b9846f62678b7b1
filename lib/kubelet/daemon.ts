import type { ParsedFlags } from '../component/flags.ts';
import type { DaemonContext } from '../component/lifecycle.ts';
import type { kubeletFlags } from './flags.ts';

/**
 * Runs the daemon until `ctx.signal` aborts.
 *
 * @throws Error when it cannot start; the message is the one sentence that the operator sees
 */
export async function run(flags: ParsedFlags<typeof kubeletFlags>, ctx: DaemonContext): Promise<void> {
  ctx.log.info('Starting', { verbosity: flags.values.v });
  await Promise.reject(new Error('this daemon is not built yet'));
}
