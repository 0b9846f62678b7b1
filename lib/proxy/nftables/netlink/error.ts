export interface NetlinkErrorOptions extends ErrorOptions {
  readonly errno?: number;
}

/** The kernel refused a request over netlink, or could not be asked. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
  /** With which number the kernel refused it. */
  readonly errno: number | undefined;

  constructor(message: string, { errno, ...options }: NetlinkErrorOptions = {}) {
    super(message, options);
    this.errno = errno;
  }
}
