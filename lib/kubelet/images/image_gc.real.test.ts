/** Against a real containerd of this test's own. Needs root. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeImage } from '../../../test/fixtures/containerd.ts';
import { systemClock } from '../../base/clock.ts';
import { nullLog } from '../../base/log.ts';
import { ImageGc } from './image_gc.ts';
import { realContainerd } from '../../../test/fixtures/kubelet_containerd.ts';

const real = realContainerd();
const UNUSED = 'localhost/unused:test';
beforeAll(async () => {
  const { containerd } = real;
  const tar = join(containerd.dir, 'unused.tar');
  await writeImage(tar, UNUSED, ['/bin/true']);
  const socket = containerd.endpoint.replace('unix://', '');
  await promisify(execFile)('ctr', ['-a', socket, '-n', 'k8s.io', 'images', 'import', tar]);
});

async function tags(): Promise<string[]> {
  return (await real.cri.listImages()).images.flatMap(({ repoTags }) => repoTags).sort();
}

test('K14: unused images go; those of a container that has ended and of sandboxes stay', async () => {
  const { containerd, cri } = real;
  const pod = { metadata: { name: 'p', namespace: 'ns', uid: 'uid-gc' }, spec: { containers: [] } };
  await (await real.sandbox(pod)).create('c', ['true']);
  expect(await tags()).toEqual([containerd.images.busybox, containerd.images.pause, UNUSED]);
  const gc = new ImageGc({
    cri,
    policy: { highThresholdPercent: 1, lowThresholdPercent: 0, minAgeMs: 0, maxAgeMs: 0 },
    listed: () => Promise.resolve(),
    mounted: () => [],
    events: { node: () => undefined },
    clock: systemClock,
    log: nullLog,
  });
  // The machine's disk is used by more than 1%, and there is not as much to remove: it says so, having done what it could.
  await expect(gc.collect(new AbortController().signal)).rejects.toThrow(
    "Insufficient free disk space on the node's image filesystem",
  );
  expect(await tags()).toEqual([containerd.images.busybox, containerd.images.pause]);
});
