/** Image names as container registries read them (the "reference" grammar of the distribution project's specification). */

/** A name that is no image reference. */
export class InvalidImageNameError extends Error {
  override readonly name = 'InvalidImageNameError';
}

const DOMAIN_PART = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = new RegExp(`^(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?$`);
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[\w][\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

export interface ImageReference {
  /** `docker.io` when the name has none. */
  readonly domain: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** @throws InvalidImageNameError saying which part is wrong */
export function parseImageReference(text: string): ImageReference {
  const fail = (why: string): never => {
    throw new InvalidImageNameError(`couldn't parse image name "${text}": invalid reference format${why}`);
  };
  if (/^[a-f0-9]{64}$/.test(text)) {
    return fail(`: cannot specify 64-byte hexadecimal strings`);
  }
  const [named = '', digest, ...more] = text.split('@');
  if (more.length > 0 || (digest !== undefined && !DIGEST.test(digest))) return fail('');
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) return fail('');
  const first = name.indexOf('/');
  const head = first < 0 ? '' : name.slice(0, first);
  const hasDomain = head !== '' && (/[.:]/.test(head) || head === 'localhost' || head.toLowerCase() !== head);
  const domain = hasDomain ? head : 'docker.io';
  let path = hasDomain ? name.slice(first + 1) : name;
  if (!hasDomain && !path.includes('/')) path = `library/${path}`;
  if (path.toLowerCase() !== path) return fail(`: repository name (${path}) must be lowercase`);
  if (!DOMAIN.test(domain) || !PATH.test(path) || name.length > 255) return fail('');
  return { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** Adds `:latest` where neither tag nor digest is named. @throws InvalidImageNameError */
export function withDefaultTag(text: string): string {
  const { tag, digest } = parseImageReference(text);
  return tag === undefined && digest === undefined ? `${text}:latest` : text;
}

/** The pull policy where the spec names none: always for `latest`, else only if it is missing. */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  try {
    const { tag, digest } = parseImageReference(image);
    return digest === undefined && (tag === undefined || tag === 'latest') ? 'Always' : 'IfNotPresent';
  } catch {
    return 'IfNotPresent';
  }
}
