import type { WaitingReason } from './waiting_reason.ts';

/** What is shown while a failure is waited out. */
export interface Meanwhile extends WaitingReason {
  /** Records the event that goes with it. */
  readonly tell: () => void;
}

/** A container could not be started: `reason` and `message` are what its waiting state shows. */
export class ContainerStartError extends Error implements WaitingReason {
  override readonly name = 'ContainerStartError';
  /** ErrImagePull, ImagePullBackOff, CreateContainerConfigError, CreateContainerError, RunContainerError, ... */
  readonly reason: string;
  /** How long to wait before the next try, milliseconds; `undefined`: as after any failed start. */
  readonly retryAfterMs: number | undefined;
  /** What the state shows from a moment after the failure until the next try; `undefined`: the failure itself. */
  readonly meanwhile: Meanwhile | undefined;

  constructor(
    reason: string,
    message: string,
    options?: ErrorOptions & { retryAfterMs?: number; meanwhile?: Meanwhile },
  ) {
    super(message, options);
    this.reason = reason;
    this.retryAfterMs = options?.retryAfterMs;
    this.meanwhile = options?.meanwhile;
  }

  /** The container was created: whether and when it starts again is its restart policy's, once it is seen to have ended. */
  get begun(): boolean {
    return this.reason === 'RunContainerError' || this.reason === 'PostStartHookError';
  }
}
