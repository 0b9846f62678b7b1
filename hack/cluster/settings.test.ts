import { changeProblem, mergeSettings, parseSettings } from './settings.ts';

const stock = { kubelet: 'stock', proxy: 'stock', scheduler: 'stock' } as const;

const known = {
  name: 'a',
  slot: 1,
  nodes: 3,
  flavours: stock,
  inCluster: true,
  registry: true,
  proxyMode: 'nftables',
  containerd: 'pinned',
} as const;

test('a new cluster takes the defaults', () => {
  expect(mergeSettings({ name: 'a', flavours: {}, download: false }, undefined, 4)).toEqual({
    name: 'a',
    slot: 4,
    nodes: 2,
    flavours: { kubelet: 'ours', proxy: 'ours', scheduler: 'ours' },
    inCluster: false,
    registry: false,
    proxyMode: 'iptables',
    containerd: 'distribution',
  });
});

test('what is not said stays as it is', () => {
  expect(mergeSettings({ name: 'a', flavours: {}, download: false }, known, 1)).toEqual(known);
  const options = {
    name: 'a',
    flavours: { proxy: 'ours' },
    nodes: 1,
    inCluster: false,
    registry: false,
    download: false,
  } as const;
  expect(mergeSettings(options, known, 1)).toEqual({
    ...known,
    nodes: 1,
    inCluster: false,
    registry: false,
    flavours: { ...stock, proxy: 'ours' },
  });
});

test('cluster.json is read back; a torn one counts as none', () => {
  expect(parseSettings(JSON.stringify(known))).toEqual(known);
  for (const text of ['', '{"name":', 'null', '[]', '{"name":"a"}'])
    expect(parseSettings(text)).toBeUndefined();
});

test.each([
  ['nothing said', undefined, known, undefined],
  ['the same', 'pinned', known, undefined],
  ['no cluster yet', 'distribution', undefined, undefined],
  ['another containerd', 'distribution', known, /cluster a runs the pinned containerd.*hack\/down --name a/],
] as const)('%s', (_, containerd, cluster, want) => {
  const options = {
    name: 'a',
    flavours: {},
    download: false,
    ...(containerd === undefined ? {} : { containerd }),
  };
  const problem = changeProblem(options, cluster);
  if (want === undefined) expect(problem).toBeUndefined();
  else expect(problem).toMatch(want);
});
