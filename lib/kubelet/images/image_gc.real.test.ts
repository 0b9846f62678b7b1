/** Against a real containerd of this test's own. Needs root. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ContainerdFixture, startContainerd, writeImage } from '../../../test/fixtures/containerd.ts';
import { systemClock } from '../../base/clock.ts';
import { nullLog } from '../../base/log.ts';
import { connectRuntime, type RuntimeClient } from '../../cri/runtime_client.ts';
import { ImageGc } from './image_gc.ts';

jest.setTimeout(90_000);

const UNUSED = 'localhost/unused:test';
let containerd: ContainerdFixture;
let cri: RuntimeClient;
beforeAll(async () => {
  containerd = await startContainerd();
  cri = connectRuntime({ endpoint: containerd.endpoint });
  const tar = join(containerd.dir, 'unused.tar');
  await writeImage(tar, UNUSED, ['/bin/true']);
  const socket = containerd.endpoint.replace('unix://', '');
  await promisify(execFile)('ctr', ['-a', socket, '-n', 'k8s.io', 'images', 'import', tar]);
});
afterAll(async () => {
  cri?.close();
  await containerd?.stop();
});

async function tags(): Promise<string[]> {
  return (await cri.listImages()).images.flatMap(({ repoTags }) => repoTags).sort();
}

test('unused images go; those of a container that has ended and of sandboxes stay', async () => {
  const sandboxConfig = {
    metadata: { name: 'p', namespace: 'ns', uid: 'uid-gc', attempt: 0 },
    linux: { cgroupParent: containerd.cgroupParent },
  };
  const { podSandboxId } = await cri.runPodSandbox({ config: sandboxConfig });
  await cri.createContainer({
    podSandboxId,
    config: { metadata: { name: 'c', attempt: 0 }, image: { image: containerd.images.busybox } },
    sandboxConfig,
  });
  expect(await tags()).toEqual([containerd.images.busybox, containerd.images.pause, UNUSED]);
  const gc = new ImageGc({
    cri,
    policy: { highThresholdPercent: 1, lowThresholdPercent: 0, minAgeMs: 0, maxAgeMs: 0 },
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
