/** The flags that choose which metrics are shown, and how. */
import { flag } from './flag_types.ts';
import { defineFlags } from './flags.ts';
import { KUBERNETES_VERSION } from './version.ts';

const section = 'Metrics';

export const metricsFlags = defineFlags({
  'allow-metric-labels': flag.quotedMap({
    section,
    help: 'Values to show of a label of a metric, "metric,label=value,value"; any other reads "unexpected". Several metrics each in double quotes.',
  }),
  'allow-metric-labels-manifest': flag.string({
    section,
    help: 'File with the same, as "allowListMapping: {"metric,label": "value,value"}". The flag overrides it.',
  }),
  'disabled-metrics': flag.strings({
    section,
    help: 'Full names of metrics not to show.',
  }),
  'show-hidden-metrics-for-version': flag.string({
    section,
    help: `The minor version before this one (${previousMinor()}): metrics that were hidden since are shown. None were.`,
  }),
});

/** Why a version cannot be the one whose hidden metrics are shown; empty is none. */
export function hiddenMetricsProblem(version: string): string | undefined {
  if (version === '' || version === previousMinor()) return undefined;
  return `got "${version}", must be omitted or have the value '${previousMinor()}'; only the previous minor version is allowed`;
}

function previousMinor(): string {
  const [major = '', minor = ''] = KUBERNETES_VERSION.slice(1).split('.');
  return `${major}.${Number(minor) - 1}`;
}
