/** Which images are removed, and in which order. Pure. */

/** What is known of an image over time. */
export interface ImageRecord {
  /** The runtime's id. */
  readonly id: string;
  readonly sizeBytes: number;
  /** When the kubelet first saw it, milliseconds of the monotonic clock. */
  readonly firstSeenMs: number;
  /** When a container last had it; `undefined` for never since the kubelet started. */
  readonly lastUsedMs: number | undefined;
  readonly inUse: boolean;
  /** The runtime wants it kept (the image of sandboxes). */
  readonly pinned: boolean;
}

export interface ImageGcPolicy {
  /** `imageGCHighThresholdPercent`: collected from this use of the file system on; 100 for never. */
  readonly highThresholdPercent: number;
  readonly lowThresholdPercent: number;
  /** `imageMinimumGCAge`: younger images stay. */
  readonly minAgeMs: number;
  /** `imageMaximumGCAge`: images unused for longer go whatever the use of the file system; 0 for none. */
  readonly maxAgeMs: number;
}

export interface FileSystemUse {
  readonly capacityBytes: number;
  readonly availableBytes: number;
}

/** Images that nobody uses, the longest unused first. */
export function unused(images: readonly ImageRecord[]): readonly ImageRecord[] {
  return images
    .filter(({ inUse, pinned }) => !inUse && !pinned)
    .toSorted((a, b) => (a.lastUsedMs ?? -1) - (b.lastUsedMs ?? -1) || a.firstSeenMs - b.firstSeenMs);
}

/** Images that nobody used for longer than the policy allows. */
export function tooOld(
  images: readonly ImageRecord[],
  policy: Pick<ImageGcPolicy, 'maxAgeMs'>,
  nowMs: number,
): readonly ImageRecord[] {
  if (policy.maxAgeMs <= 0) return [];
  // An image that was not used since the kubelet knows it is as old as that: use before is not known.
  const age = ({ lastUsedMs, firstSeenMs }: ImageRecord): number => nowMs - (lastUsedMs ?? firstSeenMs);
  return unused(images).filter((image) => age(image) > policy.maxAgeMs);
}

/** Images that may be removed to free space, the first to go first. */
export function candidates(
  images: readonly ImageRecord[],
  policy: Pick<ImageGcPolicy, 'minAgeMs'>,
  nowMs: number,
): readonly ImageRecord[] {
  return unused(images).filter(({ firstSeenMs }) => nowMs - firstSeenMs >= policy.minAgeMs);
}

/** Percent of the file system in use, rounded as stock does. */
export function usedPercent({ capacityBytes, availableBytes }: FileSystemUse): number {
  return 100 - Math.floor((availableBytes * 100) / capacityBytes);
}

/** Bytes to free to come down to the low threshold; 0 below the high one. */
export function bytesToFree(use: FileSystemUse, policy: ImageGcPolicy): number {
  if (policy.highThresholdPercent >= 100 || usedPercent(use) < policy.highThresholdPercent) return 0;
  const wanted = Math.floor((use.capacityBytes * (100 - policy.lowThresholdPercent)) / 100);
  return Math.max(0, wanted - use.availableBytes);
}

/** `12.3 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit] ?? ''}`;
}
