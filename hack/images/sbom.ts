/**
 * Software bill of materials of a daemon's image: the npm packages whose code esbuild put into the bundle, the
 * pinned Node.js, and the packages of the distribution whose files were copied.
 *
 * Source: CycloneDX 1.6 JSON; package URLs (purl) for npm and deb.
 */
import type { DebianPackage } from './debian_files.ts';

/** A package of package-lock.json. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  /** Subresource integrity of the package's archive, e.g. `sha512-<base64>`. */
  readonly integrity?: string;
}

export interface SbomInput {
  readonly image: string;
  /** Version of the project. */
  readonly version: string;
  /** Digest of the image's manifest (`sha256:<hex>`). */
  readonly digest: string;
  readonly npmPackages: readonly NpmPackage[];
  readonly debianPackages: readonly DebianPackage[];
  /** `ID` of os-release, e.g. `debian`: the namespace of the deb packages. */
  readonly distribution: string;
}

/** The SBOM as a CycloneDX document. No serial number and no time: the same image has the same SBOM. */
export function cycloneDx(input: SbomInput): object {
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'container',
        'bom-ref': input.image,
        name: input.image,
        version: input.version,
        hashes: [{ alg: 'SHA-256', content: input.digest.replace('sha256:', '') }],
      },
    },
    components: [
      ...input.npmPackages.map((found) => npmComponent(found)),
      ...input.debianPackages.map((found) => debianComponent(found, input.distribution)),
    ],
  };
}

function npmComponent({ name, version, license, integrity }: NpmPackage): object {
  const slash = name.lastIndexOf('/');
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const hash = integrity === undefined ? undefined : /^(sha\d+)-(.+)$/.exec(integrity);
  return {
    type: 'library',
    'bom-ref': purl,
    ...(slash < 0 ? {} : { group: name.slice(0, slash) }),
    name: name.slice(slash + 1),
    version,
    purl,
    ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
    ...(hash?.[1] === undefined || hash[2] === undefined
      ? {}
      : {
          hashes: [
            {
              alg: hash[1].toUpperCase().replace('SHA', 'SHA-'),
              content: Buffer.from(hash[2], 'base64').toString('hex'),
            },
          ],
        }),
  };
}

function debianComponent(found: DebianPackage, distribution: string): object {
  const version = encodeURIComponent(found.version);
  const purl = `pkg:deb/${distribution}/${found.name}@${version}?arch=${found.architecture}`;
  return { type: 'library', 'bom-ref': purl, name: found.name, version: found.version, purl };
}

/**
 * npm packages with code in a bundle.
 *
 * @param inputs paths of the metafile's inputs, relative to the checkout
 * @param lock content of package-lock.json (lockfile version 3)
 * @throws Error when an input's package is not in the lock file: then the bundle was made from something else
 */
export function bundledPackages(inputs: readonly string[], lock: unknown): NpmPackage[] {
  const locked = isRecord(lock) && isRecord(lock['packages']) ? lock['packages'] : {};
  const found = new Map<string, NpmPackage>();
  for (const input of inputs) {
    const place = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input)?.[0];
    if (place === undefined || found.has(place)) continue;
    found.set(place, lockedPackage(place, locked));
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}

/** The package that package-lock.json has at `place`, e.g. `node_modules/ws`. */
export function lockedPackage(place: string, locked: Readonly<Record<string, unknown>>): NpmPackage {
  const entry = locked[place];
  if (!isRecord(entry) || typeof entry['version'] !== 'string') {
    throw new Error(`sbom: package-lock.json has no version for ${place}`);
  }
  const { version, license, integrity } = entry;
  return {
    name: place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length),
    version,
    ...(typeof license === 'string' ? { license } : {}),
    ...(typeof integrity === 'string' ? { integrity } : {}),
  };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
