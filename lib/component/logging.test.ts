import { FakeClock } from '../base/fake_clock.ts';
import type { LogSettings } from './logging.ts';
import { createLogger, parseVModule } from './logging.ts';

const at = new Date(2026, 10, 21, 5, 6, 7, 89);

function logger(settings: Partial<LogSettings> = {}) {
  const lines: string[] = [];
  const log = createLogger({
    format: 'text',
    verbosity: 0,
    stream: { write: (line) => lines.push(line) },
    clock: new FakeClock(at.getTime()),
    source: 'kubelet',
    pid: 12345,
    ...settings,
  });
  return { log, lines };
}

const HEAD = '1121 05:06:07.089000   12345 ';

test.each<[string, (log: ReturnType<typeof logger>['log']) => void, string]>([
  ['a message', (log) => log.info('Starting'), `I${HEAD}kubelet] "Starting"\n`],
  [
    'values',
    (log) => log.info('Pod added', { pod: 'default/web', n: 2, on: true, none: null, big: 5n }),
    `I${HEAD}kubelet] "Pod added" pod="default/web" n=2 on=true none=null big=5\n`,
  ],
  [
    'objects',
    (log) => log.info('m', { o: { a: [1, 'x'] }, m: new Map([['k', 1]]) }),
    `I${HEAD}kubelet] "m" o={"a":[1,"x"]} m={"k":1}\n`,
  ],
  ['a warning', (log) => log.warn('Careful'), `W${HEAD}kubelet] "Careful"\n`],
  [
    'an error with its cause',
    (log) => log.error(new Error('outer', { cause: new Error('inner') }), 'Failed', { x: 1 }),
    `E${HEAD}kubelet] "Failed" err="outer: inner" x=1\n`,
  ],
  ['an error of any type', (log) => log.error('text', 'Failed'), `E${HEAD}kubelet] "Failed" err="text"\n`],
  ['no error', (log) => log.error(undefined, 'Failed', { x: 1 }), `E${HEAD}kubelet] "Failed" x=1\n`],
  [
    'quotes and line feeds in a message',
    (log) => log.info('a "b"\nI1121 forged'),
    `I${HEAD}kubelet] "a \\"b\\"\\nI1121 forged"\n`,
  ],
  [
    'several lines in a value',
    (log) => log.info('m', { s: 'a\nb' }),
    `I${HEAD}kubelet] "m" s=<\n\ta\n\tb\n >\n`,
  ],
  [
    'values and name of a derived logger',
    (log) => log.with({ logger: 'queue', pod: 'a/b' }).info('m', { n: 1 }),
    `I${HEAD}queue] "m" pod="a/b" n=1\n`,
  ],
])('K30: text: %s', (_, write, want) => {
  const { log, lines } = logger();
  write(log);
  expect(lines).toEqual([want]);
});

test.each<[string, (log: ReturnType<typeof logger>['log']) => void, object]>([
  [
    'a message',
    (log) => log.info('Starting', { pod: 'a/b' }),
    { ts: at.getTime(), msg: 'Starting', v: 0, pod: 'a/b' },
  ],
  ['an error', (log) => log.error(new Error('x'), 'Failed'), { ts: at.getTime(), msg: 'Failed', err: 'x' }],
  ['no error', (log) => log.error(undefined, 'Failed'), { ts: at.getTime(), msg: 'Failed' }],
  [
    'a warning',
    (log) => log.warn('Careful'),
    { ts: at.getTime(), msg: 'Careful', v: 0, severity: 'warning' },
  ],
  [
    'a derived logger',
    (log) => log.with({ logger: 'queue' }).info('m'),
    { ts: at.getTime(), logger: 'queue', msg: 'm', v: 0 },
  ],
  [
    'errors and big numbers as values',
    (log) => log.info('m', { why: new Error('x'), n: 5n }),
    { ts: at.getTime(), msg: 'm', v: 0, why: 'x', n: '5' },
  ],
  [
    'values cannot replace the fields of the line',
    (log) => log.info('m', { msg: 'other', ts: 0 }),
    { ts: at.getTime(), msg: 'm', v: 0 },
  ],
])('K30: json: %s', (_, write, want) => {
  const { log, lines } = logger({ format: 'json' });
  write(log);
  expect(lines.map((l) => JSON.parse(l) as unknown)).toEqual([want]);
  expect(lines[0]?.endsWith('}\n')).toBe(true);
});

test('K30: a value that cannot be shown does not throw', () => {
  const { log, lines } = logger();
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  log.info('m', { circular });
  expect(lines[0]).toContain('<unprintable');
});

test('K30: verbosity decides what is shown, by source where --vmodule says so', () => {
  const { log, lines } = logger({ verbosity: 2, vmodule: [{ pattern: 'que*', level: 5 }] });
  const queue = log.with({ logger: 'queue' });
  log.v(2).info('shown');
  log.v(3).info('hidden');
  queue.v(5).info('shown too');
  queue.v(6).info('hidden too');
  expect(lines.map((l) => l.replace(/.*] /, ''))).toEqual(['"shown"\n', '"shown too"\n']);
  expect([log.v(2).enabled, log.v(3).enabled, queue.v(5).enabled]).toEqual([true, false, true]);
});

test('K30: settings changed later count for loggers made before', () => {
  const { log, lines } = logger();
  const derived = log.with({ logger: 'queue' });
  derived.v(4).info('hidden');
  log.configure({ verbosity: 4, format: 'json' });
  derived.v(4).info('shown');
  expect(lines.map((l) => JSON.parse(l) as unknown)).toMatchObject([{ msg: 'shown', v: 4 }]);
});

test.each([
  ['', []],
  [
    'a=1,b*=2',
    [
      { pattern: 'a', level: 1 },
      { pattern: 'b*', level: 2 },
    ],
  ],
])('K30: vmodule "%s"', (text, want) => {
  expect(parseVModule(text)).toEqual(want);
});

test.each([
  ['a', '"a" does not have the pattern=N format'],
  ['=1', '"=1" does not have the pattern=N format'],
  ['a=x', '"a=x": the level must be a whole number from 0'],
])('K30: vmodule "%s" is refused', (text, message) => {
  expect(() => parseVModule(text)).toThrow(message);
});
