import { parseName, parseUp, UsageError } from './options.ts';

test.each([
  [[], { name: 'dev', flavours: {}, download: false }],
  [['--name', 'a'], { name: 'a', flavours: {}, download: false }],
  [['--name=a', '--nodes=3'], { name: 'a', nodes: 3, flavours: {}, download: false }],
  [
    ['--kubelet=stock', '--proxy', 'ours'],
    { name: 'dev', flavours: { kubelet: 'stock', proxy: 'ours' }, download: false },
  ],
  [['--in-cluster', '--download'], { name: 'dev', flavours: {}, inCluster: true, download: true }],
  [['--registry'], { name: 'dev', flavours: {}, registry: true, download: false }],
  [['--containerd=pinned'], { name: 'dev', flavours: {}, containerd: 'pinned', download: false }],
  [['--proxy-mode=nftables'], { name: 'dev', flavours: {}, proxyMode: 'nftables', download: false }],
  [['--in-cluster=false'], { name: 'dev', flavours: {}, inCluster: false, download: false }],
])('%p', (args, want) => {
  expect(parseUp(args)).toEqual(want);
});

test.each([[['--help']], [['-h']], [['--name=x', '--help']]])('%p asks for help', (args) => {
  expect(parseUp(args)).toBe('help');
});

test.each([
  [['--containerd=docker'], '--containerd: got "docker", want distribution or pinned'],
  [['--proxy-mode=ipvs'], '--proxy-mode: got "ipvs", want iptables or nftables'],
  [['--nodes=0'], '--nodes: got "0", want a number from 1 to 50'],
  [['--nodes=51'], '--nodes: got "51", want'],
  [['--nodes=2x'], '--nodes: got "2x", want'],
  [['--kubelet=mine'], '--kubelet: got "mine", want ours or stock'],
  [['--in-cluster=maybe'], '--in-cluster: got "maybe", want true or false'],
  [['--registry=5000'], '--registry: got "5000", want true or false'],
  [['--name'], '--name needs a value'],
  [['--colour=red'], 'unknown flag --colour'],
  [['up'], 'unexpected argument "up"'],
  [['--name=A'], '--name: got "A", want'],
])('%p is refused in one sentence', (args, message) => {
  expect(() => parseUp(args)).toThrow(UsageError);
  expect(() => parseUp(args)).toThrow(message);
});

test('hack/down and hack/status know --name only', () => {
  expect(parseName(['--name=a'])).toEqual({ name: 'a' });
  expect(() => parseName(['--nodes=1'])).toThrow('unknown flag --nodes');
});
