import type { Status } from '../api/types.ts';

/** What an {@link ApiError} is made of. */
export interface ApiErrorInit {
  /** HTTP status code, or `Status.code` of an ERROR event in a watch. */
  readonly status: number;
  /** `Status.reason`, e.g. `NotFound`; derived from the HTTP status where the server sent none. */
  readonly reason: string;
  /** `Status.details`: kind, name, causes. */
  readonly details?: Status['details'];
  /** How long the server asks to wait (Retry-After or `details.retryAfterSeconds`), milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The apiserver (or a proxy before it) answered, and the answer is a refusal. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly details?: Status['details'];
  readonly retryAfterMs?: number;

  constructor(message: string, init: ApiErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.status = init.status;
    this.reason = init.reason;
    if (init.details !== undefined) this.details = init.details;
    if (init.retryAfterMs !== undefined) this.retryAfterMs = init.retryAfterMs;
  }
}

/**
 * No complete answer: connection refused or reset, TLS failure, name not resolved, answer cut short. Whether the
 * server carried the request out is unknown unless {@link TransportError.sent} is false.
 */
export class TransportError extends Error {
  override readonly name: string = 'TransportError';
  /** False when the request certainly never reached the server, so that any method may be sent again. */
  readonly sent: boolean;

  constructor(message: string, options: { readonly cause?: unknown; readonly sent?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.sent = options.sent ?? true;
  }
}

/** The call's own deadline passed before the answer was complete. */
export class TimeoutError extends TransportError {
  override readonly name = 'TimeoutError';
}

/** Credentials could not be had: token file unreadable, exec plugin failed, key does not fit the certificate. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
}

/** The object does not exist (404 NotFound). */
export const isNotFound = (e: unknown): e is ApiError => hasReason(e, 404, 'NotFound');

/** The object changed since it was read (409 Conflict). */
export const isConflict = (e: unknown): e is ApiError => hasReason(e, 409, 'Conflict');

/** An object of that name is there already (409 AlreadyExists). */
export const isAlreadyExists = (e: unknown): e is ApiError =>
  e instanceof ApiError && e.reason === 'AlreadyExists';

/** The resourceVersion or continue token asked for is no longer kept (410: Gone or Expired): list again. */
export const isGone = (e: unknown): e is ApiError =>
  e instanceof ApiError && (e.status === 410 || e.reason === 'Expired' || e.reason === 'Gone');

/** Same as {@link isGone}. */
export const isExpired = isGone;

/** The caller may not do that (403). */
export const isForbidden = (e: unknown): e is ApiError => hasReason(e, 403, 'Forbidden');

/** The caller is not known (401): credentials missing, wrong or expired. */
export const isUnauthorized = (e: unknown): e is ApiError => hasReason(e, 401, 'Unauthorized');

/** The object does not pass validation (422). */
export const isInvalid = (e: unknown): e is ApiError => hasReason(e, 422, 'Invalid');

/** The server sheds load (429), or an eviction would violate a disruption budget. */
export const isTooManyRequests = (e: unknown): e is ApiError => hasReason(e, 429, 'TooManyRequests');

/** The namespace (or another cause named by the server) is being deleted, so nothing can be created in it. */
export const isNamespaceTerminating = (e: unknown): e is ApiError =>
  isForbidden(e) && (e.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating');

/** Worth another try of the same request later: no answer, load shedding, or a failure inside the server. */
export const isRetriable = (e: unknown): boolean =>
  e instanceof TransportError || (e instanceof ApiError && (e.status === 429 || e.status >= 500));

function hasReason(e: unknown, status: number, reason: string): e is ApiError {
  if (!(e instanceof ApiError)) return false;
  // 409 and 403 stand for several reasons; where the server gives one, it decides.
  return e.reason === '' ? e.status === status : e.reason === reason;
}

const REASON_BY_STATUS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/**
 * The error for an answer with a status of 400 or more.
 *
 * @param body what the server sent: a `Status` object as JSON, or any text of a proxy on the way
 * @param what the request, for the message: `GET /api/v1/pods`
 * @param retryAfter the Retry-After header: seconds, or an HTTP date
 */
export function errorFromResponse(
  status: number,
  body: string,
  what: string,
  retryAfter?: string,
  nowMs = 0,
): ApiError {
  const parsed = parseStatus(body);
  const headerMs = parseRetryAfter(retryAfter, nowMs);
  if (parsed !== undefined) return errorFromStatus(parsed, what, status, headerMs);
  const text = body.trim().slice(0, 300);
  return new ApiError(`${what}: HTTP ${status}${text === '' ? '' : `: ${text}`}`, {
    status,
    reason: REASON_BY_STATUS[status] ?? '',
    ...(headerMs === undefined ? {} : { retryAfterMs: headerMs }),
  });
}

/** The error for a `Status` object, as an ERROR event of a watch or the body of a refused request carries it. */
export function errorFromStatus(
  status: Status,
  what: string,
  httpStatus?: number,
  headerRetryAfterMs?: number,
): ApiError {
  const code = httpStatus ?? status.code ?? 0;
  const seconds = status.details?.retryAfterSeconds;
  const retryAfterMs =
    headerRetryAfterMs ?? (seconds === undefined || seconds <= 0 ? undefined : seconds * 1000);
  const reason = status.reason ?? REASON_BY_STATUS[code] ?? '';
  return new ApiError(`${what}: ${status.message ?? (reason === '' ? `HTTP ${code}` : reason)}`, {
    status: code,
    reason,
    ...(status.details === undefined ? {} : { details: status.details }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Milliseconds to wait by a Retry-After header (RFC 9110, 10.2.3); undefined when absent or malformed. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

function parseStatus(body: string): Status | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined; // not JSON: a proxy's page, or plain text; the caller quotes it
  }
  return isStatus(value) ? value : undefined;
}

/** Whether a decoded value is a `Status` object whose fields have the types that this module reads. */
export function isStatus(value: unknown): value is Status {
  if (!isRecord(value) || value['kind'] !== 'Status') return false;
  const optional = (v: unknown, type: string): boolean => v === undefined || v === null || typeof v === type;
  if (!optional(value['message'], 'string') || !optional(value['reason'], 'string')) return false;
  if (!optional(value['code'], 'number')) return false;
  const details = value['details'];
  if (details === undefined || details === null) return true;
  if (!isRecord(details) || !optional(details['retryAfterSeconds'], 'number')) return false;
  const causes = details['causes'];
  return causes === undefined || causes === null || (Array.isArray(causes) && causes.every(isRecord));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
