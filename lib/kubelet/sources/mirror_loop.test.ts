import type { Pod } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { MirrorLoop } from './mirror_loop.ts';
import type { MirrorPods } from './mirror_pods.ts';
import { HASH_ANNOTATION, MIRROR_ANNOTATION, PodManager, SOURCE_ANNOTATION } from './pod_manager.ts';

const fixed = (name: string, hash = 'h1'): Pod => ({
  metadata: {
    name,
    namespace: 'ns',
    uid: hash,
    annotations: { [SOURCE_ANNOTATION]: 'file', [HASH_ANNOTATION]: hash },
  },
  spec: { containers: [{ name: 'c' }] },
});
const mirror = (name: string, hash = 'h1', deleted = false): Pod => ({
  metadata: {
    name,
    namespace: 'ns',
    uid: `mirror-${hash}`,
    annotations: { [SOURCE_ANNOTATION]: 'file', [HASH_ANNOTATION]: hash, [MIRROR_ANNOTATION]: hash },
    ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
  },
  spec: { containers: [{ name: 'c' }] },
});

function scene(options: { synced?: boolean; refuse?: number } = {}) {
  const clock = new FakeClock();
  const pods = new PodManager();
  const log = new RecordingLog();
  const told: string[] = [];
  let refusals = options.refuse ?? 0;
  let synced = options.synced ?? true;
  const act = async (what: string): Promise<void> => {
    if (refusals-- > 0) throw new Error('refused');
    told.push(what);
  };
  const loop = new MirrorLoop({
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the two calls that are made
    mirrors: {
      create: (pod: Pod) => act(`create ${pod.metadata.name}`),
      delete: (pod: Pod) => act(`delete ${pod.metadata.name}`),
    } as unknown as MirrorPods,
    pods,
    synced: () => synced,
    clock,
    log,
  });
  const stop = new AbortController();
  const during = async (work: () => Promise<void>): Promise<void> => {
    const running = loop.run(stop.signal);
    await clock.advance(0);
    await work();
    stop.abort();
    await running;
  };
  return { clock, pods, loop, log, told, during, sync: () => (synced = true) };
}

test.each<[string, readonly Pod[], readonly string[]]>([
  ['a static pod without a mirror gets one', [fixed('a')], ['create a']],
  ['a mirror that shows the pod stays', [fixed('a'), mirror('a')], []],
  ['one of another version is replaced', [fixed('a', 'h2'), mirror('a', 'h1')], ['delete a', 'create a']],
  ['one that is being deleted is replaced', [fixed('a'), mirror('a', 'h1', true)], ['delete a', 'create a']],
  ['one without a static pod goes', [mirror('a')], ['delete a']],
])('K1: %s', async (_what, objects, expected) => {
  const { pods, told, during } = scene();
  for (const pod of objects) pods.set(pod);
  await during(async () => expect(told).toEqual(expected));
});

test('K1: a mirror that somebody deletes comes back when the loop is woken', async () => {
  const { clock, pods, loop, told, during } = scene();
  pods.set(fixed('a'));
  pods.set(mirror('a'));
  await during(async () => {
    expect(told).toEqual([]);
    pods.delete(mirror('a'));
    loop.wake();
    await clock.advance(100);
    expect(told).toEqual(['create a']);
  });
});

test('K1: nothing is done before the mirrors of the API are known', async () => {
  const { clock, pods, told, during, sync } = scene({ synced: false });
  pods.set(fixed('a'));
  await during(async () => {
    await clock.advance(10_000);
    expect(told).toEqual([]);
    sync();
    await clock.advance(2000);
    expect(told).toEqual(['create a']);
  });
});

test('K1: what was refused is tried again after two seconds, and said', async () => {
  const { clock, pods, log, told, during } = scene({ refuse: 1 });
  pods.set(fixed('a'));
  await during(async () => {
    expect(log.messages).toEqual(['Cannot create a mirror pod']);
    await clock.advance(2000);
    expect(told).toEqual(['create a']);
  });
});
