/** The real iptables in a network namespace: what is asked over netlink is what the program would have said. */
import { execFileSync } from 'node:child_process';
import { nullLog } from '../../base/log.ts';
import { openNetlinkSocket } from '../nftables/netlink/socket.ts';
import { runProgram } from '../program.ts';
import { inNamespace } from '../testing/in_namespace.ts';
import { IptablesPrograms } from './iptables_programs.ts';
import { NetlinkNetfilter } from './netlink_netfilter.ts';

jest.setTimeout(60_000);

const NAMESPACE = 'tsknlf';
const inside = (...argv: string[]): string =>
  execFileSync('ip', ['netns', 'exec', NAMESPACE, ...argv], { encoding: 'utf8', stdio: 'pipe' });

let listed: string[];
const programs = new IptablesPrograms({
  family: 'IPv4',
  run: (argv, options) => {
    if (argv.includes('-S')) listed.push(argv.at(-1) ?? '');
    return runProgram(['ip', 'netns', 'exec', NAMESPACE, ...argv], options);
  },
});
const netfilter = (open = async () => inNamespace(NAMESPACE, openNetlinkSocket)) =>
  new NetlinkNetfilter({ programs, open, log: nullLog });

beforeEach(() => {
  execFileSync('ip', ['netns', 'add', NAMESPACE]);
  inside('ip', 'link', 'set', 'lo', 'up');
  inside('iptables', '-N', 'MINE');
  inside('iptables', '-A', 'OUTPUT', '-m', 'comment', '--comment', 'jump', '-j', 'MINE');
  listed = [];
});
afterEach(() => {
  execFileSync('ip', ['netns', 'del', NAMESPACE]);
});

const RULES = ['-m comment --comment jump -j MINE'];

test('P8: a chain is listed again only when somebody has changed it; packets do not count', async () => {
  const it = netfilter();
  expect(await it.listChain('filter', 'OUTPUT')).toEqual(RULES);
  expect(await it.listChain('filter', 'MINE')).toEqual([]);
  inside('busybox', 'ping', '-c', '1', '127.0.0.1');
  inside('iptables', '-A', 'INPUT', '-j', 'MINE');
  expect(inside('iptables', '-v', '-S', 'OUTPUT')).toMatch(/-c [1-9]/);
  expect(await it.listChain('filter', 'OUTPUT')).toEqual(RULES);
  expect(await it.listChain('filter', 'MINE')).toEqual([]);
  expect(listed).toEqual(['OUTPUT', 'MINE']);
  inside('iptables', '-F', 'OUTPUT');
  expect(await it.listChain('filter', 'OUTPUT')).toEqual([]);
});

test('P8: a chain that is gone, and one that is there again', async () => {
  const it = netfilter();
  inside('iptables', '-F', 'OUTPUT');
  expect(await it.listChain('filter', 'MINE')).toEqual([]);
  inside('iptables', '-X', 'MINE');
  expect(await it.listChain('filter', 'MINE')).toBeUndefined();
  inside('iptables', '-N', 'MINE');
  expect(await it.listChain('filter', 'MINE')).toEqual([]);
  inside('iptables', '-A', 'MINE', '-j', 'ACCEPT');
  expect(await it.listChain('filter', 'MINE')).toEqual(['-j ACCEPT']);
});

test('P8: without netlink the program is asked each time', async () => {
  const it = netfilter(async () => {
    throw new Error('no such module');
  });
  for (let i = 0; i < 2; i++) expect(await it.listChain('filter', 'OUTPUT')).toEqual(RULES);
  expect(listed).toEqual(['OUTPUT', 'OUTPUT']);
});

test('P8: only the programs that work on nf_tables say so', async () => {
  await programs.probe();
  expect(programs.usesNfTables).toBe(inside('iptables', '--version').includes('nf_tables'));
  const legacy = new IptablesPrograms({
    family: 'IPv4',
    run: async () => ({ exitCode: 0, stdout: 'iptables v1.8.9 (legacy)\n', stderr: '' }),
  });
  expect(await legacy.probe()).toBe('1.8.9');
  expect(legacy.usesNfTables).toBe(false);
});
