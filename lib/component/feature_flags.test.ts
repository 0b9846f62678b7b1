import { checkVersionFlags, featureFlags } from './feature_flags.ts';
import { FlagError, parseFlags } from './flags.ts';

const check = (...argv: string[]): void => checkVersionFlags(parseFlags(featureFlags, argv).values);

test.each([
  [[]],
  [['--emulated-version=1.36']],
  [['--emulated-version=kube=1.36', '--min-compatibility-version=kube=1.33']],
  [['--min-compatibility-version=1.36']],
])('%j is accepted', (argv) => {
  expect(() => check(...argv)).not.toThrow();
});

test.each([
  ['--emulated-version=kube=1.35', '--emulated-version: 1.35 cannot be emulated, want 1.36'],
  ['--emulated-version=1.37', '--emulated-version: emulation version 1.37 is not between [1.33, 1.36.0]'],
  ['--emulated-version=1.32', '--emulated-version: emulation version 1.32 is not between [1.33, 1.36.0]'],
  ['--emulated-version=2.36', '--emulated-version: got 2.36, want a version 1.x'],
  ['--emulated-version=abc', '--emulated-version: could not parse "abc" as version'],
  ['--emulated-version=foo=1.36', '--emulated-version: component not registered: foo'],
  ['--emulated-version=kube=1.36.1', '--emulated-version: patch version not allowed, got: kube=1.36.1'],
  ['--emulated-version=kube=1.36,1.36', '--emulated-version: duplicate version flag, kube=1.36 and 1.36'],
  [
    '--min-compatibility-version=1.37',
    '--min-compatibility-version: minCompatibilityVersion version 1.37 is not between [1.33, 1.36]',
  ],
  [
    '--min-compatibility-version=1.32',
    '--min-compatibility-version: minCompatibilityVersion version 1.32 is not between [1.33, 1.36]',
  ],
])('%s is refused', (arg, message) => {
  expect(() => check(arg)).toThrow(new FlagError(message));
});
