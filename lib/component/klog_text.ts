/**
 * The text layout that klog gives log lines, which journal parsers and operators' grep patterns know:
 *
 *     I1121 05:00:00.000000   12345 queue] "Pod added" pod="default/web" attempts=2
 */

import { types } from 'node:util';
import { errorMessage } from '../base/errors.ts';

/** Severity letter of a line. */
export type Severity = 'I' | 'W' | 'E' | 'F';

/** @param atMs wall clock, milliseconds since the epoch; shown in local time */
export function klogHeader(severity: Severity, atMs: number, pid: number, source: string): string {
  const at = new Date(atMs);
  const micros = Math.floor((atMs % 1000) * 1000);
  const date = `${two(at.getMonth() + 1)}${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(micros).padStart(6, '0')}`;
  return `${severity}${date} ${time} ${String(pid).padStart(7, ' ')} ${source}] `;
}

/** ` key=value` for each entry, values quoted where they are texts. */
export function klogPairs(values: Readonly<Record<string, unknown>>): string {
  let out = '';
  for (const key of Object.keys(values)) out += ` ${key}=${klogValue(values[key])}`;
  return out;
}

function klogValue(value: unknown): string {
  if (typeof value === 'string') return klogText(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  if (value === undefined || value === null) return 'null';
  return klogText(plainText(value), typeof value === 'object' && !types.isNativeError(value));
}

/** Texts of several lines keep them, indented, so that a stack or a diff can be read. */
function klogText(text: string, structured = false): string {
  if (text.includes('\n')) return `<\n\t${text.replaceAll('\n', '\n\t')}\n >`;
  return structured ? text : JSON.stringify(text);
}

/** A value as a text: errors by their message and causes, anything else as JSON. Never throws. */
export function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (types.isNativeError(value)) return errorMessage(value);
  try {
    return JSON.stringify(value, plainEntry) ?? typeof value;
  } catch (err) {
    return `<unprintable: ${errorMessage(err)}>`;
  }
}

/** For JSON.stringify: what it would drop or refuse, in a form it takes. */
function plainEntry(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Map) return Object.fromEntries<unknown>(value);
  if (value instanceof Set) return [...new Set<unknown>(value)];
  if (types.isNativeError(value)) return errorMessage(value);
  return value;
}

function two(n: number): string {
  return n < 10 ? `0${n}` : String(n);
}
