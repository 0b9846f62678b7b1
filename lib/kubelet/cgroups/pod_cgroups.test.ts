import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Container, Pod } from '../../api/types.ts';
import { RecordingLog } from '../../base/log.ts';
import { PodCgroups, podLimits } from './pod_cgroups.ts';

const limited = (cpu: string | undefined, memory: string | undefined, restartPolicy?: string): Container => ({
  name: 'c',
  image: 'i',
  ...(restartPolicy === undefined ? {} : { restartPolicy }),
  resources: {
    limits: { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) },
  },
});
const pod = (spec: Pod['spec']): Pod => ({ metadata: { name: 'p' }, spec });
const options = { cpuCFSQuota: true, cpuPeriodUs: 100_000 };

test.each<[string, Pod['spec'], object]>([
  [
    'no limits',
    { containers: [{ name: 'c', image: 'i' }] },
    { cpuShares: 2, cpuQuota: undefined, memoryBytes: undefined },
  ],
  [
    'sums',
    { containers: [limited('500m', '1Mi'), limited('1', '1Mi')] },
    { cpuShares: 1536, cpuQuota: 150_000, memoryBytes: 2 ** 21 },
  ],
  [
    'one without memory: none',
    { containers: [limited('1', '1Mi'), limited('1', undefined)] },
    { cpuShares: 2048, cpuQuota: 200_000, memoryBytes: undefined },
  ],
  [
    'a larger init container',
    { containers: [limited('1', '1Mi')], initContainers: [limited('2', '4Mi')] },
    { cpuShares: 2048, cpuQuota: 200_000, memoryBytes: 2 ** 22 },
  ],
  [
    'a sidecar adds',
    { containers: [limited('1', '1Mi')], initContainers: [limited('1', '1Mi', 'Always')] },
    { cpuShares: 2048, cpuQuota: 200_000, memoryBytes: 2 ** 21 },
  ],
  [
    'overhead adds',
    { containers: [limited('1', '1Mi')], overhead: { cpu: '1', memory: '1Mi' } },
    { cpuShares: 2048, cpuQuota: 200_000, memoryBytes: 2 ** 21 },
  ],
  [
    'an init container beside a sidecar',
    {
      containers: [limited('1', '1Mi')],
      initContainers: [limited('1', '1Mi', 'Always'), limited('2', '4Mi')],
    },
    { cpuShares: 2048, cpuQuota: 300_000, memoryBytes: 5 * 2 ** 20 },
  ],
  [
    'the pod itself, with overhead',
    {
      containers: [{ name: 'c', image: 'i' }],
      overhead: { cpu: '1', memory: '1Mi' },
      resources: { requests: { cpu: '1' }, limits: { memory: '3Mi' } },
    },
    { cpuShares: 2048, cpuQuota: undefined, memoryBytes: 4 * 2 ** 20 },
  ],
  [
    'the pod itself',
    { containers: [{ name: 'c', image: 'i' }], resources: { limits: { memory: '3Mi' } } },
    { cpuShares: 2, cpuQuota: undefined, memoryBytes: 3 * 2 ** 20 },
  ],
])('K20: %s', (_, spec, want) => expect(podLimits(pod(spec), options)).toMatchObject(want));

const huge = (name: string, amount: string): Container => ({
  name: 'c',
  image: 'i',
  resources: { limits: { [name]: amount } },
});

test.each<[string, Pod['spec'], readonly (readonly [string, number])[]]>([
  ['of no container', { containers: [limited('1', '1Mi')] }, []],
  [
    'of its containers together',
    { containers: [huge('hugepages-2Mi', '4Mi'), huge('hugepages-2Mi', '2Mi')] },
    [['2MB', 6 * 2 ** 20]],
  ],
  [
    'of its own',
    {
      containers: [huge('hugepages-2Mi', '4Mi')],
      resources: { limits: { 'hugepages-2Mi': '8Mi', 'hugepages-1Gi': '1Gi' } },
    },
    [
      ['2MB', 8 * 2 ** 20],
      ['1GB', 2 ** 30],
    ],
  ],
])('K20: huge pages %s', (_, spec, want) => {
  expect([...podLimits(pod(spec), options).hugePages]).toEqual(want);
});

test('K20: without CFS quota', () => {
  expect(
    podLimits(pod({ containers: [limited('1', undefined)] }), { ...options, cpuCFSQuota: false }).cpuQuota,
  ).toBeUndefined();
});

describe('with systemd', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tsk-cgroups-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const BURSTABLE: Pod = {
    metadata: { name: 'p', uid: 'u-1' },
    spec: {
      containers: [
        {
          name: 'c',
          image: 'i',
          resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '500m', memory: '128Mi' } },
        },
      ],
    },
  };
  const SLICE = 'kubepods-burstable-podu_1.slice';

  function cgroups(
    told: string[],
    refuses = false,
  ): { readonly groups: PodCgroups; readonly log: RecordingLog } {
    const tell = (what: string, settings: object): Promise<void> => {
      told.push(`${what} ${JSON.stringify(settings)}`);
      return refuses ? Promise.reject(new Error('no bus')) : Promise.resolve();
    };
    const log = new RecordingLog();
    const groups = new PodCgroups({
      hierarchy: {
        version: 2,
        mounts: new Map(['cpu', 'hugetlb', 'memory', 'pids'].map((controller) => [controller, dir])),
        roots: [dir],
      },
      driver: 'systemd',
      root: [],
      enabled: true,
      ...options,
      podPidsLimit: 100,
      reserveMemory: true,
      slices: {
        start: (unit, settings) => tell(`start ${unit}`, settings),
        set: (unit, settings) => tell(`set ${unit}`, settings),
        stop: (units) => tell('stop', units),
      },
      log,
    });
    return { groups, log };
  }
  const value = (...at: string[]): Promise<string> => readFile(join(dir, 'kubepods.slice', ...at), 'utf8');

  test('what is set in groups is told to it, so that it leaves them so', async () => {
    const told: string[] = [];
    const { groups } = cgroups(told);
    await groups.init();
    await groups.ensure(BURSTABLE);
    await groups.balance([BURSTABLE]);
    await groups.remove('gone');
    const [low, max] = [String(64 * 2 ** 20), String(128 * 2 ** 20)];
    expect(told).toEqual([
      'start kubepods.slice {}',
      'start kubepods-burstable.slice {}',
      'start kubepods-besteffort.slice {"cpu.weight":"1"}',
      `start ${SLICE} {"cpu.weight":"4","cpu.max":"50000 100000","memory.max":"${max}","pids.max":"100","memory.low":"${low}"}`,
      'set kubepods-burstable.slice {"cpu.weight":"4"}',
      `set kubepods.slice {"memory.min":"0","memory.low":"${low}"}`,
      `set kubepods-burstable.slice {"memory.low":"${low}"}`,
      'stop ["kubepods-podgone.slice","kubepods-burstable-podgone.slice","kubepods-besteffort-podgone.slice"]',
    ]);
    expect(await value('kubepods-burstable.slice', SLICE, 'memory.max')).toBe(max);
    expect(await value('kubepods-burstable.slice', SLICE, 'cpu.max')).toBe('50000 100000');
  });

  test('K9: a group grows before its containers, and is then brought to what is granted', async () => {
    const told: string[] = [];
    const { groups } = cgroups(told);
    await groups.ensure(BURSTABLE);
    told.length = 0;
    const whole = (cpu: string, memory: string, request = '100m'): Pod => ({
      ...BURSTABLE,
      spec: {
        ...BURSTABLE.spec,
        resources: { requests: { cpu: request, memory: '64Mi' }, limits: { cpu, memory } },
      },
    });
    const [before, after] = [whole('500m', '128Mi'), whole('1', '96Mi')];
    await groups.grow(after, before);
    const [low, max] = [String(64 * 2 ** 20), String(96 * 2 ** 20)];
    const settled = `{"cpu.weight":"4","cpu.max":"100000 100000","memory.max":"${max}","memory.low":"${low}"}`;
    expect(told).toEqual([`set ${SLICE} {"cpu.max":"100000 100000"}`]);
    await groups.settle(after);
    expect(told.slice(1)).toEqual([`set ${SLICE} ${settled}`]);
    expect(await value('kubepods-burstable.slice', SLICE, 'memory.max')).toBe(max);
    // As after a kubelet that was killed between the two: it does not matter what was set before.
    await groups.settle(after);
    expect(told.slice(2)).toEqual([`set ${SLICE} ${settled}`]);
  });

  test('K9: memory in use, beside the limit', async () => {
    const { groups } = cgroups([]);
    expect(await groups.memory(BURSTABLE)).toBeUndefined();
    await groups.ensure(BURSTABLE);
    await writeFile(
      join(dir, 'kubepods.slice', 'kubepods-burstable.slice', SLICE, 'memory.current'),
      '4096\n',
    );
    expect(await groups.memory(BURSTABLE)).toEqual({ used: 4096, limit: 128 * 2 ** 20 });
  });

  test('K20: huge pages of the pod are limited in its group', async () => {
    const { groups } = cgroups([]);
    await groups.ensure({
      ...BURSTABLE,
      spec: { ...BURSTABLE.spec, resources: { limits: { cpu: '1', 'hugepages-2Mi': '8Mi' } } },
    });
    expect(await value('kubepods-burstable.slice', SLICE, 'hugetlb.2MB.max')).toBe(String(8 * 2 ** 20));
  });

  test('a systemd that does not answer is reported once, limits are set all the same', async () => {
    const { groups, log } = cgroups([], true);
    await groups.init();
    await groups.ensure(BURSTABLE);
    expect(log.messages).toEqual(['Cannot tell systemd of a cgroup; going on without']);
    expect(await value('kubepods-burstable.slice', SLICE, 'pids.max')).toBe('100');
  });
});
