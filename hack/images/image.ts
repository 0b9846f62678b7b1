/**
 * One OCI image as a tar file that `ctr images import` (and any other OCI layout reader) takes. No engine, no
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

/** How containers of the image start (`config` of the OCI image configuration). */
export interface ImageConfig {
  readonly entrypoint: readonly [string, ...string[]];
  readonly cmd?: readonly string[];
  /** `uid:gid`; root when absent. */
  readonly user?: `${number}:${number}`;
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
  const work = await mkdtemp(join(dirname(output), `.${basename(output)}-`));
  try {
    const layers: WrittenLayer[] = [];
    for (const [index, entries] of spec.layers.entries()) {
      layers.push(await layerWriter(entries, join(work, `layer-${index}`), { compress: spec.compress }));
    }
    const config = jsonBlob(imageConfiguration(spec.config, layers));
    const manifest = jsonBlob({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: config.digest,
        size: config.size,
      },
      layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    });
    const index = jsonBlob({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: spec.refs.map((ref) => ({
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: manifest.digest,
        size: manifest.size,
        platform: { architecture: imageArchitecture(), os: 'linux' },
        // containerd names the image by the first, other tools by the second.
        annotations: { 'io.containerd.image.name': ref, 'org.opencontainers.image.ref.name': ref },
      })),
    });
    const archive = pack();
    const unfinished = join(work, 'image.tar');
    const written = pipeline(archive, createWriteStream(unfinished));
    const added = (async () => {
      addBytes(archive, 'oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
      addBytes(archive, 'index.json', index.text);
      addBytes(archive, blobPath(manifest.digest), manifest.text);
      addBytes(archive, blobPath(config.digest), config.text);
      const seen = new Set<string>();
      for (const { digest, size, file } of layers) {
        if (seen.has(digest)) continue;
        seen.add(digest);
        const entry = archive.entry({ name: blobPath(digest), size, mtime: IMAGE_EPOCH, mode: 0o644 });
        await pipeline(createReadStream(file), entry);
      }
      archive.finalize();
    })();
    await Promise.all([added, written]);
    await rename(unfinished, output);
    return manifest.digest;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function imageConfiguration(config: ImageConfig, layers: readonly WrittenLayer[]): object {
  const { entrypoint, cmd, user, env, workingDir, labels } = config;
  return {
    created: IMAGE_EPOCH.toISOString(),
    architecture: imageArchitecture(),
    os: 'linux',
    config: {
      Entrypoint: entrypoint,
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

function jsonBlob(value: object): { readonly text: string; readonly digest: string; readonly size: number } {
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
