import { UsageError } from '../cluster/options.ts';
import { parseOptions, USAGE } from './options.ts';

test('without flags: the whole suite, ours, on two nodes', () => {
  expect(parseOptions([])).toEqual({
    name: 'conformance',
    suite: 'conformance',
    nodes: 2,
    flavours: { kubelet: 'ours', proxy: 'ours', scheduler: 'ours' },
    proxyMode: 'iptables',
    procs: 8,
    timeoutMs: 150 * 60_000,
    slice: false,
    rerunFailed: false,
    record: false,
    keep: false,
    list: false,
    render: false,
  });
});

test('all flags', () => {
  const args =
    '--name x --suite node --nodes 3 --kubelet=stock --proxy stock --scheduler=ours --proxy-mode nftables --containerd pinned --procs 4 --timeout 10 --rerun-failed --record --keep --out /o --focus a|b --skip c';
  expect(parseOptions(args.split(' '))).toMatchObject({
    name: 'x',
    suite: 'node',
    nodes: 3,
    flavours: { kubelet: 'stock', proxy: 'stock', scheduler: 'ours' },
    proxyMode: 'nftables',
    containerd: 'pinned',
    procs: 4,
    timeoutMs: 600_000,
    rerunFailed: true,
    record: true,
    keep: true,
    out: '/o',
    focus: /a|b/,
    skip: /c/,
  });
});

test('help', () => {
  expect(parseOptions(['--slice', '-h'])).toBe('help');
  expect(USAGE).toContain('all-linux');
});

test.each([
  [['--suite', 'windows'], '--suite: got "windows", want one of conformance, network, '],
  [['--kubelet', 'mine'], '--kubelet: got "mine", want ours or stock'],
  [['--proxy-mode', 'ipvs'], '--proxy-mode: got "ipvs", want iptables or nftables'],
  [['--containerd', '2'], '--containerd: got "2", want distribution or pinned'],
  [['--procs', '0'], '--procs: got "0", want a number from 1 to 64'],
  [['--nodes', 'two'], '--nodes: got "two", want a number from 1 to 50'],
  [['--timeout', '1.5'], '--timeout: got "1.5", want a number'],
  [['--focus', '('], '--focus: got "(", want a regular expression'],
  [['--name', 'A'], '--name: got "A", want'],
  [['--slice', '--suite', 'node'], '--slice: is one of the conformance suite'],
  [['--slice', '--rerun-failed'], '--slice: cannot be had with --rerun-failed'],
  [['--frobnicate'], "Unknown option '--frobnicate'"],
  [['extra'], "Unexpected argument 'extra'"],
  [['--procs'], 'argument missing'],
])('%j: %s', (args, message) => {
  expect(() => parseOptions(args)).toThrow(UsageError);
  expect(() => parseOptions(args)).toThrow(message);
});
