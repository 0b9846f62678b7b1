/** Command-line flags of the daemon. Kept free of heavy imports: it is loaded before `--version` is answered. */
import { defineFlags } from '../component/flags.ts';
import { informationFlags } from '../component/information_flags.ts';
import { loggingFlags } from '../component/logging_flags.ts';

export const schedulerFlags = defineFlags({
  ...informationFlags,
  ...loggingFlags,
});
