/** Removes images that nobody uses: when their file system runs full, when they are too old, or when eviction asks. */
import { statfs } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { errorMessage, isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { KubeletEvents } from '../contracts.ts';
import {
  bytesToFree,
  candidates,
  type FileSystemUse,
  formatBytes,
  type ImageGcPolicy,
  type ImageRecord,
  tooOld,
  unused,
  usedPercent,
} from './image_gc_plan.ts';

export interface ImageGcOptions {
  readonly cri: Pick<
    RuntimeClient,
    'listImages' | 'listContainers' | 'listPodSandbox' | 'podSandboxStatus' | 'removeImage' | 'imageFsInfo'
  >;
  readonly policy: ImageGcPolicy;
  /** Images that containers have mounted (image volumes), which the runtime's list of containers does not tell. */
  readonly mounted: () => Iterable<string>;
  /** All images that are there, and when that was so. */
  readonly listed: (ids: ReadonlySet<string>, atMs: number) => Promise<void>;
  readonly events: Pick<KubeletEvents, 'node'>;
  readonly clock: Clock;
  readonly log: Log;
  /** For tests; default: statfs of the runtime's image file system. */
  readonly fileSystem?: (signal: AbortSignal) => Promise<FileSystemUse>;
}

interface Seen {
  readonly firstSeenMs: number;
  lastUsedMs: number | undefined;
}

/** Space could not be freed as far as the policy wants it. */
export class ImageGcError extends Error {
  override readonly name = 'ImageGcError';
}

const INTERVAL_MS = 5 * 60_000;
/** Ages are as exact as the looks at what is used. */
const DETECT_MS = 60_000;
const TIMEOUT_MS = 120_000;

export class ImageGc {
  readonly #options: ImageGcOptions;
  readonly #known = new Map<string, Seen>();
  #sandboxImage: string | undefined;

  constructor(options: ImageGcOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, events } = this.#options;
    let failures = 0;
    let collectAt = clock.monotonic();
    while (!signal.aborted) {
      try {
        if (clock.monotonic() >= collectAt) {
          collectAt = clock.monotonic() + INTERVAL_MS;
          await this.collect(signal);
          failures = 0;
        } else {
          await this.#look(signal);
        }
      } catch (error) {
        if (isAbort(error, signal)) return;
        // Once may be the runtime starting; from the second time on it is for the operator.
        failures++;
        log.error(error, 'Image garbage collection failed', { timesInARow: failures });
        if (failures > 1) events.node('Warning', 'ImageGCFailed', errorMessage(error));
      }
      await clock.sleep(DETECT_MS, signal).catch(() => undefined);
    }
  }

  /** @throws ImageGcError when there is not enough to remove */
  async collect(signal: AbortSignal): Promise<void> {
    const { clock, events, log, policy } = this.#options;
    let images = await this.#look(signal);
    const old = tooOld(images, policy, clock.monotonic());
    if (old.length > 0) {
      const removed = await this.#remove(old, 'unused for longer than imageMaximumGCAge', signal);
      images = images.filter((image) => !removed.has(image.id));
    }
    const use = await this.#fileSystem(signal);
    if (use.capacityBytes === 0) {
      const message = 'invalid capacity 0 on image filesystem';
      events.node('Warning', 'InvalidDiskCapacity', message);
      throw new ImageGcError(message);
    }
    const wanted = bytesToFree(use, policy);
    if (wanted === 0) return;
    log.info(
      'Disk usage on image filesystem is over the high threshold, trying to free bytes down to the low threshold',
      {
        usage: usedPercent(use),
        highThreshold: policy.highThresholdPercent,
        lowThreshold: policy.lowThresholdPercent,
        amountToFree: wanted,
      },
    );
    const freed = await this.#free(images, wanted, signal);
    if (freed >= wanted) return;
    const message =
      `Insufficient free disk space on the node's image filesystem (${usedPercent(use)}% of ${formatBytes(use.capacityBytes)} used). ` +
      `Failed to free sufficient space by deleting unused images (freed ${freed} bytes). ` +
      'Investigate disk usage, as it could be used by active images, logs, volumes, or other data.';
    events.node('Warning', 'FreeDiskSpaceFailed', message);
    throw new ImageGcError(message);
  }

  /** Removes every image that nobody uses, whatever its age (disk pressure). Resolves to the bytes freed. */
  async removeUnused(signal: AbortSignal): Promise<number> {
    const images = unused(await this.#look(signal));
    const removed = await this.#remove(images, 'disk pressure', signal);
    return images.reduce((sum, { id, sizeBytes }) => sum + (removed.has(id) ? sizeBytes : 0), 0);
  }

  async #free(images: readonly ImageRecord[], wanted: number, signal: AbortSignal): Promise<number> {
    const { clock, policy } = this.#options;
    let freed = 0;
    for (const image of candidates(images, policy, clock.monotonic())) {
      if (freed >= wanted) break;
      const removed = await this.#remove([image], 'image file system is full', signal);
      if (removed.has(image.id)) freed += image.sizeBytes;
    }
    return freed;
  }

  async #remove(images: readonly ImageRecord[], why: string, signal: AbortSignal): Promise<Set<string>> {
    const { cri, log } = this.#options;
    const removed = new Set<string>();
    for (const { id, sizeBytes } of images) {
      try {
        await cri.removeImage({ image: { image: id } }, { signal, timeoutMs: TIMEOUT_MS });
        removed.add(id);
        this.#known.delete(id);
        log.info('Removed an unused image', { imageID: id, size: sizeBytes, why });
      } catch (error) {
        if (isAbort(error, signal)) throw error;
        // One that a container was just created from; the others can go all the same.
        log.error(error, 'Cannot remove an image', { imageID: id });
      }
    }
    return removed;
  }

  /** All images now, with what was seen of them before. */
  async #look(signal: AbortSignal): Promise<readonly ImageRecord[]> {
    const { cri, clock } = this.#options;
    const options = { signal, timeoutMs: TIMEOUT_MS };
    const askedAtMs = clock.now();
    const [{ images }, { containers }] = await Promise.all([
      cri.listImages({}, options),
      cri.listContainers({}, options),
    ]);
    await this.#options.listed(new Set(images.map(({ id }) => id)), askedAtMs);
    const sandboxImage = await this.#imageOfSandboxes(signal);
    const used = new Set([
      ...containers.flatMap((c) => [c.imageId, c.imageRef, c.image?.image ?? '']),
      ...this.#options.mounted(),
    ]);
    const now = clock.monotonic();
    const records = images.map((image): ImageRecord => {
      const names = [image.id, ...image.repoTags, ...image.repoDigests];
      const inUse = names.some((name) => used.has(name));
      const known: Seen = this.#known.get(image.id) ?? { firstSeenMs: now, lastUsedMs: undefined };
      if (inUse) known.lastUsedMs = now;
      this.#known.set(image.id, known);
      return {
        id: image.id,
        sizeBytes: Number(image.size),
        ...known,
        inUse,
        pinned: image.pinned || (sandboxImage !== undefined && names.includes(sandboxImage)),
      };
    });
    for (const id of this.#known.keys()) if (!images.some((image) => image.id === id)) this.#known.delete(id);
    return records;
  }

  /** Runtimes before CRI had `pinned` do not protect the image that they run sandboxes from; no pod could start without. */
  async #imageOfSandboxes(signal: AbortSignal): Promise<string | undefined> {
    if (this.#sandboxImage !== undefined) return this.#sandboxImage;
    const { cri } = this.#options;
    const options = { signal, timeoutMs: TIMEOUT_MS };
    const [sandbox] = (await cri.listPodSandbox({}, options)).items;
    if (sandbox === undefined) return undefined;
    try {
      const { info } = await cri.podSandboxStatus({ podSandboxId: sandbox.id, verbose: true }, options);
      const details: unknown = JSON.parse(info['info'] ?? '{}');
      if (
        typeof details === 'object' &&
        details !== null &&
        'image' in details &&
        typeof details.image === 'string'
      )
        this.#sandboxImage = details.image;
    } catch (error) {
      // Gone meanwhile, or a runtime that says nothing of the kind: the next look tries again.
      if (isAbort(error, signal)) throw error;
    }
    return this.#sandboxImage;
  }

  async #fileSystem(signal: AbortSignal): Promise<FileSystemUse> {
    if (this.#options.fileSystem !== undefined) return this.#options.fileSystem(signal);
    const { imageFilesystems } = await this.#options.cri.imageFsInfo({}, { signal, timeoutMs: TIMEOUT_MS });
    const mountpoint = imageFilesystems[0]?.fsId?.mountpoint ?? '';
    if (mountpoint === '') throw new ImageGcError('the runtime names no image filesystem');
    const { bsize, blocks, bavail } = await statfs(mountpoint);
    return { capacityBytes: blocks * bsize, availableBytes: Math.min(bavail, blocks) * bsize };
  }
}
