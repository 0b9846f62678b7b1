/**
 * What was caught as one line of text: the message, followed by those of its causes (`a: b: c`). A cause whose text
 * the message already contains is not repeated; an error with parts (AggregateError) lists them. Never throws and never loops.
 */
export function errorMessage(err: unknown): string {
  return describe(err, new Set());
}

// Not instanceof: errors of Node's own modules come from another realm under jest, as do those of vm contexts.
function isError(err: unknown): err is Error {
  return (
    err instanceof Error ||
    (typeof err === 'object' &&
      err !== null &&
      'name' in err &&
      typeof err.name === 'string' &&
      'message' in err &&
      typeof err.message === 'string')
  );
}

function describe(err: unknown, seen: Set<unknown>): string {
  if (!isError(err)) return describeOther(err);
  if (seen.has(err)) return '';
  seen.add(err);
  let text = err.message === '' ? fallbackName(err) : err.message;
  const parts: readonly unknown[] = 'errors' in err && Array.isArray(err.errors) ? err.errors : [];
  const details = parts
    .map((part) => describe(part, seen))
    .filter((part) => part !== '')
    .join('; ');
  if (details !== '' && !text.includes(details)) text = err.message === '' ? details : `${text}: ${details}`;
  if (err.cause === undefined || err.cause === null) return text;
  const cause = describe(err.cause, seen);
  return cause === '' || text.includes(cause) ? text : `${text}: ${cause}`;
}

// Node's own errors always have a code; on some (connection refused to two addresses) it is all there is.
function fallbackName(err: Error): string {
  return 'code' in err && typeof err.code === 'string' ? err.code : err.name;
}

function describeOther(err: unknown): string {
  if (typeof err === 'string') return err;
  if (typeof err === 'object' && err !== null) {
    if ('message' in err && typeof err.message === 'string') return err.message;
    try {
      return JSON.stringify(err);
    } catch {
      return Object.prototype.toString.call(err); // circular
    }
  }
  return String(err);
}

/**
 * Whether `err` is nothing but the consequence of `signal` having aborted: the caller asked for it, so it is neither
 * reported nor retried. False for any error while the signal has not aborted.
 */
export function isAbort(err: unknown, signal: AbortSignal | undefined): boolean {
  if (signal === undefined || !signal.aborted) return false;
  const reason: unknown = signal.reason;
  const seen = new Set<unknown>();
  for (let at: unknown = err; isError(at) && !seen.has(at); at = at.cause) {
    if (at === reason || at.name === 'AbortError') return true;
    // Clock.sleep and others wrap a reason that is not an Error.
    if (at.cause !== undefined && at.cause === reason) return true;
    seen.add(at);
  }
  return err === reason;
}

/** An Error for anything thrown: itself when it is one, else one that carries it as `cause`. */
export function toError(err: unknown): Error {
  return isError(err) ? err : new Error(errorMessage(err), { cause: err });
}

/** The reason of an aborted signal as an Error. */
export function abortReason(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return isError(reason) ? reason : new Error('aborted', { cause: reason });
}

/** `err.code` where it is text, as Node's system errors have it (`ENOENT`); undefined for everything else. */
export function errorCode(err: unknown): string | undefined {
  return isError(err) && 'code' in err && typeof err.code === 'string' ? err.code : undefined;
}
