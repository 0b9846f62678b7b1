/** What the image cache keeps: keys of content, compressed layers that images share, and how much of old builds. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeLayer, type LayerEntry, type WrittenLayer } from './layer.ts';
import { isRecord } from './sbom.ts';

/** Changes when the same content would give other bytes. */
const PACKER_VERSION = 1;

/** Files above this many bytes count by size and time of change, so that a warm start need not read them. */
const READ_LIMIT = 1_000_000;

/**
 * Key of some entries and of whatever else their packing depends on: equal keys, equal bytes.
 *
 * @throws Error (ENOENT) when a source is missing
 */
export async function contentKey(entries: readonly LayerEntry[], rest: unknown): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([PACKER_VERSION, entries, rest]));
  for (const entry of entries) {
    if (entry.type !== 'file' || typeof entry.content === 'string') continue;
    const { source } = entry.content;
    const { size, mtimeMs } = await stat(source);
    hash.update(size > READ_LIMIT ? `${size}:${mtimeMs}` : await readFile(source));
  }
  return hash.digest('hex').slice(0, 16);
}

/** A {@link writeLayer} that compresses equal layers once; they are kept in `folder`. */
export function cachedLayerWriter(folder: string): typeof writeLayer {
  const blobOf = cachedLayerBlob(folder);
  return async (entries, file, options) =>
    // Without compression a layer is written as fast as it is copied.
    options.compress ? blobOf(entries, options) : writeLayer(entries, file, options);
}

/** Finds the layer of some entries in `folder`, or writes it there, where it stays. */
export function cachedLayerBlob(
  folder: string,
): (entries: readonly LayerEntry[], options: { readonly compress: boolean }) => Promise<WrittenLayer> {
  return async (entries, options) => {
    await mkdir(folder, { recursive: true });
    const blob = join(folder, await contentKey(entries, options));
    const known = await knownLayer(blob);
    if (known !== undefined) {
      // Not the layer itself: images that hold it as a file have its time in their key.
      await touch(`${blob}.json`);
      return known;
    }
    const written = await writeLayer(entries, `${blob}.${process.pid}.tmp`, options);
    await rename(written.file, blob);
    const layer = { ...written, file: blob };
    await writeFile(`${blob}.json.${process.pid}.tmp`, JSON.stringify(layer));
    await rename(`${blob}.json.${process.pid}.tmp`, `${blob}.json`);
    return layer;
  };
}

async function knownLayer(blob: string): Promise<WrittenLayer | undefined> {
  const text = await readFile(`${blob}.json`, 'utf8').catch(() => '{}');
  const value: unknown = JSON.parse(text);
  if (!isRecord(value)) return undefined;
  const { mediaType, digest, size, diffId } = value;
  if (typeof mediaType !== 'string' || typeof digest !== 'string') return undefined;
  if (typeof size !== 'number' || typeof diffId !== 'string') return undefined;
  const present = await stat(blob).then(
    (status) => status.size === size,
    () => false,
  );
  return present ? { file: blob, mediaType, digest, size, diffId } : undefined;
}

/** Marks a file of the cache as used now; {@link prune} goes by that. */
export async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
}

/**
 * Removes old builds: of the files in `path`'s folder that share its name up to the last `-`, those not used for an
 * hour, except the newest `keep`. An hour, because another process may be reading one.
 */
export async function prune(path: string, keep: number, now: number): Promise<void> {
  const folder = dirname(path);
  const name = basename(path);
  const prefix = name.slice(0, name.lastIndexOf('-') + 1);
  const ending = name.slice(name.indexOf('.'));
  const found: { readonly file: string; readonly used: number }[] = [];
  for (const sibling of await readdir(folder)) {
    if (!sibling.startsWith(prefix) || !sibling.endsWith(ending)) continue;
    if (!/^[0-9a-f]+$/.test(sibling.slice(prefix.length, -ending.length))) continue;
    const file = join(folder, sibling);
    const status = await stat(file).catch(() => undefined);
    if (status !== undefined) found.push({ file, used: status.mtimeMs });
  }
  found.sort((a, b) => b.used - a.used);
  for (const { file, used } of found.slice(keep)) {
    if (now - used > 3_600_000) await rm(file, { force: true });
  }
}
