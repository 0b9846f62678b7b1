import { flag } from './flag_types.ts';
import { defineFlags, FlagError, flagUsage, formatFlags, parseFlags } from './flags.ts';

const definitions = defineFlags({
  config: flag.string({ section: 'Misc', help: 'a file' }),
  port: flag.int({ section: 'Misc', bits: 32, default: 80, help: 'a port' }),
  verbose: flag.bool({ section: 'Misc', help: 'speak' }),
  v: flag.int({ shorthand: 'v', bits: 32, unsigned: true, help: 'level' }),
  wait: flag.duration({ default: 1500, help: 'how long' }),
  names: flag.strings({ default: ['x'], help: 'names' }),
  rule: flag.stringArray({ help: 'rules' }),
  ids: flag.ints({ help: 'numbers' }),
  labels: flag.map({ help: 'labels' }),
  limits: flag.map({ separator: '<', help: 'limits' }),
  pairs: flag.quotedMap({ help: 'pairs' }),
  size: flag.quantity({ help: 'size' }),
  gates: flag.boolMap({ help: 'gates' }),
  address: flag.ip({ default: '0.0.0.0', help: 'address' }),
  bind: flag.ipPort({ default: '127.0.0.1:1', help: 'address and port' }),
  mode: flag.choice(['fast', 'safe'], { default: 'safe', help: 'mode' }),
  qps: flag.float({ default: 5, help: 'rate' }),
  'old-one': flag.string({ deprecated: 'use --config instead.', help: 'old' }),
  secret: flag.string({ hidden: true, help: 'not listed' }),
});

const values = (...argv: string[]) => parseFlags(definitions, argv).values;

test('defaults', () => {
  expect(values()).toMatchObject({
    config: '',
    port: 80,
    verbose: false,
    wait: 1500,
    names: ['x'],
    mode: 'safe',
  });
});

test.each([
  [['--config=a=b'], { config: 'a=b' }],
  [['--config', '--odd'], { config: '--odd' }],
  [['--config='], { config: '' }],
  [['--verbose'], { verbose: true }],
  [['--verbose=F'], { verbose: false }],
  [['-v', '4'], { v: 4 }],
  [['-v4'], { v: 4 }],
  [['-v=4'], { v: 4 }],
  [['--port', '0x10'], { port: 16 }],
  [['--wait=1m30s'], { wait: 90_000 }],
  [['--names=a,b', '--names=c'], { names: ['a', 'b', 'c'] }],
  [['--names="a,b",c'], { names: ['a,b', 'c'] }],
  [['--names='], { names: [] }],
  [['--rule=a,b', '--rule=c'], { rule: ['a,b', 'c'] }],
  [['--ids=1,2'], { ids: [1, 2] }],
  [
    ['--labels=a=b,c=d=e', '--labels=a=z'],
    {
      labels: new Map([
        ['a', 'z'],
        ['c', 'd=e'],
      ]),
    },
  ],
  [
    ['--gates=A=true,B=0'],
    {
      gates: new Map([
        ['A', true],
        ['B', false],
      ]),
    },
  ],
  [
    ['--limits=a<5%,b<1=2', '--limits=c<3'],
    {
      limits: new Map([
        ['a', '5%'],
        ['b', '1=2'],
        ['c', '3'],
      ]),
    },
  ],
  [['--pairs=m,l=x,y'], { pairs: new Map([['m,l', 'x,y']]) }],
  [['--pairs="m,l=x,y"'], { pairs: new Map([['m,l', 'x,y']]) }],
  [['--pairs=a='], { pairs: new Map([['a', '']]) }],
  [
    ['--pairs="m,l=x,y","n,k=z"', '--pairs=a=b,c=d'],
    {
      pairs: new Map([
        ['m,l', 'x,y'],
        ['n,k', 'z'],
        ['a', 'b'],
        ['c', 'd'],
      ]),
    },
  ],
  [['--size=0.5Ki'], { size: '512' }],
  [['--address=::1'], { address: '::1' }],
  [['--bind=[::1]:80'], { bind: '[::1]:80' }],
  [['--bind='], { bind: '' }],
  [['--mode=fast'], { mode: 'fast' }],
  [['--qps=0.5'], { qps: 0.5 }],
  [['--port=1', '--port=2'], { port: 2 }],
] as const)('%j', (argv, want) => {
  expect(values(...argv)).toMatchObject(want);
});

test.each([
  [['--foo'], 'unknown flag: --foo'],
  [['--prot=1'], 'unknown flag: --prot (did you mean --port?)'],
  [['--constructor'], 'unknown flag: --constructor'],
  [['-z'], "unknown shorthand flag: 'z' in -z"],
  [['---x'], 'bad flag syntax: ---x'],
  [['--=x'], 'bad flag syntax: --=x'],
  [['--config'], 'flag needs an argument: --config'],
  [['-v'], "flag needs an argument: 'v' in -v"],
  [['-v=x'], 'invalid argument "x" for "-v, --v" flag: "x" is not a whole number'],
  [['-v=-1'], 'invalid argument "-1" for "-v, --v" flag: "-1" is out of range: want 0 to 4294967295'],
  [
    ['--port=3000000000'],
    'invalid argument "3000000000" for "--port" flag: "3000000000" is out of range: want -2147483648 to 2147483647',
  ],
  [
    ['--verbose=maybe'],
    'invalid argument "maybe" for "--verbose" flag: "maybe" is not a boolean: want true or false',
  ],
  [['--wait=5'], 'invalid argument "5" for "--wait" flag: '],
  [['--names="a'], 'invalid argument ""a" for "--names" flag: unbalanced double quotes in "a'],
  [['--labels=a'], 'invalid argument "a" for "--labels" flag: malformed pair "a", expect string=string'],
  [
    ['--limits=a=5'],
    'invalid argument "a=5" for "--limits" flag: malformed pair "a=5", expect string<string',
  ],
  [['--pairs=abc'], 'invalid argument "abc" for "--pairs" flag: abc must be formatted as key=value'],
  [
    ['--pairs=a,b=c,d=e'],
    'invalid argument "a,b=c,d=e" for "--pairs" flag: a must be formatted as key=value',
  ],
  [['--size=5 MB'], 'invalid argument "5 MB" for "--size" flag: "5 MB" is not a quantity'],
  [['--gates=A=x'], 'invalid argument "A=x" for "--gates" flag: invalid value of A: x, want true or false'],
  [['--address=host'], 'invalid argument "host" for "--address" flag: "host" is not an IP address'],
  [['--bind=host:1'], 'invalid argument "host:1" for "--bind" flag: '],
  [['--bind=1.2.3.4:70000'], 'invalid argument "1.2.3.4:70000" for "--bind" flag: '],
  [['--mode=slow'], 'invalid argument "slow" for "--mode" flag: must be one of "fast", "safe"'],
  [['--qps=fast'], 'invalid argument "fast" for "--qps" flag: "fast" is not a number'],
] as const)('%j is refused', (argv, message) => {
  expect(() => values(...argv)).toThrow(FlagError);
  expect(() => values(...argv)).toThrow(message);
});

test('what was given is known, in order with arguments and behind --', () => {
  const parsed = parseFlags(definitions, ['a', '--port=80', '--', '--verbose']);
  expect(parsed.isSet('port')).toBe(true);
  expect(parsed.isSet('verbose')).toBe(false);
  expect(parsed.args).toEqual(['a', '--verbose']);
});

test('deprecated flags and underscores are warned of', () => {
  expect(parseFlags(definitions, ['--old_one=x', '--old-one=y']).warnings).toEqual([
    'old_one is DEPRECATED and will be removed in a future version. Use old-one instead.',
    'Flag --old-one has been deprecated, use --config instead.',
  ]);
});

test('values are shown as they would be given', () => {
  const parsed = parseFlags(definitions, [
    '--labels=b=2,a=1',
    '--limits=b<2',
    '--pairs="m,l=x,y","n=z"',
    '--wait=90s',
    '--secret=s',
  ]);
  const shown = formatFlags(definitions, parsed);
  expect([...shown.keys()]).toEqual([...shown.keys()].sort());
  expect(Object.fromEntries(shown)).toMatchObject({
    labels: 'a=1,b=2',
    limits: 'b<2',
    pairs: '["m,l=x,y",n=z]',
    size: '0',
    wait: '1m30s',
    names: '[x]',
    mode: 'safe',
  });
});

test('the usage lists flags by section with types, defaults and deprecation', () => {
  const usage = flagUsage(definitions);
  expect(usage.indexOf('Misc flags:')).toBeLessThan(usage.indexOf('Flags:\n\n'));
  expect(usage).toContain('      --port int32\n          a port (default 80)');
  expect(usage).toContain('      --verbose\n          speak\n');
  expect(usage).toContain('  -v, --v int32\n          level\n');
  expect(usage).toContain('old (DEPRECATED: use --config instead.)');
  expect(usage).not.toContain('secret');
});
