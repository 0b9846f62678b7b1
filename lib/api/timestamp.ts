/** Points in time as the API writes them. */

/** RFC 3339, UTC, whole seconds: the API's Time. @param ms since the epoch */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339, UTC, six digits of the second: the API's MicroTime (Lease, events.k8s.io). @param ms since the epoch */
export function microTimestamp(ms: number): string {
  const micros = Math.floor((ms * 1000) % 1000);
  return new Date(ms).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}
