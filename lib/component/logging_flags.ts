/** The logging flags of every daemon; {@link file://./logging_config.ts} joins them with the config file. */
import { errorMessage } from '../base/errors.ts';
import { flag, FlagValueError } from './flag_types.ts';
import type { Flag } from './flag_types.ts';
import { defineFlags } from './flags.ts';
import type { VModule } from './logging.ts';
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

const bufferHelp = (format: string): string =>
  `[Alpha] How many bytes of informational messages may wait in ${format} format with split streams; 0: none. Needs the feature gate LoggingAlphaOptions.`;
const splitHelp = (format: string): string =>
  `[Alpha] In ${format} format, write informational messages to stdout, the others to stderr. Needs the feature gate LoggingAlphaOptions.`;

export const loggingFlags = defineFlags({
  'log-flush-frequency': flag.duration({
    section,
    default: 5000,
    help: 'How long informational messages may wait in the buffer of split streams.',
  }),
  'log-json-info-buffer-size': flag.quantity({ section, help: bufferHelp('JSON') }),
  'log-json-split-stream': flag.bool({ section, help: splitHelp('JSON') }),
  'log-text-info-buffer-size': flag.quantity({ section, help: bufferHelp('text') }),
  'log-text-split-stream': flag.bool({ section, help: splitHelp('text') }),
  'logging-format': flag.choice(['text', 'json'], {
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
