/**
 * OCI images as a tar file that `ctr images import` (and any other OCI layout reader) takes. No engine, no
 * registry: the tar is an OCI image layout whose index names every tag.
 *
 * Source: OCI image specification, "Image Layout", "Image Index", "Image Manifest", "Image Configuration".
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack, type Pack } from 'tar-stream';
import { IMAGE_EPOCH, writeLayer, type LayerEntry, type WrittenLayer } from './layer.ts';

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

/** How containers of the image start (`config` of the OCI image configuration). */
export interface ImageConfig {
  /** Absent in images whose command comes first, such as busybox: a container's arguments then are its command. */
  readonly entrypoint?: readonly [string, ...string[]];
  readonly cmd?: readonly string[];
  /** `uid` or `uid:gid`; root when absent. */
  readonly user?: `${number}` | `${number}:${number}`;
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ImageSpec {
  /** Full references, e.g. `example.test/pause:dev`; all name the same manifest. */
  readonly refs: readonly [string, ...string[]];
  readonly config: ImageConfig;
  /** Lowest layer first. */
  readonly layers: readonly (readonly LayerEntry[])[];
  /** Gzip the layers: smaller files, slower import. */
  readonly compress: boolean;
}

/** OCI name of this machine's architecture. */
export function imageArchitecture(arch: string = process.arch): string {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
  const name = names[arch];
  if (name === undefined) throw new Error(`images can be built on x64 and arm64, not on ${arch}`);
  return name;
}

/** A text blob of an image with its digest (`sha256:<hex>`) and its size in bytes. */
export interface JsonBlob {
  readonly text: string;
  readonly digest: string;
  readonly size: number;
}

/** The blobs that one image consists of. */
export interface ImageBlobs {
  readonly manifest: JsonBlob;
  readonly config: JsonBlob;
  readonly layers: readonly WrittenLayer[];
}

/**
 * Writes the image to `output`, whole or not at all.
 *
 * @param layerWriter writes (or finds) one layer; `file` is a path that is free and goes away with the call
 * @returns the digest of the image's manifest
 */
export async function packImage(
  spec: ImageSpec,
  output: string,
  layerWriter: typeof writeLayer = writeLayer,
): Promise<string> {
  const [digest] = await packImages([spec], output, layerWriter);
  if (digest === undefined) throw new Error('packing one image gave no digest');
  return digest;
}

/**
 * Writes several images to one tar, whole or not at all. A layer that several of them name (the same array) is
 * written once, and a blob that several have is stored once.
 *
 * @returns the digests of the images' manifests, in their order
 */
export async function packImages(
  specs: readonly ImageSpec[],
  output: string,
  layerWriter: typeof writeLayer = writeLayer,
): Promise<readonly string[]> {
  const work = await mkdtemp(join(dirname(output), `.${basename(output)}-`));
  try {
    const writeOnce = oncePerLayer(work, layerWriter);
    const images: ImageBlobs[] = [];
    for (const spec of specs) images.push(await imageBlobs(spec, writeOnce));
    const index = jsonBlob({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: specs.flatMap(({ refs }, i) => refs.map((ref) => indexEntry(ref, images[i]?.manifest))),
    });
    const archive = pack();
    const unfinished = join(work, 'image.tar');
    const written = pipeline(archive, createWriteStream(unfinished));
    const added = (async () => {
      addBytes(archive, 'oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
      addBytes(archive, 'index.json', index.text);
      const seen = new Set<string>();
      const isNew = (digest: string): boolean => !seen.has(digest) && seen.add(digest).size > 0;
      for (const { manifest, config, layers } of images) {
        for (const { digest, text } of [manifest, config])
          if (isNew(digest)) addBytes(archive, blobPath(digest), text);
        for (const { digest, size, file } of layers) {
          if (!isNew(digest)) continue;
          const entry = archive.entry({ name: blobPath(digest), size, mtime: IMAGE_EPOCH, mode: 0o644 });
          await pipeline(createReadStream(file), entry);
        }
      }
      archive.finalize();
    })();
    await Promise.all([added, written]);
    await rename(unfinished, output);
    return images.map(({ manifest }) => manifest.digest);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The manifest, configuration and layers of an image; `writeEntries` writes (or finds) one layer. */
export async function imageBlobs(
  spec: Pick<ImageSpec, 'config' | 'layers' | 'compress'>,
  writeEntries: (
    entries: readonly LayerEntry[],
    options: { readonly compress: boolean },
  ) => Promise<WrittenLayer>,
): Promise<ImageBlobs> {
  const layers: WrittenLayer[] = [];
  for (const entries of spec.layers) layers.push(await writeEntries(entries, { compress: spec.compress }));
  const config = jsonBlob(imageConfiguration(spec.config, layers));
  const manifest = jsonBlob({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: config.digest,
      size: config.size,
    },
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  });
  return { manifest, config, layers };
}

/** An image index (a "manifest list") with one image for this machine's platform. */
export function platformIndex(manifest: JsonBlob): JsonBlob {
  return jsonBlob({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [manifestDescriptor(manifest)],
  });
}

function indexEntry(ref: string, manifest: JsonBlob | undefined): object {
  if (manifest === undefined) throw new Error(`${ref} has no manifest`);
  return {
    ...manifestDescriptor(manifest),
    // containerd names the image by the first, other tools by the second.
    annotations: { 'io.containerd.image.name': ref, 'org.opencontainers.image.ref.name': ref },
  };
}

function manifestDescriptor({ digest, size }: JsonBlob): object {
  return {
    mediaType: MANIFEST_TYPE,
    digest,
    size,
    platform: { architecture: imageArchitecture(), os: 'linux' },
  };
}

function oncePerLayer(work: string, layerWriter: typeof writeLayer): Parameters<typeof imageBlobs>[1] {
  const known = new Map<readonly LayerEntry[], WrittenLayer>();
  return async (entries, options) => {
    const layer =
      known.get(entries) ?? (await layerWriter(entries, join(work, `layer-${known.size}`), options));
    known.set(entries, layer);
    return layer;
  };
}

function imageConfiguration(config: ImageConfig, layers: readonly WrittenLayer[]): object {
  const { entrypoint, cmd, user, env, workingDir, labels } = config;
  return {
    created: IMAGE_EPOCH.toISOString(),
    architecture: imageArchitecture(),
    os: 'linux',
    config: {
      ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
      ...(cmd === undefined ? {} : { Cmd: cmd }),
      ...(user === undefined ? {} : { User: user }),
      Env: Object.entries({
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        ...env,
      }).map(([name, value]) => `${name}=${value}`),
      WorkingDir: workingDir ?? '/',
      ...(labels === undefined ? {} : { Labels: labels }),
    },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
  };
}

function jsonBlob(value: object): JsonBlob {
  const text = JSON.stringify(value);
  return {
    text,
    digest: `sha256:${createHash('sha256').update(text).digest('hex')}`,
    size: Buffer.byteLength(text),
  };
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function addBytes(archive: Pack, name: string, text: string): void {
  archive.entry({ name, mtime: IMAGE_EPOCH, mode: 0o644 }, text);
}
