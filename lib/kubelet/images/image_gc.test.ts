import { FakeClock } from '../../base/fake_clock.ts';
import { nullLog } from '../../base/log.ts';
import { type Container, connectRuntime, type Image } from '../../cri/runtime_client.ts';
import { ImageGc, ImageGcError } from './image_gc.ts';
import type { FileSystemUse, ImageGcPolicy } from './image_gc_plan.ts';

const MINUTE = 60_000;
const signal = new AbortController().signal;

function image(id: string, size = 100, over: Partial<Image> = {}): Image {
  return {
    id,
    repoTags: [`${id}:tag`],
    repoDigests: [],
    size: BigInt(size),
    uid: undefined,
    username: '',
    spec: undefined,
    pinned: false,
    ...over,
  };
}

function containerOf(imageRef: string): Container {
  return {
    id: 'c',
    podSandboxId: 's',
    metadata: undefined,
    image: undefined,
    imageRef,
    imageId: '',
    state: 1,
    createdAt: 0n,
    labels: {},
    annotations: {},
  };
}

function setUp(images: Image[], use: FileSystemUse, over: Partial<ImageGcPolicy> = {}) {
  const clock = new FakeClock();
  const state = {
    images,
    containers: new Array<Container>(),
    use,
    mounted: new Array<string>(),
    unremovable: new Set<string>(),
  };
  const events: string[] = [];
  const unused = connectRuntime({ endpoint: 'unix:///nowhere' });
  const gc = new ImageGc({
    cri: {
      ...unused,
      listImages: () => Promise.resolve({ images: state.images }),
      listContainers: () => Promise.resolve({ containers: state.containers }),
      listPodSandbox: () => Promise.resolve({ items: [] }),
      removeImage: (request) => {
        const id = request?.image?.image ?? '';
        if (state.unremovable.has(id)) return Promise.reject(new Error('in use'));
        state.images = state.images.filter((i) => i.id !== id);
        return Promise.resolve({});
      },
    },
    policy: { highThresholdPercent: 85, lowThresholdPercent: 80, minAgeMs: 2 * MINUTE, maxAgeMs: 0, ...over },
    listed: () => Promise.resolve(),
    mounted: () => state.mounted,
    events: { node: (_type, reason, message) => void events.push(`${reason}: ${message}`) },
    clock,
    log: nullLog,
    fileSystem: () => Promise.resolve(state.use),
  });
  const left = (): string[] => state.images.map(({ id }) => id);
  return { gc, clock, state, events, left };
}

test('K14: a full file system: the longest unused go until the low threshold is reached', async () => {
  const { gc, clock, state, left, events } = setUp([image('a'), image('b'), image('c')], {
    capacityBytes: 1000,
    availableBytes: 500,
  });
  state.containers = [containerOf('a'), containerOf('b:tag')];
  await gc.collect(signal);
  await clock.advance(3 * MINUTE);
  state.containers = [containerOf('b:tag')];
  await gc.collect(signal);
  expect(left()).toEqual(['a', 'b', 'c']);
  state.use = { capacityBytes: 1000, availableBytes: 100 };
  await gc.collect(signal);
  expect(left()).toEqual(['a', 'b']); // c was never used
  expect(events).toEqual([]);
});

test('K14: an image that came just now stays, and that nothing could be freed is told', async () => {
  const { gc, events, left } = setUp([image('a')], { capacityBytes: 1024, availableBytes: 10 });
  await expect(gc.collect(signal)).rejects.toThrow(ImageGcError);
  expect(left()).toEqual(['a']);
  expect(events).toEqual([
    "FreeDiskSpaceFailed: Insufficient free disk space on the node's image filesystem (100% of 1.0 KiB used). " +
      'Failed to free sufficient space by deleting unused images (freed 0 bytes). ' +
      'Investigate disk usage, as it could be used by active images, logs, volumes, or other data.',
  ]);
});

test('K14: one image that cannot be removed does not keep the others', async () => {
  const { gc, state, clock, left } = setUp([image('a'), image('b')], {
    capacityBytes: 1000,
    availableBytes: 900,
  });
  state.unremovable.add('a');
  await gc.collect(signal);
  await clock.advance(3 * MINUTE);
  state.use = { capacityBytes: 1000, availableBytes: 120 };
  await gc.collect(signal);
  expect(left()).toEqual(['a']);
});

test('K14: images unused for too long go from a file system with plenty of room', async () => {
  const { gc, state, clock, left } = setUp(
    [image('a'), image('b'), image('p', 1, { pinned: true })],
    { capacityBytes: 1000, availableBytes: 900 },
    { maxAgeMs: 5 * MINUTE },
  );
  state.containers = [containerOf('b')];
  await gc.collect(signal);
  await clock.advance(6 * MINUTE);
  await gc.collect(signal);
  expect(left()).toEqual(['b', 'p']);
});

test('K14: under disk pressure the minimum age does not count', async () => {
  const { gc, left } = setUp([image('a', 70), image('p', 1, { pinned: true })], {
    capacityBytes: 1000,
    availableBytes: 900,
  });
  await expect(gc.removeUnused(signal)).resolves.toBe(70);
  expect(left()).toEqual(['p']);
});

test('K14: failing again and again becomes an event; once does not', async () => {
  const { gc, clock, events } = setUp([], { capacityBytes: 0, availableBytes: 0 });
  const stop = new AbortController();
  const running = gc.run(stop.signal);
  await clock.advance(1);
  expect(events).toEqual(['InvalidDiskCapacity: invalid capacity 0 on image filesystem']);
  for (let i = 0; i < 6; i++) await clock.advance(MINUTE);
  expect(events.at(-1)).toBe('ImageGCFailed: invalid capacity 0 on image filesystem');
  stop.abort();
  await running;
});

test('K14: an image that a container has mounted is in use', async () => {
  const { gc, state, left } = setUp([image('a'), image('b')], { capacityBytes: 1000, availableBytes: 500 });
  state.mounted = ['a'];
  await gc.removeUnused(signal);
  expect(left()).toEqual(['a']);
});
