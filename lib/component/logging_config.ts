/** LoggingConfiguration: the `logging` field of config files, joined with the logging flags. */
import { tryParseQuantity } from '../api/quantity.ts';
import { formatDuration, parseDuration } from '../base/duration.ts';
import type { Infer, Problem } from './config/schema.ts';
import {
  boolean,
  integer,
  json,
  list,
  object,
  quantity,
  refine,
  string,
  withDefault,
} from './config/schema.ts';
import type { FeatureGates } from './feature_gates.ts';
import type { ParsedFlags } from './flags.ts';
import type { loggingFlags } from './logging_flags.ts';
import type { LogSettings } from './logging.ts';

const DEFAULT_FLUSH_MS = 5000;

const outputOptions = object({
  splitStream: withDefault(boolean(), false),
  infoBufferSize: withDefault(quantity(), '0'),
});

/** Schema of the field. */
export const loggingConfiguration = object({
  format: withDefault(
    refine(string(), 'text or json', (format) => ['', 'text', 'json'].includes(format)),
    'text',
  ),
  /** As it was written: a duration, or nanoseconds as older files have it; 0 is the default of 5 s. */
  flushFrequency: withDefault(
    refine(json(), 'a duration such as "5s", from 0', (value) => (flushMs(value) ?? -1) >= 0),
    '5s',
  ),
  verbosity: withDefault(integer({ min: 0 }), 0),
  vmodule: withDefault(list(object({ filePattern: string(), verbosity: integer({ min: 0 }) })), []),
  options: object({ text: outputOptions, json: outputOptions }),
});

export type LoggingConfiguration = Infer<typeof loggingConfiguration>;

/** What the flags say, over what the config file says. */
export function effectiveLogging(
  flags: ParsedFlags<typeof loggingFlags>,
  file: LoggingConfiguration = loggingConfiguration.decode({}, '', []),
): LoggingConfiguration {
  const { values } = flags;
  const given = <V>(name: keyof typeof loggingFlags, value: V, otherwise: V): V =>
    flags.isSet(name) ? value : otherwise;
  return {
    format: given('logging-format', values['logging-format'], file.format),
    flushFrequency: given(
      'log-flush-frequency',
      formatDuration(values['log-flush-frequency']),
      file.flushFrequency,
    ),
    verbosity: given('v', values.v, file.verbosity),
    vmodule: given(
      'vmodule',
      values.vmodule.map(({ pattern, level }) => ({ filePattern: pattern, verbosity: level })),
      file.vmodule,
    ),
    options: {
      text: {
        splitStream: given(
          'log-text-split-stream',
          values['log-text-split-stream'],
          file.options.text.splitStream,
        ),
        infoBufferSize: given(
          'log-text-info-buffer-size',
          values['log-text-info-buffer-size'],
          file.options.text.infoBufferSize,
        ),
      },
      json: {
        splitStream: given(
          'log-json-split-stream',
          values['log-json-split-stream'],
          file.options.json.splitStream,
        ),
        infoBufferSize: given(
          'log-json-info-buffer-size',
          values['log-json-info-buffer-size'],
          file.options.json.infoBufferSize,
        ),
      },
    },
  };
}

const ALPHA_OPTIONS = 'LoggingAlphaOptions';
const BETA_OPTIONS = 'LoggingBetaOptions';

/** What of the configuration does not go together, or with the gates; paths begin with `logging`. */
export function loggingProblems(
  logging: LoggingConfiguration,
  gates: Pick<FeatureGates, 'enabled'>,
): Problem[] {
  const problems: Problem[] = [];
  const wrong = (path: string, message: string): void => {
    problems.push({ path: `logging.${path}`, message });
  };
  if (logging.format === 'json') {
    if (!gates.enabled(BETA_OPTIONS))
      wrong('format', `Log format json is disabled, see ${BETA_OPTIONS} feature`);
    if (logging.vmodule.length > 0) wrong('vmodule', 'Only supported for text log format');
  } else if (logging.format !== 'text' && logging.format !== '')
    wrong('format', `got "${logging.format}", want "text" or "json"`);
  for (const format of ['text', 'json'] as const) {
    const { splitStream, infoBufferSize } = logging.options[format];
    if (gates.enabled(ALPHA_OPTIONS)) continue;
    if (splitStream) wrong(`options.${format}.splitStream`, `Feature ${ALPHA_OPTIONS} is disabled`);
    if (bytesOf(infoBufferSize) !== 0)
      wrong(`options.${format}.infoBufferSize`, `Feature ${ALPHA_OPTIONS} is disabled`);
  }
  return problems;
}

/** The settings of a logger, of a configuration that has no problems. */
export function logSettings(logging: LoggingConfiguration): Required<LogSettings> {
  const format = logging.format === 'json' ? 'json' : 'text';
  const { splitStream, infoBufferSize } = logging.options[format];
  return {
    format,
    verbosity: logging.verbosity,
    vmodule: logging.vmodule.map(({ filePattern, verbosity }) => ({
      pattern: filePattern,
      level: verbosity,
    })),
    output: {
      splitStream,
      infoBufferBytes: bytesOf(infoBufferSize),
      flushMs: flushMs(logging.flushFrequency) || DEFAULT_FLUSH_MS,
    },
  };
}

function flushMs(value: unknown): number | undefined {
  if (typeof value === 'number') return value / 1e6;
  try {
    return typeof value === 'string' ? parseDuration(value) : undefined;
  } catch {
    return undefined;
  }
}

function bytesOf(size: string): number {
  return Number(tryParseQuantity(size)?.value() ?? 0n);
}
