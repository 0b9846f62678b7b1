/** Feature gates, and the versions whose features a component has. */
import { featureGatesFlag } from './feature_gates.ts';
import { flag } from './flag_types.ts';
import type { FlagValues } from './flags.ts';
import { defineFlags, FlagError } from './flags.ts';
import { KUBERNETES_VERSION } from './version.ts';

const section = 'Feature gate';
/** The only component that has a version here. */
const COMPONENT = 'kube';
const [MAJOR, MINOR] = KUBERNETES_VERSION.slice(1).split('.').map(Number);
/** The oldest minor version that the stock components of this release know about. */
const OLDEST_MINOR = 33;

export const featureFlags = defineFlags({
  'emulated-version': flag.strings({
    section,
    help: `Version to emulate, "kube=${MAJOR}.${MINOR}". Only this one can be.`,
  }),
  'feature-gates': featureGatesFlag({
    section,
    componentPrefix: true,
    help: 'Feature gates to turn on or off, "Name=true,Other=false". Unknown names are refused.',
  }),
  'min-compatibility-version': flag.strings({
    section,
    help: `Oldest version of the control plane to work with, "kube=${MAJOR}.${OLDEST_MINOR}" to "kube=${MAJOR}.${MINOR}". No feature depends on it.`,
  }),
});

/** @throws FlagError for versions that do not exist or cannot be emulated */
export function checkVersionFlags(values: FlagValues<typeof featureFlags>): void {
  const emulated = minorOf('emulated-version', values['emulated-version']);
  const range = `${MAJOR}.${OLDEST_MINOR}, ${MAJOR}.${MINOR}`;
  if (emulated !== undefined && emulated !== MINOR)
    throw new FlagError(
      emulated >= OLDEST_MINOR && emulated <= Number(MINOR)
        ? `--emulated-version: ${MAJOR}.${emulated} cannot be emulated, want ${MAJOR}.${MINOR}`
        : `--emulated-version: emulation version ${MAJOR}.${emulated} is not between [${range}.0]`,
    );
  const oldest = minorOf('min-compatibility-version', values['min-compatibility-version']);
  if (oldest !== undefined && (oldest < OLDEST_MINOR || oldest > Number(MINOR)))
    throw new FlagError(
      `--min-compatibility-version: minCompatibilityVersion version ${MAJOR}.${oldest} is not between [${range}]`,
    );
}

function minorOf(name: string, given: readonly string[]): number | undefined {
  const [first, second] = given;
  if (first === undefined) return undefined;
  const fail = (problem: string): never => {
    throw new FlagError(`--${name}: ${problem}`);
  };
  if (second !== undefined) fail(`duplicate version flag, ${first} and ${second}`);
  const [, component = COMPONENT, version = ''] = /^(?:([^=]*)=)?(.*)$/.exec(first) ?? [];
  if (component !== COMPONENT) fail(`component not registered: ${component}`);
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)(\.\d+)?$/.exec(version) ?? [];
  if (minor === undefined) fail(`could not parse "${version}" as version`);
  if (patch !== undefined) fail(`patch version not allowed, got: ${first}`);
  if (Number(major) !== MAJOR) fail(`got ${version}, want a version ${MAJOR}.x`);
  return Number(minor);
}
