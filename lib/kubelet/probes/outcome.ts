import { errorMessage } from '../../base/errors.ts';

/** What one attempt of a probe came to. */
export interface ProbeOutcome {
  /**
   * `warning` is a success that wants an event (a redirect to another host); `error`: the probe itself could not be
   * carried out, so nothing is known of the container.
   */
  readonly result: 'success' | 'warning' | 'failure' | 'error';
  /** For the event. */
  readonly message: string;
}

/** Longest output or body that is read and shown. */
export const MAX_OUTPUT_BYTES = 10 * 1024;

/** A named or numbered port of a container, or `undefined` when there is none of that name. */
export function portNumber(
  port: number | string,
  ports: readonly { readonly name?: string; readonly containerPort: number }[] | undefined,
): number | undefined {
  if (typeof port === 'number') return port > 0 && port < 65_536 ? port : undefined;
  const named = ports?.find((p) => p.name === port)?.containerPort;
  if (named !== undefined) return named;
  return /^\d{1,5}$/.test(port) ? portNumber(Number(port), undefined) : undefined;
}

/** `10.0.0.1:80`, `[fd00::1]:80`. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A socket error in the words users know from stock (Go's net package). */
export function dialMessage(err: unknown, address: string): string {
  const code = typeof err === 'object' && err !== null && 'code' in err ? err.code : undefined;
  const reason = typeof code === 'string' ? DIAL_REASONS[code] : undefined;
  return reason === undefined ? errorMessage(err) : `dial tcp ${address}: ${reason}`;
}

const DIAL_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'i/o timeout',
  ENOTFOUND: 'lookup: no such host',
};
