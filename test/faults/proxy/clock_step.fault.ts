/** The node's clock is set: a day ahead, two days back. Changes go in and are timed as before, and the proxy says that it is well. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { service, slice } from '../../../lib/proxy/testing/objects.ts';
import { POD1 } from '../../../lib/proxy/testing/test_bed.ts';
import { LAST_CHANGE_ANNOTATION } from '../../../lib/proxy/tracker/endpoint_slices.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { MODES, OURS, ProxyNode } from '../support/proxy_node.ts';

const node = ProxyNode.forTests();
const HOUR_MS = 3_600_000;
const get = (url: string): string => {
  const script =
    'fetch(process.argv[1]).then(async (r) => process.stdout.write(`${r.status} ${await r.text()}`))';
  return node.bed.exec('node', [process.execPath, '-e', script, url]);
};
/** How many changes of endpoints were timed. */
const timed = (): number => {
  const metrics = get('http://127.0.0.1:10249/metrics');
  const count = /^kubeproxy_network_programming_duration_seconds_count\{ip_family="IPv4"\} (\d+)$/m;
  return Number(count.exec(metrics)?.[1] ?? 0);
};

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-clock-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const offsetFile = (): string => join(dir, 'offset');
const setClock = (offsetMs: number): void => writeFileSync(offsetFile(), String(offsetMs));

/** The machine's clock is not ours to set, so the program gets one of its own: true time and what the file says. */
function withSettableClock(): string[] {
  const preload = join(dir, 'clock.cjs');
  writeFileSync(
    preload,
    `const { readFileSync } = require('node:fs');
const TrueDate = Date;
const now = () => TrueDate.now() + Number(readFileSync(${JSON.stringify(offsetFile())}, 'utf8'));
globalThis.Date = class Date extends TrueDate {
  constructor(...parts) { if (parts.length === 0) super(now()); else super(...parts); }
  static now() { return now(); }
};
`,
  );
  return [process.execPath, '--require', preload, ...OURS];
}

test.each(MODES)('P11, P12: %s: the clock is set', async (mode) => {
  setClock(0);
  const proxy = await node.start(withSettableClock(), mode, {
    [mode]: { minSyncPeriod: '200ms', syncPeriod: '2s' },
  });
  await node.underTraffic(async () => {
    for (const [i, hours] of [24, -48, 0].entries()) {
      setClock(hours * HOUR_MS);
      const [name, vip] = [`at-${i}`, `10.96.0.${100 + i}`];
      await node.api.put('services', service(`c/${name}`, vip));
      const annotations = { [LAST_CHANGE_ANNOTATION]: new Date(Date.now() + hours * HOUR_MS).toISOString() };
      await node.api.put(
        'endpointslices',
        slice(`c/${name}-1`, name, [`${POD1}@n1`], undefined, { metadata: { name, annotations } }),
      );
      await eventually(`a Service made ${hours} hours from now answers`, () => node.answers(vip, 80, /pod1/));
      // Longer than the time after which a proxy that does not get on is taken for dead.
      await new Promise((resolve) => setTimeout(resolve, 5000));
      const health = get('http://127.0.0.1:10256/healthz');
      expect(health).toMatch(/^200 .*"healthy":true/);
      const said = Date.parse(/"currentTime":"([^"]+)"/.exec(health)?.[1] ?? '');
      expect(Math.abs(said - Date.now() - hours * HOUR_MS)).toBeLessThan(HOUR_MS);
      expect(timed()).toBe(i + 1);
    }
  });
  expect(proxy.log()).not.toMatch(/^[EW](?!.*oom_score_adj)/m);
});
