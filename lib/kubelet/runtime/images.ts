/** Makes the image of a container present: pull policy, credentials, back-off, one pull at a time where configured. */
import type { Pod, Secret } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import { formatDuration } from '../../base/duration.ts';
import { errorMessage, isAbort } from '../../base/errors.ts';
import { CriError } from '../../cri/errors.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { EventType, KubeletEvents } from '../contracts.ts';
import {
  defaultPullPolicy,
  InvalidImageNameError,
  parseImageReference,
  withDefaultTag,
} from './image_reference.ts';
import { credentialsFor, type RegistryAuth } from './pull_credentials.ts';
import { PullGate } from './pull_gate.ts';
import type { ImageUser } from './security_context.ts';
import { ContainerStartError } from './start_error.ts';
import type { WaitingReason } from './waiting_reason.ts';

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
  /** Reads a pull secret; rejects when it is not there. */
  readonly secret: (namespace: string, name: string, signal: AbortSignal) => Promise<Secret>;
}

interface PullFailure {
  readonly delayMs: number;
  /** On the monotonic clock. */
  readonly failedAtMs: number;
  readonly message: string;
}

const BACKOFF_MS = { initial: 10_000, max: 300_000 };

export class Images {
  readonly #options: ImagesOptions;
  readonly #failures = new Map<string, PullFailure>();
  readonly #gate: PullGate;

  constructor(options: ImagesOptions) {
    this.#options = options;
    this.#gate = new PullGate(options.maxParallelPulls);
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
    if (policy === 'Never' && present === undefined) {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      tell('Warning', 'ErrImageNeverPull', message);
      throw new ContainerStartError('ErrImageNeverPull', message);
    }
    if (present !== undefined && policy !== 'Always') {
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
      const { reason, message } = backOff(image, failure.message);
      tell('Normal', 'BackOff', `Back-off pulling image "${image}"`);
      throw new ContainerStartError(reason, message, { retryAfterMs: leftMs });
    }
    try {
      const pulled = await this.#pull(pod, image, reference, sandboxConfig, tell, signal);
      this.#failures.delete(key);
      return pulled;
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      const message = errorMessage(error);
      const delayMs = Math.min((failure?.delayMs ?? BACKOFF_MS.initial / 2) * 2, BACKOFF_MS.max);
      const failedAtMs = clock.monotonic();
      this.#failures.set(key, { delayMs, failedAtMs, message });
      tell('Warning', 'Failed', `Failed to pull image "${image}": ${message}`);
      throw new ContainerStartError('ErrImagePull', message, {
        cause: error,
        retryAfterMs: delayMs,
        meanwhile: backOff(image, message),
      });
    }
  }

  /** Forgets the pod's failures. */
  forget(uid: string): void {
    for (const key of this.#failures.keys()) if (key.startsWith(`${uid}/`)) this.#failures.delete(key);
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
    const auths = await this.#credentials(pod, reference, signal);
    const asked = clock.monotonic();
    const release = await this.#gate.enter(signal);
    const started = clock.monotonic();
    try {
      tell('Normal', 'Pulling', `Pulling image "${image}"`);
      await this.#tryPulls(reference, auths, sandboxConfig, signal);
    } finally {
      release();
    }
    const pulled = await this.#inspect(reference, signal);
    if (pulled === undefined) throw new Error(`image "${reference}" is not there after a successful pull`);
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

  /** Each credential in turn, none at all when there is none; the last failure counts. */
  async #tryPulls(
    reference: string,
    auths: readonly RegistryAuth[],
    sandboxConfig: object,
    signal: AbortSignal,
  ): Promise<void> {
    const attempts: readonly (RegistryAuth | undefined)[] = auths.length === 0 ? [undefined] : auths;
    let failure: unknown;
    for (const auth of attempts) {
      try {
        await this.#options.cri.pullImage(
          { image: { image: reference }, auth: auth === undefined ? undefined : { ...auth }, sandboxConfig },
          { signal, timeoutMs: undefined },
        );
        return;
      } catch (error) {
        if (isAbort(error, signal)) throw error;
        failure = error;
      }
    }
    throw failure instanceof Error ? failure : new Error(errorMessage(failure));
  }

  async #credentials(pod: Pod, reference: string, signal: AbortSignal): Promise<readonly RegistryAuth[]> {
    const names = (pod.spec.imagePullSecrets ?? [])
      .map(({ name }) => name)
      .filter((name) => name !== undefined && name !== '');
    const secrets: Secret[] = [];
    const missing: string[] = [];
    for (const name of names) {
      if (name === undefined) continue;
      try {
        secrets.push(await this.#options.secret(pod.metadata.namespace ?? '', name, signal));
      } catch (error) {
        if (isAbort(error, signal)) throw error;
        missing.push(name);
      }
    }
    if (missing.length > 0) {
      this.#options.events.pod(
        pod,
        'Warning',
        'FailedToRetrieveImagePullSecret',
        `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`,
      );
    }
    return credentialsFor(parseImageReference(reference), secrets).auths;
  }
}

function backOff(image: string, failure: string): WaitingReason {
  return {
    reason: 'ImagePullBackOff',
    message: `Back-off pulling image "${image}": ErrImagePull: ${failure}`,
  };
}

/** As stock prints a runtime's error. */
export function rpcMessage(error: unknown): string {
  return error instanceof CriError ? error.rpcMessage : errorMessage(error);
}
