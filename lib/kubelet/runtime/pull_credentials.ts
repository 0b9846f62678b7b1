/** Credentials of registries from pull secrets (kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg). */
import { createHash } from 'node:crypto';
import type { Secret } from '../../api/types.ts';

export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
  readonly identityToken?: string;
}

/** Whose a credential is: who else may use an image that was pulled with it follows from that. */
export type CredentialOwner =
  | { readonly kind: 'node' }
  | {
      readonly kind: 'serviceAccount';
      readonly uid: string;
      readonly namespace: string;
      readonly name: string;
    }
  | {
      readonly kind: 'secret';
      readonly uid: string;
      readonly namespace: string;
      readonly name: string;
      /** SHA-256 of the credential. */
      readonly hash: string;
    };

export interface OwnedAuth {
  readonly auth: RegistryAuth;
  readonly owner: CredentialOwner;
}

/** What credentials are looked up by: an image without its tag and digest. */
export interface ImageName {
  /** Registry, with its port where it has one. */
  readonly domain: string;
  readonly path: string;
}

interface Entry extends OwnedAuth {
  readonly host: string;
  readonly path: string;
}

/**
 * The credentials that apply to an image, the most specific first. Secrets of other types and entries that are not
 * readable are passed over and named in `problems`.
 */
export function credentialsFor(
  image: ImageName,
  secrets: readonly Secret[],
): { readonly auths: readonly OwnedAuth[]; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const entries = secrets.flatMap((secret) => entriesOf(secret, problems));
  return { auths: matching(entries, image), problems };
}

/** Those of a map from registries to credentials (`auths` of a docker config, answers of plugins) that apply. */
export function authsFor(
  image: ImageName,
  auths: Readonly<Record<string, unknown>>,
  owner: CredentialOwner,
): readonly OwnedAuth[] {
  const entries = Object.entries(auths).flatMap(([key, value]) => {
    const auth = authOf(value);
    return auth === undefined ? [] : [{ ...registryOf(key), auth, owner }];
  });
  return matching(entries, image);
}

/** Whether an image is of a registry, as credentials name them: `registry.example:5000/team`, `*.example`. */
export function isOfRegistry(image: ImageName, registry: string): boolean {
  return matches(registryOf(registry), image);
}

function matching(entries: readonly Entry[], image: ImageName): readonly OwnedAuth[] {
  return entries
    .filter((entry) => matches(entry, image))
    .sort((a, b) => b.path.length - a.path.length || b.host.length - a.host.length)
    .map(({ auth, owner }) => ({ auth, owner }));
}

function entriesOf(secret: Secret, problems: string[]): Entry[] {
  const json = secret.data?.['.dockerconfigjson'];
  const legacy = secret.data?.['.dockercfg'];
  const text = json ?? legacy;
  const { namespace = '', name: secretName, uid = '' } = secret.metadata;
  const name = `secret ${namespace}/${secretName}`;
  if (text === undefined) {
    problems.push(`${name} is no pull secret`);
    return [];
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64').toString());
  } catch {
    problems.push(`${name} holds no JSON`); // the text itself is secret
    return [];
  }
  const auths = json === undefined ? parsed : isRecord(parsed) ? parsed['auths'] : undefined;
  if (!isRecord(auths)) {
    problems.push(`${name} has no auths`);
    return [];
  }
  return Object.entries(auths).flatMap(([key, value]) => {
    const auth = authOf(value);
    if (auth === undefined) {
      problems.push(`${name}: entry ${key} has no credentials`);
      return [];
    }
    const hash = createHash('sha256').update(JSON.stringify(auth)).digest('hex');
    return [
      {
        ...registryOf(key),
        auth,
        owner: { kind: 'secret', uid, namespace, name: secretName, hash } as const,
      },
    ];
  });
}

function authOf(value: unknown): RegistryAuth | undefined {
  if (!isRecord(value)) return undefined;
  const { username, password, auth, identitytoken } = value;
  if (typeof identitytoken === 'string' && identitytoken !== '') {
    return { username: '', password: '', identityToken: identitytoken };
  }
  if (typeof username === 'string' && typeof password === 'string') return { username, password };
  if (typeof auth !== 'string') return undefined;
  const decoded = Buffer.from(auth, 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon < 0) return undefined;
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}

/** `https://index.docker.io/v1/` and `registry.example/team` to host and path. */
function registryOf(key: string): { host: string; path: string } {
  const bare = key.replace(/^https?:\/\//, '');
  const slash = bare.indexOf('/');
  const host = slash < 0 ? bare : bare.slice(0, slash);
  const path = slash < 0 ? '' : bare.slice(slash + 1).replace(/\/+$/, '');
  return {
    host: host === 'index.docker.io' ? 'docker.io' : host,
    path: path === 'v1' || path === 'v2' ? '' : path,
  };
}

/** Hosts may hold `*` for parts of one label; a path is a prefix. */
function matches(entry: Pick<Entry, 'host' | 'path'>, image: ImageName): boolean {
  const host = entry.host.split('.');
  const domain = image.domain.split('.');
  if (host.length !== domain.length) return false;
  if (!host.every((part, i) => globMatches(part, domain[i] ?? ''))) return false;
  return entry.path === '' || image.path.startsWith(entry.path);
}

function globMatches(glob: string, text: string): boolean {
  if (!glob.includes('*')) return glob === text;
  const [head = '', ...rest] = glob.split('*');
  if (!text.startsWith(head)) return false;
  let at = head.length;
  for (const [i, part] of rest.entries()) {
    if (i === rest.length - 1) return text.length - part.length >= at && text.endsWith(part);
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return true;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
