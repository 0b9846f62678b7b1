/** `--help` and `--version`. */
import type { Flag } from './flag_types.ts';
import { flag, FlagValueError, parseBool } from './flag_types.ts';
import type { FlagValues } from './flags.ts';
import { defineFlags } from './flags.ts';
import { buildInfo, KUBERNETES_VERSION } from './version.ts';

/**
 * `--version` and `--version=true` print the version, `--version=raw` all of the build information; `--version=v1.36.3-x`
 * (same major, minor and patch) changes the version that is reported and starts the daemon.
 */
const versionFlag: Flag<string> = {
  section: 'Global',
  type: 'version',
  help: '--version, --version=raw prints version information and quits; --version=vX.Y.Z... sets the reported version',
  default: 'false',
  bare: 'true',
  parse(text) {
    if (text === 'raw') return text;
    if (text.startsWith('v')) {
      if (text === KUBERNETES_VERSION || new RegExp(`^${KUBERNETES_VERSION}[-+]`).test(text)) return text;
      throw new FlagValueError(
        `version "${text}" must match major/minor/patch of default version "${KUBERNETES_VERSION}"`,
      );
    }
    return String(parseBool(text));
  },
  format: (value) => value,
};

export const informationFlags = defineFlags({
  help: flag.bool({ section: 'Global', shorthand: 'h', help: 'print this help and quit' }),
  version: versionFlag,
});

type Values = FlagValues<typeof informationFlags>;

/** What to print instead of running, if anything. */
export function informationText(values: Values, help: () => string): string | undefined {
  if (values.help) return help();
  if (values.version === 'true') return `Kubernetes ${KUBERNETES_VERSION}\n`;
  if (values.version !== 'raw') return undefined;
  const fields = Object.entries(buildInfo());
  return `version.Info{${fields.map(([k, v]) => `${k.charAt(0).toUpperCase()}${k.slice(1)}:${JSON.stringify(v)}`).join(', ')}}\n`;
}

/** The version to report to the cluster: `--version=vX.Y.Z...`, else that of the release. */
export function reportedVersion(values: Values): string {
  return values.version.startsWith('v') ? values.version : KUBERNETES_VERSION;
}
