/**
 * Lays out image tars as the storage folder of a registry (the filesystem driver of the `distribution` registry), so
 * that it serves them without anybody having pushed. The registry may then be read-only.
 *
 * Source: OCI image specification, "Image Layout"; distribution, package registry/storage, its documented path layout.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { isRecord } from './sbom.ts';

const ROOT = 'docker/registry/v2';
const DIGEST = /^sha256:([0-9a-f]{64})$/;

/** An image as the index of a tar names it. */
export interface NamedImage {
  /** Name in the registry: the reference without its host and tag, e.g. `e2e-test-images/agnhost`. */
  readonly repository: string;
  readonly tag: string;
  /** Of its manifest, `sha256:<hex>`. */
  readonly digest: string;
}

/**
 * Makes `folder` the storage of a registry that has the images of `tars`. Nothing is done when it is that already.
 *
 * @returns whether anything was done
 * @throws Error when a tar is no image layout
 */
export async function layOutRegistry(tars: readonly string[], folder: string): Promise<boolean> {
  const marker = JSON.stringify(tars);
  if ((await readFile(join(folder, 'tars.json'), 'utf8').catch(() => undefined)) === marker) return false;
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  for (const tar of tars) {
    for (const image of await unpackBlobs(tar, unfinished)) {
      const manifest = await readFile(join(unfinished, blobPath(image.digest)), 'utf8');
      for (const [path, content] of linksOf(image, blobsOf(manifest, image)))
        await writeWithFolders(join(unfinished, path), content);
    }
  }
  await writeWithFolders(join(unfinished, 'tars.json'), marker);
  await rm(folder, { recursive: true, force: true });
  await rename(unfinished, folder);
  return true;
}

/** Digests of the configuration and the layers in the text of a manifest. */
export function blobsOf(manifest: string, { repository, tag }: NamedImage): string[] {
  const value: unknown = JSON.parse(manifest);
  const layers: readonly unknown[] | undefined =
    isRecord(value) && Array.isArray(value['layers']) ? value['layers'] : undefined;
  const all: unknown[] = [isRecord(value) ? value['config'] : undefined, ...(layers ?? [])];
  const digests = all.map((one) => (isRecord(one) ? one['digest'] : undefined));
  if (layers === undefined || !digests.every(isDigest))
    throw new Error(`registry: the manifest of ${repository}:${tag} names no configuration and layers`);
  return digests;
}

/** Files by which the registry finds the blobs of an image: path and content. */
export function linksOf(
  { repository, tag, digest }: NamedImage,
  blobs: readonly string[],
): [string, string][] {
  const folder = `${ROOT}/repositories/${repository}`;
  const link = (path: string, of: string): [string, string] => [`${folder}/${path}/link`, of];
  const byDigest = (of: string): string => of.replace(':', '/');
  return [
    link(`_manifests/revisions/${byDigest(digest)}`, digest),
    link(`_manifests/tags/${tag}/current`, digest),
    link(`_manifests/tags/${tag}/index/${byDigest(digest)}`, digest),
    ...blobs.map((blob) => link(`_layers/${byDigest(blob)}`, blob)),
  ];
}

/** The images that the text of an `index.json` names. */
export function namedImages(index: string): NamedImage[] {
  const value: unknown = JSON.parse(index);
  const manifests = isRecord(value) && Array.isArray(value['manifests']) ? value['manifests'] : [];
  return manifests.map((one: unknown) => {
    const digest = isRecord(one) ? one['digest'] : undefined;
    const annotations = isRecord(one) && isRecord(one['annotations']) ? one['annotations'] : {};
    const ref = annotations['io.containerd.image.name'];
    const [, repository, tag] =
      /^[^/]+\/([a-z0-9._/-]+):([\w.-]+)$/.exec(typeof ref === 'string' ? ref : '') ?? [];
    if (repository === undefined || tag === undefined || repository.includes('..') || !isDigest(digest))
      throw new Error(
        `registry: the index names no image by HOST/NAME:TAG and digest: ${JSON.stringify(one)}`,
      );
    return { repository, tag, digest };
  });
}

async function unpackBlobs(tar: string, folder: string): Promise<NamedImage[]> {
  let images: NamedImage[] | undefined;
  const reader = extract();
  const read = pipeline(createReadStream(tar), reader);
  for await (const entry of reader) {
    const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(entry.header.name)?.[1];
    if (entry.header.name === 'index.json') images = namedImages((await buffer(entry)).toString());
    else if (hex === undefined) entry.resume();
    else {
      const path = join(folder, blobPath(`sha256:${hex}`));
      await mkdir(dirname(path), { recursive: true });
      await pipeline(entry, createWriteStream(path));
    }
  }
  await read;
  if (images === undefined) throw new Error(`registry: ${tar} is no image layout (no index.json)`);
  return images;
}

function blobPath(digest: string): string {
  const hex = digest.replace('sha256:', '');
  return `${ROOT}/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && DIGEST.test(value);
}

async function writeWithFolders(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
