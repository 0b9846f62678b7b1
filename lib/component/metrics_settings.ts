/** What the metrics flags, and the file that one of them names, amount to. */
import { readFileSync } from 'node:fs';
import { errorMessage } from '../base/errors.ts';
import { decodeFields, parseDocument } from './config/document.ts';
import { map, object, string } from './config/schema.ts';
import type { FlagValues } from './flags.ts';
import { FlagError } from './flags.ts';
import type { AllowedLabels } from './metric_labels.ts';
import type { metricsFlags } from './metrics_flags.ts';
import { hiddenMetricsProblem } from './metrics_flags.ts';

export interface MetricsSettings {
  readonly disabled: readonly string[];
  readonly allowedLabels: AllowedLabels;
}

const METRIC_LABEL = /^([A-Za-z_:][A-Za-z0-9_:]*),([A-Za-z_][A-Za-z0-9_]*)$/;
const METRIC = /^[A-Za-z_:][A-Za-z0-9_:]*$/;

const manifest = object({ allowListMapping: map(string()) });

/** @throws FlagError naming the flag, ConfigError naming the file */
export function metricsSettings(values: FlagValues<typeof metricsFlags>): MetricsSettings {
  const disabled = values['disabled-metrics'];
  for (const name of disabled)
    if (!METRIC.test(name))
      throw new FlagError(
        `--disabled-metrics: must be fully qualified metric names matching "${METRIC.source}", got "${name}"`,
      );
  const hidden = hiddenMetricsProblem(values['show-hidden-metrics-for-version']);
  if (hidden !== undefined) throw new FlagError(`--show-hidden-metrics-for-version: ${hidden}`);
  const path = values['allow-metric-labels-manifest'];
  return {
    disabled,
    allowedLabels: allowedLabels(
      new Map([
        ...(path === '' ? [] : manifestEntries(path)),
        ...entries('--allow-metric-labels', values['allow-metric-labels']),
      ]),
    ),
  };
}

function manifestEntries(path: string): [string, string][] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (err) {
    throw new FlagError(
      `--allow-metric-labels-manifest: failed to read allow list manifest: ${errorMessage(err)}`,
      {
        cause: err,
      },
    );
  }
  const { allowListMapping } = decodeFields(parseDocument(text, path), path, manifest);
  return entries(path, new Map(Object.entries(allowListMapping)));
}

function entries(source: string, mapping: ReadonlyMap<string, string>): [string, string][] {
  for (const key of mapping.keys())
    if (!METRIC_LABEL.test(key))
      throw new FlagError(`${source}: got the key "${key}", want "metricName,labelName"`);
  return [...mapping];
}

function allowedLabels(mapping: ReadonlyMap<string, string>): AllowedLabels {
  const metrics = new Map<string, Map<string, ReadonlySet<string>>>();
  for (const [key, allowed] of mapping) {
    const [, metric = '', label = ''] = METRIC_LABEL.exec(key) ?? [];
    const labels = metrics.get(metric) ?? new Map<string, ReadonlySet<string>>();
    labels.set(label, new Set(allowed.split(',').filter((value) => value !== '')));
    metrics.set(metric, labels);
  }
  return metrics;
}
