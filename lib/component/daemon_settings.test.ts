import { FakeClock } from '../base/fake_clock.ts';
import { applyDaemonSettings } from './daemon_settings.ts';
import { decodeFields } from './config/document.ts';
import { parseFlags } from './flags.ts';
import { loggingConfiguration } from './logging_config.ts';
import { loggingFlags } from './logging_flags.ts';
import { createLogger } from './logging.ts';

const ALPHA: [string, boolean] = ['LoggingAlphaOptions', true];

function apply(
  argv: string[],
  more: { gates?: [string, boolean][]; logging?: unknown; hidden?: string } = {},
) {
  const err: string[] = [];
  const out: string[] = [];
  const clock = new FakeClock();
  const log = createLogger({
    format: 'text',
    verbosity: 0,
    stream: { write: (text) => err.push(text) },
    infoStream: { write: (text) => out.push(text) },
    clock,
  });
  const gates = applyDaemonSettings({
    log,
    flags: parseFlags(loggingFlags, argv),
    source: 'x.yaml',
    featureGates: more.gates ?? [],
    logging:
      more.logging === undefined ? undefined : decodeFields(more.logging, 'x.yaml', loggingConfiguration),
    showHiddenMetricsForVersion: more.hidden ?? '',
  });
  return { log, gates, clock, err, out };
}

const heads = (lines: string[]): string[] => lines.map((line) => line.slice(0, 1));

test('text to one stream by default', () => {
  const { log, err, out } = apply([]);
  log.info('a');
  log.warn('b');
  log.error(undefined, 'c');
  expect([heads(err), out]).toEqual([['I', 'W', 'E'], []]);
});

test.each([
  ['flag', ['--log-text-split-stream'], undefined],
  ['file', [], { options: { text: { splitStream: true } } }],
])('split text by %s: information to the other stream', (_, argv, logging) => {
  const { log, err, out } = apply(argv, { gates: [ALPHA], logging });
  log.info('a');
  log.warn('b');
  log.error(undefined, 'c');
  expect([heads(out), heads(err)]).toEqual([['I'], ['W', 'E']]);
});

test('split JSON: all but errors to the other stream', () => {
  const { log, err, out } = apply(['--logging-format=json', '--log-json-split-stream'], { gates: [ALPHA] });
  log.info('a');
  log.warn('b');
  log.error(undefined, 'c');
  expect(out.map((line) => /"msg":"(.)"/.exec(line)?.[1])).toEqual(['a', 'b']);
  expect(err.map((line) => /"msg":"(.)"/.exec(line)?.[1])).toEqual(['c']);
});

test('the option of the other format has no effect', () => {
  const { log, err } = apply(['--log-json-split-stream'], { gates: [ALPHA] });
  log.info('a');
  expect(heads(err)).toEqual(['I']);
});

describe('a buffer', () => {
  const buffered = () =>
    apply(['--log-text-split-stream', '--log-text-info-buffer-size=100', '--log-flush-frequency=2s'], {
      gates: [ALPHA],
    });

  test('is written when it would overflow', () => {
    const { log, out } = buffered();
    log.info('a');
    log.info('b');
    expect(out).toEqual([]);
    log.info('c'.repeat(50));
    expect(out.join('').match(/^I/gm)).toHaveLength(2);
  });

  test('is written after a while, once', async () => {
    const { log, out, clock } = buffered();
    log.info('a');
    await clock.advance(1999);
    expect(out).toEqual([]);
    await clock.advance(1);
    expect(heads(out)).toEqual(['I']);
    await clock.advance(10_000);
    expect(out).toHaveLength(1);
  });

  test('is written at the end, and before the settings change', () => {
    const { log, out } = buffered();
    log.info('a');
    log.flush();
    log.info('b');
    log.configure({ output: { splitStream: false, infoBufferBytes: 0, flushMs: 1 } });
    expect(heads(out)).toEqual(['I', 'I']);
  });

  test('does not hold errors back', () => {
    const { log, err } = buffered();
    log.error(undefined, 'a');
    expect(heads(err)).toEqual(['E']);
  });
});

test('flags go before the file, where they are given', () => {
  const logging = { format: 'json', verbosity: 4, vmodule: [{ filePattern: 'a*', verbosity: 9 }] };
  const { log } = apply(['--logging-format=text', '-v=2'], { logging });
  expect(log.settings).toMatchObject({
    format: 'text',
    verbosity: 2,
    vmodule: [{ pattern: 'a*', level: 9 }],
  });
});

test.each([
  [0, 5000],
  ['0s', 5000],
  ['1m', 60_000],
  [2e9, 2000],
])('flush frequency %j: %s ms', (flushFrequency, flushMs) => {
  expect(apply([], { logging: { flushFrequency } }).log.settings.output?.flushMs).toBe(flushMs);
});

test.each<[string, Parameters<typeof apply>, string]>([
  [
    'splitting without the gate',
    [['--log-text-split-stream']],
    'x.yaml: field "logging.options.text.splitStream": Feature LoggingAlphaOptions is disabled',
  ],
  [
    'a buffer without the gate',
    [[], { logging: { options: { json: { infoBufferSize: '1Ki' } } } }],
    'x.yaml: field "logging.options.json.infoBufferSize": Feature LoggingAlphaOptions is disabled',
  ],
  [
    'JSON with its gate off',
    [['--logging-format=json'], { gates: [['LoggingBetaOptions', false]] }],
    'x.yaml: field "logging.format": Log format json is disabled, see LoggingBetaOptions feature',
  ],
  [
    'JSON with levels by source',
    [['--logging-format=json', '--vmodule=a=1']],
    'x.yaml: field "logging.vmodule": Only supported for text log format',
  ],
  [
    'a format that there is not',
    [[], { logging: { format: 'xml' } }],
    'x.yaml: field "format": got "xml", want text or json',
  ],
  [
    'a negative time',
    [[], { logging: { flushFrequency: '-1s' } }],
    'x.yaml: field "flushFrequency": got "-1s", want a duration such as "5s", from 0',
  ],
  [
    'hidden metrics of another version',
    [[], { hidden: '1.30' }],
    `x.yaml: field "showHiddenMetricsForVersion": got "1.30", must be omitted or have the value '1.35'; only the previous minor version is allowed`,
  ],
  [
    'a gate without its need',
    [[], { gates: [['GangScheduling', true]] }],
    'GangScheduling is enabled, but depends on features that are disabled: [GenericWorkload]',
  ],
])('%s is refused', (_, args, message) => {
  expect(() => apply(...args)).toThrow(message);
});

test('gates are given back, and those about to go are warned of', () => {
  const { gates, err } = apply([], { gates: [['MatchLabelKeysInPodAffinity', true]] });
  expect(gates.enabled('MatchLabelKeysInPodAffinity')).toBe(true);
  expect(err.join('')).toContain('Setting GA feature gate MatchLabelKeysInPodAffinity=true');
});
