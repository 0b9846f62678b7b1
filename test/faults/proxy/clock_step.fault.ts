/** The node's clock is set: a day ahead, two days back. Changes go in as before, and the proxy says that it is well. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { service, slice } from '../../../lib/proxy/testing/objects.ts';
import { POD1 } from '../../../lib/proxy/testing/test_bed.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { MODES, OURS, ProxyNode } from '../support/proxy_node.ts';

const node = ProxyNode.forTests();
const HOUR_MS = 3_600_000;
const HEALTH =
  "fetch('http://127.0.0.1:10256/healthz').then(async (r) => process.stdout.write(`${r.status} ${await r.text()}`))";

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

test.each(MODES)('P11: %s: the clock is set', async (mode) => {
  setClock(0);
  const proxy = await node.start(withSettableClock(), mode, {
    [mode]: { minSyncPeriod: '200ms', syncPeriod: '2s' },
  });
  await node.underTraffic(async () => {
    for (const [i, hours] of [24, -48, 0].entries()) {
      setClock(hours * HOUR_MS);
      const [name, vip] = [`at-${i}`, `10.96.0.${100 + i}`];
      await node.api.put('services', service(`c/${name}`, vip));
      await node.api.put('endpointslices', slice(`c/${name}-1`, name, [`${POD1}@n1`]));
      await eventually(`a Service made ${hours} hours from now answers`, () => node.answers(vip, 80, /pod1/));
      // Longer than the time after which a proxy that does not get on is taken for dead.
      await new Promise((resolve) => setTimeout(resolve, 5000));
      const health = node.bed.exec('node', [process.execPath, '-e', HEALTH]);
      expect(health).toMatch(/^200 .*"healthy":true/);
      const said = Date.parse(/"currentTime":"([^"]+)"/.exec(health)?.[1] ?? '');
      expect(Math.abs(said - Date.now() - hours * HOUR_MS)).toBeLessThan(HOUR_MS);
    }
  });
  expect(proxy.log()).not.toMatch(/^[EW](?!.*oom_score_adj)/m);
});
