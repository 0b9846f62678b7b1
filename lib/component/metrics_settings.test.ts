import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFlags } from './flags.ts';
import { metricsFlags } from './metrics_flags.ts';
import { metricsSettings } from './metrics_settings.ts';
import { Metrics } from './metrics.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'metrics-settings-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const settings = (...argv: string[]) => metricsSettings(parseFlags(metricsFlags, argv).values);

function file(text: string): string {
  const path = join(dir, 'allowed.yaml');
  writeFileSync(path, text);
  return path;
}

test('nothing is limited by default', () => {
  expect(settings('--show-hidden-metrics-for-version=1.35')).toEqual({
    disabled: [],
    allowedLabels: new Map(),
  });
});

test('labels are limited by the flag, over the file', () => {
  const path = file('allowListMapping:\n  "a_total,code": "200,404"\n  "a_total,verb": "GET"\n');
  expect(
    settings(`--allow-metric-labels-manifest=${path}`, '--allow-metric-labels=a_total,verb=').allowedLabels,
  ).toEqual(
    new Map([
      [
        'a_total',
        new Map([
          ['code', new Set(['200', '404'])],
          ['verb', new Set()],
        ]),
      ],
    ]),
  );
});

test.each([
  ['--disabled-metrics=a,b c', /--disabled-metrics: must be fully qualified metric names .* got "b c"/],
  ['--allow-metric-labels=abc=x', /--allow-metric-labels: got the key "abc", want "metricName,labelName"/],
  ['--allow-metric-labels-manifest=/nowhere/x', /--allow-metric-labels-manifest: failed to read .*ENOENT/],
  ['--show-hidden-metrics-for-version=1.34', /--show-hidden-metrics-for-version: .* have the value '1\.35'/],
])('%s is refused', (arg, message) => {
  expect(() => settings(arg)).toThrow(message);
});

test.each([
  ['allowListMapping: {"a b": c}', /allowed\.yaml: got the key "a b"/],
  ['"a,b": c', /allowed\.yaml: field ""a,b"": unknown field/],
  ['- x: [', /allowed\.yaml: /],
])('the file %j is refused', (text, message) => {
  expect(() => settings(`--allow-metric-labels-manifest=${file(text)}`)).toThrow(message);
});

test('what is not allowed counts as unexpected, whatever way it comes', async () => {
  const metrics = new Metrics(
    settings(
      '--allow-metric-labels="a_total,code=200","a_gauge,queue=active","a_seconds,verb=GET"',
      '--disabled-metrics=b_total',
    ),
  );
  const counter = metrics.counter({ name: 'a_total', help: 'h', labelNames: ['code', 'verb'] });
  counter.inc({ code: '200', verb: 'GET' });
  counter.inc({ code: '500', verb: 'GET' }, 2);
  counter.labels('404', 'GET').inc();
  counter.labels({ code: '403', verb: 'PUT' }).inc(5);
  metrics.counter({ name: 'b_total', help: 'h' }).inc();
  metrics.gauge({
    name: 'a_gauge',
    help: 'h',
    labelNames: ['queue'],
    collect: (gauge) => {
      gauge.set({ queue: 'active' }, 1);
      gauge.set({ queue: 'backoff' }, 2);
      gauge.set({ queue: 'gated' }, 3);
    },
  });
  const histogram = metrics.histogram({ name: 'a_seconds', help: 'h', labelNames: ['verb'], buckets: [1] });
  histogram.observe({ verb: 'GET' }, 0.5);
  histogram.labels('PUT').observe(0.5);
  histogram.startTimer({ verb: 'PATCH' })();
  metrics.counter({ name: 'c_total', help: 'h' }).inc(7);
  const lines = (await metrics.registry.metrics()).split('\n').filter((line) => /^[abc]_/.test(line));
  expect(lines.filter((line) => !line.startsWith('a_seconds_sum'))).toEqual([
    'a_total{code="200",verb="GET"} 1',
    'a_total{code="unexpected",verb="GET"} 3',
    'a_total{code="unexpected",verb="PUT"} 5',
    'a_gauge{queue="active"} 1',
    'a_gauge{queue="unexpected"} 3',
    'a_seconds_bucket{le="1",verb="GET"} 1',
    'a_seconds_bucket{le="+Inf",verb="GET"} 1',
    'a_seconds_count{verb="GET"} 1',
    'a_seconds_bucket{le="1",verb="unexpected"} 2',
    'a_seconds_bucket{le="+Inf",verb="unexpected"} 2',
    'a_seconds_count{verb="unexpected"} 2',
    'c_total 7',
  ]);
});
