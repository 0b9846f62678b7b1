/** A container could not be started: `reason` and `message` are what its waiting state shows. */
export class ContainerStartError extends Error {
  override readonly name = 'ContainerStartError';
  /** ErrImagePull, ImagePullBackOff, CreateContainerConfigError, CreateContainerError, RunContainerError, ... */
  readonly reason: string;
  /** When to try again (milliseconds since the epoch); `undefined`: by the worker's own back-off. */
  readonly notBeforeMs: number | undefined;

  constructor(reason: string, message: string, options?: ErrorOptions & { notBeforeMs?: number }) {
    super(message, options);
    this.reason = reason;
    this.notBeforeMs = options?.notBeforeMs;
  }
}
