/** Makes the image of a container present: pull policy, credentials, back-off, one pull at a time where configured. */
import type { Pod } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import { formatDuration } from '../../base/duration.ts';
import { errorMessage, isAbort } from '../../base/errors.ts';
import { TokenBucket } from '../../client/rate_limit.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { EventType, KubeletEvents } from '../contracts.ts';
import {
  defaultPullPolicy,
  InvalidImageNameError,
  parseImageReference,
  withDefaultTag,
} from './image_reference.ts';
import type { Keyring } from '../images/keyring.ts';
import type { PullRecords } from '../images/pull_records.ts';
import type { CredentialOwner, OwnedAuth } from './pull_credentials.ts';
import { Gate } from '../../base/gate.ts';
import type { ImageUser } from './security_context.ts';
import { pullMessage, rpcMessage } from './runtime_message.ts';
import type { WaitingReason } from './waiting_reason.ts';
import { ContainerStartError, type Meanwhile } from './start_error.ts';

export interface ReadyImage {
  /** The runtime's id of the image. */
  readonly ref: string;
  readonly user: ImageUser;
}

export interface WantedImage {
  /** As the pod names it. */
  readonly image: string;
  readonly pullPolicy: string | undefined;
  /** Whom the events are about; `undefined`: the pod (an image volume). */
  readonly containerName: string | undefined;
}

type Tell = (type: EventType, reason: string, message: string) => void;

export interface ImagesOptions {
  readonly cri: Pick<RuntimeClient, 'imageStatus' | 'pullImage'>;
  readonly clock: Clock;
  readonly events: KubeletEvents;
  /** `undefined`: no limit. */
  readonly maxParallelPulls: number | undefined;
  /** Pulls that may begin in a second, and at once (`registryPullQPS`, `registryBurst`); others wait. Default: any. */
  readonly pullRate?: { readonly qps: number; readonly burst: number };
  readonly keyring: Pick<Keyring, 'credentials'>;
  readonly records: Pick<PullRecords, 'asks' | 'mayUse' | 'pulling' | 'pullFailed' | 'pulled'>;
  /** Told of every image that was asked for. */
  readonly observe?: (wanted: ImageRequest) => void;
}

/** What was found of an image that a container needs. */
export interface ImageRequest {
  readonly policy: string;
  readonly present: boolean;
  readonly pulls: boolean;
}

interface PullFailure {
  readonly delayMs: number;
  /** On the monotonic clock. */
  readonly failedAtMs: number;
  readonly reason: string;
  readonly message: string;
}

const BACKOFF_MS = { initial: 10_000, max: 300_000 };

export class Images {
  readonly #options: ImagesOptions;
  readonly #failures = new Map<string, PullFailure>();
  readonly #gate: Gate;
  readonly #rate: TokenBucket;

  constructor(options: ImagesOptions) {
    this.#options = options;
    this.#gate = new Gate(options.maxParallelPulls);
    const { qps = 0, burst = 1 } = options.pullRate ?? {};
    this.#rate = new TokenBucket(qps, burst, options.clock);
  }

  /**
   * @throws ContainerStartError with the waiting reason that the container shows (ErrImagePull, ImagePullBackOff, ...)
   */
  async ensure(
    pod: Pod,
    { image, pullPolicy, containerName }: WantedImage,
    sandboxConfig: object,
    signal: AbortSignal,
  ): Promise<ReadyImage> {
    const { clock } = this.#options;
    const tell = this.#teller(pod, containerName);
    const key = `${pod.metadata.uid ?? ''}/${image}`;
    let reference: string;
    try {
      reference = withDefaultTag(image);
    } catch (error) {
      if (!(error instanceof InvalidImageNameError)) throw error;
      const message = `Failed to apply default image tag "${image}": ${error.message}`;
      tell('Warning', 'InspectFailed', message);
      throw new ContainerStartError('InvalidImageName', message, { cause: error });
    }
    const policy = pullPolicy ?? defaultPullPolicy(image);
    const present = await this.#inspect(reference, signal).catch((error: unknown) => {
      if (isAbort(error, signal)) throw error;
      const message = `Failed to inspect image "${reference}": ${rpcMessage(error)}`;
      tell('Warning', 'InspectFailed', message);
      throw new ContainerStartError('ImageInspectError', message, { cause: error });
    });
    const usable =
      present !== undefined &&
      policy !== 'Always' &&
      (await this.#mayUse(pod, reference, present.ref, signal));
    this.#options.observe?.({ policy, present: present !== undefined, pulls: !usable && policy !== 'Never' });
    if (policy === 'Never' && !usable) {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      tell('Warning', 'ErrImageNeverPull', message);
      throw new ContainerStartError('ErrImageNeverPull', message);
    }
    if (present !== undefined && usable) {
      const message =
        policy === 'Never'
          ? `Container image "${image}" already present on machine`
          : `Container image "${image}" already present on machine and can be accessed by the pod`;
      tell('Normal', 'Pulled', message);
      this.#failures.delete(key);
      return present;
    }
    const failure = this.#failures.get(key);
    const leftMs = failure === undefined ? 0 : failure.failedAtMs + failure.delayMs - clock.monotonic();
    if (failure !== undefined && leftMs > 0) {
      const { reason, message, tell: tellBackOff } = backOff(image, failure, tell);
      tellBackOff();
      throw new ContainerStartError(reason, message, { retryAfterMs: leftMs });
    }
    try {
      const pulled = await this.#pull(pod, image, reference, sandboxConfig, tell, signal);
      this.#failures.delete(key);
      return pulled;
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      const { reason, message } = pullFailure(image, error);
      const delayMs = Math.min((failure?.delayMs ?? BACKOFF_MS.initial / 2) * 2, BACKOFF_MS.max);
      this.#failures.set(key, { delayMs, failedAtMs: clock.monotonic(), reason, message });
      tell('Warning', 'Failed', `Failed to pull image "${image}": ${message}`);
      throw new ContainerStartError(reason, message, {
        cause: error,
        retryAfterMs: delayMs,
        meanwhile: backOff(image, { reason, message }, tell),
      });
    }
  }

  /** Forgets the pod's failures. */
  forget(uid: string): void {
    for (const key of this.#failures.keys()) if (key.startsWith(`${uid}/`)) this.#failures.delete(key);
  }

  /** Whether the pod may use a present image without showing that it could pull it. */
  async #mayUse(pod: Pod, reference: string, id: string, signal: AbortSignal): Promise<boolean> {
    const { keyring, records } = this.#options;
    const name = nameOf(reference);
    if (!records.asks(name, reference, id)) return true;
    const auths = await keyring.credentials(pod, parseImageReference(reference), signal);
    return records.mayUse(
      name,
      reference,
      id,
      auths.map(({ owner }) => owner),
    );
  }

  #teller(pod: Pod, containerName: string | undefined): Tell {
    const { events } = this.#options;
    return (type, reason, message) => {
      if (containerName === undefined) events.pod(pod, type, reason, message);
      else events.container(pod, containerName, type, reason, message);
    };
  }

  async #inspect(reference: string, signal: AbortSignal): Promise<ReadyImage | undefined> {
    const { image } = await this.#options.cri.imageStatus(
      { image: { image: reference } },
      { signal, timeoutMs: 120_000 },
    );
    if (image === undefined || image.id === '') return undefined;
    return {
      ref: image.id,
      // An image that names nobody runs as root.
      user: {
        uid: image.uid !== undefined ? Number(image.uid.value) : image.username === '' ? 0 : undefined,
        username: image.username,
      },
    };
  }

  async #pull(
    pod: Pod,
    image: string,
    reference: string,
    sandboxConfig: object,
    tell: Tell,
    signal: AbortSignal,
  ): Promise<ReadyImage> {
    const { cri, clock } = this.#options;
    const auths = await this.#options.keyring.credentials(pod, parseImageReference(reference), signal);
    const asked = clock.monotonic();
    await this.#rate.take(signal);
    const release = await this.#gate.enter(signal);
    const started = clock.monotonic();
    let pulled: ReadyImage | undefined;
    let owner: CredentialOwner | undefined;
    try {
      tell('Normal', 'Pulling', `Pulling image "${image}"`);
      await this.#options.records.pulling(reference);
      owner = await this.#tryPulls(reference, auths, sandboxConfig, signal);
      pulled = await this.#inspect(reference, signal);
      if (pulled === undefined) throw new Error(`image "${reference}" is not there after a successful pull`);
    } catch (error) {
      await this.#options.records.pullFailed(reference);
      throw error;
    } finally {
      release();
    }
    await this.#options.records.pulled(nameOf(reference), reference, pulled.ref, owner);
    const size =
      (await cri.imageStatus({ image: { image: reference } }, { signal, timeoutMs: 120_000 })).image?.size ??
      0n;
    const took = formatDuration(Math.round(clock.monotonic() - started));
    const waited = formatDuration(Math.round(clock.monotonic() - asked));
    tell(
      'Normal',
      'Pulled',
      `Successfully pulled image "${image}" in ${took} (${waited} including waiting). Image size: ${size} bytes.`,
    );
    return pulled;
  }

  /** Each credential in turn, none at all when there is none; the last failure counts. Resolves to whose it was. */
  async #tryPulls(
    reference: string,
    auths: readonly OwnedAuth[],
    sandboxConfig: object,
    signal: AbortSignal,
  ): Promise<CredentialOwner | undefined> {
    const attempts: readonly (OwnedAuth | undefined)[] = auths.length === 0 ? [undefined] : auths;
    let failure: unknown;
    for (const attempt of attempts) {
      try {
        await this.#options.cri.pullImage(
          {
            image: { image: reference },
            auth: attempt === undefined ? undefined : { ...attempt.auth },
            sandboxConfig,
          },
          { signal, timeoutMs: undefined },
        );
        return attempt?.owner;
      } catch (error) {
        if (isAbort(error, signal)) throw error;
        failure = error;
      }
    }
    throw failure instanceof Error ? failure : new Error(errorMessage(failure));
  }
}

/** Prefixes by which runtimes tell failures apart that users can do something about. */
const TOLD_APART = {
  RegistryUnavailable: 'the registry is unavailable',
  SignatureValidationFailed: 'the signature validation failed',
} as const;

function pullFailure(image: string, error: unknown): WaitingReason {
  const message = pullMessage(error);
  for (const [reason, why] of Object.entries(TOLD_APART)) {
    if (!message.startsWith(reason)) continue;
    return {
      reason,
      message: `image pull failed for ${image} because ${why}${message.slice(reason.length)}`,
    };
  }
  return { reason: 'ErrImagePull', message };
}

function backOff(image: string, failure: WaitingReason, tell: Tell): Meanwhile {
  const text = `Back-off pulling image "${image}"`;
  return {
    reason: 'ImagePullBackOff',
    message: `${text}: ${failure.reason}: ${failure.message}`,
    tell: () => tell('Normal', 'BackOff', text),
  };
}

/** Without tag and digest. */
function nameOf(reference: string): string {
  const { domain, path } = parseImageReference(reference);
  return `${domain}/${path}`;
}
