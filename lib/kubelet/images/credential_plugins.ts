/** Credentials from plugins: programs that are asked over stdin and stdout (credentialprovider.kubelet.k8s.io/v1). */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Pod } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import { parseDuration } from '../../base/duration.ts';
import { errorMessage, isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { run } from '../../base/subprocess.ts';
import {
  authsFor,
  type CredentialOwner,
  type ImageName,
  isOfRegistry,
  isRecord,
  type OwnedAuth,
} from '../runtime/pull_credentials.ts';
import { type CredentialProvider, PROTOCOL } from './credential_provider_config.ts';

export interface CredentialPluginsOptions {
  readonly providers: readonly CredentialProvider[];
  /** Where the programs are. */
  readonly binDir: string;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Pick<Log, 'error'>;
  readonly serviceAccount: (
    namespace: string,
    name: string,
    signal: AbortSignal,
  ) => Promise<{ readonly uid: string; readonly annotations: Readonly<Record<string, string>> }>;
  /** A token of the pod's service account for this audience. */
  readonly token: (pod: Pod, audience: string, signal: AbortSignal) => Promise<string>;
  /** For tests; default: the program in `binDir`. Resolves to what it wrote. */
  readonly ask?: (provider: CredentialProvider, request: string) => Promise<string>;
}

/** A plugin gave no usable answer. */
export class CredentialPluginError extends Error {
  override readonly name = 'CredentialPluginError';
}

interface Answer {
  readonly auth: Readonly<Record<string, unknown>>;
  readonly cacheKeyType: 'Image' | 'Registry' | 'Global';
  readonly cacheMs: number;
}

interface Identity {
  readonly owner: CredentialOwner;
  readonly token?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** What tells answers for this identity from those for others. */
  readonly cacheKey: string;
}

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const NODE: Identity = { owner: { kind: 'node' }, cacheKey: '' };

export class CredentialPlugins {
  readonly #options: CredentialPluginsOptions;
  readonly #cache = new Map<string, { readonly auth: Answer['auth']; readonly untilMs: number }>();
  /** Plugins that are being asked: who asks the same gets the same answer. */
  readonly #asking = new Map<string, Promise<Answer>>();

  constructor(options: CredentialPluginsOptions) {
    this.#options = options;
  }

  /** What the plugins give for an image; one that fails is reported and passed over. */
  async credentials(pod: Pod, image: ImageName, signal: AbortSignal): Promise<readonly OwnedAuth[]> {
    const { log, providers } = this.#options;
    const auths: OwnedAuth[] = [];
    for (const provider of providers) {
      if (!provider.matchImages.some((pattern) => isOfRegistry(image, pattern))) continue;
      try {
        auths.push(...(await this.#from(provider, pod, image, signal)));
      } catch (error) {
        if (isAbort(error, signal)) throw error;
        log.error(error, 'Failed getting credential from external registry credential provider', {
          provider: provider.name,
          image: nameOf(image),
        });
      }
    }
    return auths;
  }

  async #from(
    provider: CredentialProvider,
    pod: Pod,
    image: ImageName,
    signal: AbortSignal,
  ): Promise<readonly OwnedAuth[]> {
    const identity = await this.#identity(provider, pod, signal);
    if (identity === undefined) return [];
    const known = this.#cached(provider, identity, image);
    if (known !== undefined) return authsFor(image, known, identity.owner);
    const request = JSON.stringify({
      apiVersion: PROTOCOL,
      kind: 'CredentialProviderRequest',
      image: nameOf(image),
      ...(identity.token === undefined ? {} : { serviceAccountToken: identity.token }),
      ...(identity.annotations === undefined ? {} : { serviceAccountAnnotations: identity.annotations }),
    });
    const key = JSON.stringify([provider.name, request]);
    const asking = this.#asking.get(key) ?? this.#ask(provider, request);
    this.#asking.set(key, asking);
    const answer = await asking.finally(() => this.#asking.delete(key));
    if (answer.cacheMs > 0) this.#remember(provider, identity, image, answer);
    return authsFor(image, answer.auth, identity.owner);
  }

  /** `undefined`: this pod is none that the plugin gives credentials for. */
  async #identity(
    provider: CredentialProvider,
    pod: Pod,
    signal: AbortSignal,
  ): Promise<Identity | undefined> {
    const wants = provider.tokenAttributes;
    if (wants === undefined) return NODE;
    const { namespace = '' } = pod.metadata;
    const name = pod.spec.serviceAccountName ?? '';
    if (name === '') return wants.requireServiceAccount ? undefined : NODE;
    const { uid, annotations } = await this.#options.serviceAccount(namespace, name, signal);
    const missing = wants.requiredServiceAccountAnnotationKeys.filter(
      (key) => annotations[key] === undefined,
    );
    if (missing.length > 0) {
      throw new CredentialPluginError(
        `service account ${namespace}/${name} lacks the annotations ${missing.join(', ')} that the plugin requires`,
      );
    }
    const shown = Object.fromEntries(
      [...wants.requiredServiceAccountAnnotationKeys, ...wants.optionalServiceAccountAnnotationKeys].flatMap(
        (key) => {
          const value = annotations[key];
          return value === undefined ? [] : [[key, value] as const];
        },
      ),
    );
    const token = await this.#options.token(pod, wants.serviceAccountTokenAudience, signal);
    const part = wants.cacheType === 'Token' ? createHash('sha256').update(token).digest('hex') : '';
    return {
      owner: { kind: 'serviceAccount', uid, namespace, name },
      token,
      annotations: shown,
      cacheKey: JSON.stringify([namespace, name, uid, shown, part]),
    };
  }

  async #ask(provider: CredentialProvider, request: string): Promise<Answer> {
    const { ask = this.#run } = this.#options;
    return answerOf(await ask(provider, request), provider);
  }

  readonly #run = async (provider: CredentialProvider, request: string): Promise<string> => {
    // Not ended by the pod that asked first: others may wait for the same answer.
    const { stdout } = await run([join(this.#options.binDir, provider.name), ...provider.args], {
      stdin: request,
      timeoutMs: TIMEOUT_MS,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      env: {
        ...ownEnvironment(),
        ...Object.fromEntries(provider.env.map(({ name, value }) => [name, value])),
      },
      check: true,
    });
    return stdout.toString();
  };

  #cached(provider: CredentialProvider, identity: Identity, image: ImageName): Answer['auth'] | undefined {
    const now = this.#options.clock.monotonic();
    for (const type of ['Image', 'Registry', 'Global'] as const) {
      const key = cacheKey(provider, identity, image, type);
      const known = this.#cache.get(key);
      if (known === undefined) continue;
      if (now < known.untilMs) return known.auth;
      this.#cache.delete(key);
    }
    return undefined;
  }

  #remember(provider: CredentialProvider, identity: Identity, image: ImageName, answer: Answer): void {
    const now = this.#options.clock.monotonic();
    for (const [key, { untilMs }] of this.#cache) if (untilMs <= now) this.#cache.delete(key);
    const key = cacheKey(provider, identity, image, answer.cacheKeyType);
    this.#cache.set(key, { auth: answer.auth, untilMs: now + answer.cacheMs });
  }
}

function nameOf({ domain, path }: ImageName): string {
  return `${domain}/${path}`;
}

function cacheKey(
  { name }: CredentialProvider,
  { cacheKey: identity }: Identity,
  image: ImageName,
  type: Answer['cacheKeyType'],
): string {
  const of = { Image: nameOf(image), Registry: image.domain, Global: '' }[type];
  return JSON.stringify([name, identity, type, of]);
}

/** @throws CredentialPluginError; its message holds nothing of the answer, which is secret */
function answerOf(text: string, provider: CredentialProvider): Answer {
  const refused = (why: string): CredentialPluginError =>
    new CredentialPluginError(`the answer of credential provider ${provider.name} ${why}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw refused('is no JSON');
  }
  if (!isRecord(parsed)) throw refused('is no object');
  const { apiVersion, kind, cacheKeyType, cacheDuration, auth } = parsed;
  if (apiVersion !== provider.apiVersion) throw refused(`has another apiVersion than ${provider.apiVersion}`);
  if (kind !== 'CredentialProviderResponse') throw refused('is no CredentialProviderResponse');
  if (cacheKeyType !== 'Image' && cacheKeyType !== 'Registry' && cacheKeyType !== 'Global') {
    throw refused('has a cacheKeyType that is none of Image, Registry and Global');
  }
  if (auth !== undefined && auth !== null && !isRecord(auth)) throw refused('has an auth that is no object');
  let cacheMs = provider.defaultCacheDuration;
  if (cacheDuration !== undefined && cacheDuration !== null) {
    try {
      cacheMs = parseDuration(
        typeof cacheDuration === 'string' ? cacheDuration : JSON.stringify(cacheDuration),
      );
    } catch (error) {
      throw refused(`has a cacheDuration that is none: ${errorMessage(error)}`);
    }
  }
  return { auth: isRecord(auth) ? auth : {}, cacheKeyType, cacheMs };
}

function ownEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  );
}
