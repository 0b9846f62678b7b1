/** The config file changes under a running proxy; `--cleanup`, `--init-only` and `--write-config-to` of the real program. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { service, slice } from '../../../lib/proxy/testing/objects.ts';
import { POD1 } from '../../../lib/proxy/testing/test_bed.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { MODES, OURS, ProxyNode } from '../support/proxy_node.ts';

const node = ProxyNode.forTests();
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-proxy-config-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** What all programs have in the packet filter. The kubelet shares KUBE-FIREWALL, which therefore stays, as with stock. */
const ruleset = (): string =>
  [node.bed.exec('node', ['nft', 'list', 'tables']), node.bed.exec('node', ['iptables-save'])]
    .join('')
    .split('\n')
    .filter((line) => !line.startsWith('#') && !line.includes('KUBE-FIREWALL'))
    .join('\n');
/** A command of ours on the node, to its end. */
const ours = (...args: readonly string[]) => node.bed.runInNode([...OURS, ...args], { timeoutMs: 60_000 });

test('P13: a changed config file is taken over under traffic, one that is wrong is not', async () => {
  const proxy = await node.start(OURS, 'iptables');
  await node.underTraffic(async () => {
    proxy.configure('nftables', { nftables: { syncPeriod: 'soon' } });
    await eventually('the mistake is named', async () => {
      if (!/cannot be used.*syncPeriod/s.test(proxy.log())) throw new Error(proxy.log().slice(-500));
    });
    expect(ruleset()).toContain('KUBE-SVC-');
    proxy.configure('nftables');
    await eventually('the other mode is in force and nothing of the first is left', async () => {
      const now = ruleset();
      if (!now.includes('table ip kube-proxy') || now.includes('KUBE-')) throw new Error('not yet');
    });
  });
  expect(proxy.isRunning).toBe(true);
});

test.each(MODES)('P10: %s: --cleanup leaves nothing behind, of others everything', async (mode) => {
  const proxy = await node.start(OURS, mode);
  node.bed.exec('node', [
    'iptables',
    '-t',
    'nat',
    '-A',
    'PREROUTING',
    '-j',
    'ACCEPT',
    '-m',
    'comment',
    '--comment',
    'foreign',
  ]);
  await proxy.kill();
  expect(ruleset()).toMatch(/KUBE-|kube-proxy/);
  expect(await ours('--cleanup')).toMatchObject({ exitCode: 0 });
  expect(ruleset()).not.toMatch(/KUBE-|kube-proxy/);
  expect(ruleset()).toContain('foreign');
  node.bed.exec('node', ['iptables', '-t', 'nat', '-F', 'PREROUTING']);
});

test('P13: --init-only makes the machine ready and writes no rules', async () => {
  node.bed.exec('node', ['busybox', 'sysctl', '-qw', 'net.ipv4.conf.all.route_localnet=0']);
  const before = ruleset();
  expect(await ours('--init-only', '--conntrack-max-per-core=0')).toMatchObject({ exitCode: 0 });
  expect(node.bed.exec('node', ['busybox', 'sysctl', '-n', 'net.ipv4.conf.all.route_localnet']).trim()).toBe(
    '1',
  );
  expect(ruleset()).toBe(before);
});

test('P13: what --write-config-to writes starts the same proxy', async () => {
  const [first, second] = [join(dir, 'first.yaml'), join(dir, 'second.yaml')];
  const flags = ['--proxy-mode=nftables', '--cluster-cidr=10.66.0.0/16', '--nodeport-addresses=primary'];
  expect(await ours(...flags, `--write-config-to=${first}`)).toMatchObject({ exitCode: 0 });
  expect(readFileSync(first, 'utf8')).toMatch(/clusterCIDR: 10\.66\.0\.0\/16[^]*mode: nftables/);
  expect(await ours(`--config=${first}`, `--write-config-to=${second}`)).toMatchObject({ exitCode: 0 });
  expect(readFileSync(second, 'utf8')).toBe(readFileSync(first, 'utf8'));
});

test.each(MODES)(
  'P18: %s: what an object may not ask for gives an event, the rest of it works',
  async (mode) => {
    await node.start(OURS, mode);
    const hostile = { externalIPs: ['127.0.0.1', '169.254.169.254', '192.0.2.9; rm'] };
    await node.api.put('services', service('a/hostile', '10.96.0.66', hostile));
    await node.api.put(
      'endpointslices',
      slice('a/hostile-1', 'hostile', [`${POD1}@n1`, '127.0.0.1@n1', '169.254.169.254@n1']),
    );
    await eventually('both objects are named in events', async () => {
      const kinds = node.api
        .events()
        .flatMap(({ reason, regarding }) =>
          reason === 'InvalidServiceData' && regarding.name.startsWith('hostile') ? [regarding.kind] : [],
        );
      if (new Set(kinds).size < 2) throw new Error(`events: ${kinds.join(', ')}`);
    });
    await eventually('it answers', () => node.answers('10.96.0.66', 80, /pod1/));
    expect(node.rules(mode)).not.toMatch(/127\.0\.0\.1:|to-destination 127|169\.254|192\.0\.2\.9/);
  },
);
