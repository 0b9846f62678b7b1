/**
 * Layers of OCI images: a list of entries becomes a tar whose bytes depend on the entries alone (sorted paths,
 * fixed times, numeric owners), so that the same inputs give the same digest on every build.
 *
 * Source: OCI image specification, "Image Layer Filesystem Changeset".
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack, type Pack } from 'tar-stream';

interface Owned {
  /** Absolute path in the image, without a trailing slash. */
  readonly path: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** A regular file, its bytes given directly or read from `source` on this machine. Mode 0644 unless told. */
export interface FileEntry extends Owned {
  readonly type: 'file';
  readonly content: string | { readonly source: string };
}

/** A directory, mode 0755 unless told. Parents of other entries need no entry of their own. */
export interface DirectoryEntry extends Owned {
  readonly type: 'directory';
}

/** A symbolic link; `target` is stored as given. */
export interface SymlinkEntry extends Owned {
  readonly type: 'symlink';
  readonly target: string;
}

export type LayerEntry = FileEntry | DirectoryEntry | SymlinkEntry;

/** What a manifest and a config need to know about a layer that has been written. */
export interface WrittenLayer {
  readonly file: string;
  readonly mediaType: string;
  /** Digest and size of the bytes in `file`. */
  readonly digest: string;
  readonly size: number;
  /** Digest of the uncompressed tar (`rootfs.diff_ids` of the config). */
  readonly diffId: string;
}

/** Every time in an image: reproducible builds have no "now". */
export const IMAGE_EPOCH = new Date(0);

/**
 * Entries in the order they are written: parents before children, each path once.
 *
 * @throws Error when a path is not absolute and normal, when two entries differ at one path, or when an entry
 * lies below something that is not a directory.
 */
export function orderedEntries(entries: readonly LayerEntry[]): LayerEntry[] {
  const byPath = new Map<string, LayerEntry>();
  for (const entry of entries) {
    if (!/^(\/[^/]+)+$/.test(entry.path) || /\/\.\.?(\/|$)/.test(entry.path)) {
      throw new Error(`image layer: path "${entry.path}" must be absolute, without "." and ".."`);
    }
    const existing = byPath.get(entry.path);
    if (existing !== undefined && JSON.stringify(existing) !== JSON.stringify(entry)) {
      throw new Error(`image layer: two different entries for ${entry.path}`);
    }
    byPath.set(entry.path, entry);
  }
  for (const path of byPath.keys()) {
    for (let parent = dirname(path); parent !== ''; parent = dirname(parent)) {
      const existing = byPath.get(parent);
      if (existing === undefined) byPath.set(parent, { type: 'directory', path: parent });
      else if (existing.type !== 'directory') {
        throw new Error(`image layer: ${path} lies below ${parent}, which is a ${existing.type}`);
      }
    }
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * Writes the layer to `file`, gzipped when `compress` is set.
 *
 * @throws Error as {@link orderedEntries}, or when a source cannot be read or changes while it is read.
 */
export async function writeLayer(
  entries: readonly LayerEntry[],
  file: string,
  { compress }: { readonly compress: boolean },
): Promise<WrittenLayer> {
  const archive = pack();
  const plain = new DigestStream();
  const stored = new DigestStream();
  const sink = createWriteStream(file);
  const written = compress
    ? pipeline(archive, plain, createGzip({ level: 6 }), stored, sink)
    : pipeline(archive, plain, stored, sink);
  const added = (async () => {
    try {
      for (const entry of orderedEntries(entries)) await addEntry(archive, entry);
      archive.finalize();
    } catch (err) {
      archive.destroy(err instanceof Error ? err : new Error('image layer failed', { cause: err }));
      throw err;
    }
  })();
  const [first] = (await Promise.allSettled([added, written])).filter((r) => r.status === 'rejected');
  if (first !== undefined) throw new Error(`writing image layer ${file} failed`, { cause: first.reason });
  return {
    file,
    mediaType: `application/vnd.oci.image.layer.v1.tar${compress ? '+gzip' : ''}`,
    digest: stored.digest(),
    size: stored.bytes,
    diffId: plain.digest(),
  };
}

async function addEntry(archive: Pack, entry: LayerEntry): Promise<void> {
  const header = {
    name: entry.path.slice(1),
    mode: entry.mode ?? (entry.type === 'file' ? 0o644 : entry.type === 'directory' ? 0o755 : 0o777),
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    uname: '',
    gname: '',
    mtime: IMAGE_EPOCH,
  };
  switch (entry.type) {
    case 'directory':
      archive.entry({ ...header, type: 'directory' });
      return;
    case 'symlink':
      archive.entry({ ...header, type: 'symlink', linkname: entry.target });
      return;
    case 'file': {
      if (typeof entry.content === 'string') {
        archive.entry(header, entry.content);
        return;
      }
      const { source } = entry.content;
      const { size } = await stat(source);
      await pipeline(createReadStream(source), archive.entry({ ...header, size }));
    }
  }
}

function dirname(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

class DigestStream extends Transform {
  readonly #hash = createHash('sha256');
  bytes = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#hash.update(chunk);
    this.bytes += chunk.length;
    callback(null, chunk);
  }

  digest(): string {
    return `sha256:${this.#hash.digest('hex')}`;
  }
}
