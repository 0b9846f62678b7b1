/** The logging flags of every daemon, and how they become {@link LogSettings}. */
import { errorMessage } from '../base/errors.ts';
import { flag, FlagValueError } from './flag_types.ts';
import type { Flag } from './flag_types.ts';
import type { FlagValues } from './flags.ts';
import { defineFlags, FlagError } from './flags.ts';
import type { LogSettings, VModule } from './logging.ts';
import { parseVModule } from './logging.ts';

const section = 'Logs';

const vmoduleFlag: Flag<readonly VModule[]> = {
  section,
  type: 'pattern=N,...',
  help: 'comma-separated list of pattern=N settings for logging by source (only works for text log format)',
  default: [],
  parse(text) {
    try {
      return parseVModule(text);
    } catch (err) {
      throw new FlagValueError(errorMessage(err), { cause: err });
    }
  },
  format: (value) => value.map((m) => `${m.pattern}=${m.level}`).join(','),
};

const bufferHelp = '[Alpha] Accepted for compatibility: lines are written as they come, without a buffer.';
const splitHelp = '[Alpha] Not available: all lines go to stderr.';

export const loggingFlags = defineFlags({
  'log-flush-frequency': flag.duration({
    section,
    default: 5000,
    help: 'Accepted for compatibility: lines are written as they come, there is nothing to flush.',
  }),
  'log-json-info-buffer-size': flag.string({ section, help: bufferHelp, default: '0' }),
  'log-json-split-stream': flag.bool({ section, help: splitHelp }),
  'log-text-info-buffer-size': flag.string({ section, help: bufferHelp, default: '0' }),
  'log-text-split-stream': flag.bool({ section, help: splitHelp }),
  'logging-format': flag.string({
    section,
    default: 'text',
    help: 'Sets the log format. Permitted formats: "json", "text".',
  }),
  v: flag.int({
    section,
    shorthand: 'v',
    type: 'Level',
    bits: 32,
    unsigned: true,
    help: 'number for the log level verbosity',
  }),
  vmodule: vmoduleFlag,
});

/** @throws FlagError for an unknown format and for options that cannot be had */
export function logSettings(values: FlagValues<typeof loggingFlags>): LogSettings {
  const format = values['logging-format'];
  if (format !== 'text' && format !== 'json')
    throw new FlagError(`invalid argument "${format}" for "--logging-format" flag: want "text" or "json"`);
  if (format === 'json' && values.vmodule.length > 0)
    throw new FlagError('--vmodule: only works with --logging-format=text');
  for (const name of ['log-json-split-stream', 'log-text-split-stream'] as const)
    if (values[name])
      throw new FlagError(`--${name}: needs the feature LoggingAlphaOptions, which is not available`);
  return { format, verbosity: values.v, vmodule: values.vmodule };
}
