/** Another program holds the xtables lock (of the legacy iptables) for a long time: packets pass, and the change goes in after it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { service, slice } from '../../../lib/proxy/testing/objects.ts';
import { POD1 } from '../../../lib/proxy/testing/test_bed.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { OURS, ProxyNode } from '../support/proxy_node.ts';
import { scaled } from '../support/scale.ts';

const node = ProxyNode.forTests();
const HELD_S = scaled(30, 8);
/** The longest pause between two tries, and what a busy machine needs. */
const AFTER_MS = 35_000;

test(`P8: the lock is held for ${HELD_S} s`, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tsk-legacy-'));
  for (const ip of ['iptables', 'ip6tables'])
    for (const tool of ['', '-save', '-restore'])
      symlinkSync(`/usr/sbin/${ip}-legacy${tool}`, join(dir, `${ip}${tool}`));
  const program = ['env', `PATH=${dir}:${process.env['PATH'] ?? ''}`, ...OURS];
  try {
    const proxy = await node.start(program, 'iptables', { iptables: { minSyncPeriod: '100ms' } });
    expect(node.bed.exec('node', ['iptables-legacy-save', '-t', 'nat'])).toContain('KUBE-SVC-');
    await node.underTraffic(async () => {
      const holder = spawn('flock', ['/run/xtables.lock', 'sleep', String(HELD_S)]);
      const released = once(holder, 'exit');
      await new Promise((resolve) => setTimeout(resolve, 300));
      await node.api.put('services', service('c/new', '10.96.0.99'));
      await node.api.put('endpointslices', slice('c/new-1', 'new', [`${POD1}@n1`]));
      await released;
      await eventually('the change is in force', () => node.answers('10.96.0.99', 80, /pod1/), {
        timeoutMs: AFTER_MS,
      });
    });
    expect(proxy.log()).toMatch(/lock/);
    expect(proxy.isRunning).toBe(true);
    await proxy.kill();
    const { cleanup } = await import('../../../lib/proxy/iptables/cleanup.ts');
    const { IptablesPrograms } = await import('../../../lib/proxy/iptables/iptables_programs.ts');
    const run: typeof node.bed.runInNode = ([name, ...args], options) =>
      node.bed.runInNode([join(dir, name), ...args], options);
    for (const family of ['IPv4', 'IPv6'] as const) await cleanup(new IptablesPrograms({ family, run }));
  } finally {
    rmSync(dir, { recursive: true });
  }
});
