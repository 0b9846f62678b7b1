/** A point in time as the API's MicroTime: RFC 3339 with six digits of the second. @param ms since the epoch */
export function microTime(ms: number): string {
  const micros = Math.floor((ms * 1000) % 1000);
  return new Date(ms).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}

/** A point in time as the API's Time: RFC 3339 in whole seconds. @param ms since the epoch */
export function apiTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
