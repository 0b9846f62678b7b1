/** Fetches released stock programs from the official sites, checked against the checksums that the sites publish. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from './program.ts';
import { stockProgram } from './stock_catalogue.ts';

/** Sites that releases are fetched from. */
export interface ReleaseSites {
  readonly kubernetes: string;
  readonly coredns: string;
  readonly etcd: string;
}
export const OFFICIAL_SITES: ReleaseSites = {
  kubernetes: 'https://dl.k8s.io/release',
  coredns: 'https://github.com/coredns/coredns/releases/download',
  etcd: 'https://github.com/etcd-io/etcd/releases/download',
};

export interface DownloadOptions {
  readonly sites: ReleaseSites;
  readonly signal?: AbortSignal;
}

/**
 * Fetches the program `name` of `version` (`v1.36.3`) into `file`; on any failure there is no file.
 *
 * @throws Error in one sentence when it cannot be had or its checksum differs
 */
export async function downloadProgram(
  name: string,
  version: string,
  file: string,
  { sites, signal }: DownloadOptions,
): Promise<void> {
  const machine = process.arch === 'x64' ? 'amd64' : process.arch;
  switch (stockProgram(name).module) {
    case 'kubernetes':
      return fetchVerified(`${sites.kubernetes}/${version}/bin/linux/${machine}/${name}`, file, { signal });
    case 'coredns': {
      const archive = `coredns_${version.replace(/^v/, '')}_linux_${machine}.tgz`;
      return fetchArchived(`${sites.coredns}/${version}/${archive}`, 'coredns', file, { signal });
    }
    case 'etcd': {
      const folder = `etcd-${version}-linux-${machine}`;
      return fetchArchived(`${sites.etcd}/${version}/${folder}.tar.gz`, `${folder}/etcd`, file, {
        sums: `${sites.etcd}/${version}/SHA256SUMS`,
        signal,
      });
    }
    case 'containerd':
    case 'registry':
    case 'e2e':
    case 'critest':
    case 'sample-apiserver':
      throw new Error(`stock ${name} is not released: it has to be built, which wants Go`);
  }
}

interface FetchOptions {
  /** Where the checksum is; default: beside the file, with `.sha256` after its name. */
  readonly sums?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Fetches a tar archive and takes the one `member` out of it. */
async function fetchArchived(
  url: string,
  member: string,
  file: string,
  options: FetchOptions,
): Promise<void> {
  const archive = `${file}.tgz`;
  try {
    await fetchVerified(url, archive, options);
    const rename = `s|.*|${path.basename(file)}|`;
    await run([
      'tar',
      '--extract',
      '--gzip',
      '--file',
      archive,
      '--directory',
      path.dirname(file),
      '--transform',
      rename,
      member,
    ]);
  } finally {
    await rm(archive, { force: true });
  }
}

/**
 * Fetches `url` into `file` and compares it with the SHA-256 that the site publishes. On any failure there is no file.
 * Takes no longer than 20 minutes.
 */
export async function fetchVerified(
  url: string,
  file: string,
  { sums = `${url}.sha256`, signal }: FetchOptions = {},
): Promise<void> {
  const limit = AbortSignal.any([
    AbortSignal.timeout(20 * 60_000),
    ...(signal === undefined ? [] : [signal]),
  ]);
  try {
    const wanted = parseChecksum(await (await get(sums, limit)).text(), path.posix.basename(url));
    if (wanted === undefined) throw new Error(`${sums} holds no SHA-256 checksum of it`);
    const { body } = await get(url, limit);
    if (body === null) throw new Error(`${url}: an empty answer`);
    await pipeline(body, createWriteStream(file), { signal: limit });
    const got = await digestOf(file);
    if (got !== wanted)
      throw new Error(
        `${url}: the checksum of what came is ${got}, want ${wanted}: it is thrown away; run again`,
      );
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}

/** The hex digest of `name` in a checksum file: `HEX` alone, or lines of `HEX  NAME`. */
export function parseChecksum(text: string, name: string): string | undefined {
  const lines = text.trim().split('\n');
  const alone = lines.length === 1 ? /^([0-9a-f]{64})(\s|$)/i.exec(text.trim()) : null;
  const listed = lines
    .map((line) => /^([0-9a-f]{64})\s+\*?(\S+)$/i.exec(line.trim()))
    .find((line) => line?.[2] === name);
  return (alone ?? listed)?.[1]?.toLowerCase();
}

async function get(url: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(
      `${url} cannot be fetched (${cause}): check the connection, or install Go and build instead`,
      { cause: error },
    );
  }
  if (response.ok) return response;
  await response.body?.cancel();
  throw new Error(`${url} answers ${response.status} ${response.statusText}`.trimEnd());
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
