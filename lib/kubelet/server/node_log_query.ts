/** `/logs/?query=SERVICE` (KEP-2258): what services of the node have logged, from the journal or from their files. */
import { open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { errorCode, errorMessage } from '../../base/errors.ts';
import type { RunOptions, RunResult } from '../../base/subprocess.ts';
import type { Exchange } from '../../component/serving/exchange.ts';
import { text } from '../../component/serving/exchange.ts';
import { RequestError } from './request_error.ts';

export interface NodeLogQuery {
  readonly services: readonly string[];
  readonly since: Date | undefined;
  readonly until: Date | undefined;
  /** 0: this boot, -1: the one before, ... */
  readonly boot: number | undefined;
  readonly tailLines: number | undefined;
  /** A regular expression as journalctl takes it; case does not matter. */
  readonly pattern: string | undefined;
}

export interface NodeLogOptions {
  /** The host's folder of logs. */
  readonly root: string;
  readonly run: (argv: readonly [string, ...string[]], options: RunOptions) => Promise<RunResult>;
  readonly signal: AbortSignal;
}

const SERVICE = /^[A-Za-z0-9][A-Za-z0-9_.@:-]{0,255}$/;
const MAX_SERVICES = 16;
const MAX_LINES = 100_000;
const MAX_PATTERN = 1024;
const MAX_BYTES = 16 * 2 ** 20;
const TIMEOUT_MS = 30_000;

/** @throws RequestError 400 naming what is wrong */
export function parseNodeLogQuery(query: URLSearchParams): NodeLogQuery {
  const wrong = (name: string, wants: string): RequestError =>
    new RequestError(400, `${name}: got ${JSON.stringify(query.get(name) ?? '')}, want ${wants}\n`);
  const services = query.getAll('query').flatMap((names) => names.split(','));
  if (services.length > MAX_SERVICES || !services.every((name) => SERVICE.test(name)))
    throw wrong('query', `names of at most ${MAX_SERVICES} services`);
  const time = (name: string): Date | undefined => {
    const given = query.get(name) ?? '';
    if (given === '') return undefined;
    const at = new Date(given);
    if (Number.isNaN(at.getTime()) || !/^\d{4}-\d\d-\d\dT/.test(given)) throw wrong(name, 'an RFC 3339 time');
    return at;
  };
  const whole = (name: string, min: number, max: number): number | undefined => {
    const given = query.get(name) ?? '';
    if (given === '') return undefined;
    const value = Number(given);
    if (!/^-?\d+$/.test(given) || value < min || value > max)
      throw wrong(name, `a whole number from ${min} to ${max}`);
    return value;
  };
  const [since, until] = [time('sinceTime'), time('untilTime')];
  if (since !== undefined && until !== undefined && until < since)
    throw wrong('untilTime', 'a time after sinceTime');
  const pattern = query.get('pattern') ?? '';
  if (pattern.length > MAX_PATTERN || pattern.includes('\0'))
    throw wrong('pattern', `a regular expression of at most ${MAX_PATTERN} characters`);
  return {
    services,
    since,
    until,
    boot: whole('boot', -1000, 0),
    tailLines: whole('tailLines', 0, MAX_LINES),
    pattern: pattern === '' ? undefined : pattern,
  };
}

/** What journalctl is asked for one service. Pure. */
export function journalArguments(service: string, query: NodeLogQuery): readonly [string, ...string[]] {
  const at = (time: Date): string => `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  return [
    'journalctl',
    '--utc',
    '--no-pager',
    '--quiet',
    '--output=short-precise',
    ...(query.since === undefined ? [] : [`--since=${at(query.since)}`]),
    ...(query.until === undefined ? [] : [`--until=${at(query.until)}`]),
    ...(query.boot === undefined ? [] : [`--boot=${query.boot}`]),
    ...(query.tailLines === undefined ? [] : [`--lines=${query.tailLines}`]),
    ...(query.pattern === undefined ? [] : [`--grep=${query.pattern}`, '--case-sensitive=false']),
    `--unit=${service}`,
  ];
}

/** @throws RequestError 400; 404 when a service has neither entries nor a file */
export async function serveNodeLogQuery({ res, query }: Exchange, options: NodeLogOptions): Promise<void> {
  const wanted = parseNodeLogQuery(query);
  const parts: Buffer[] = [];
  for (const service of wanted.services) {
    const found =
      (await fromJournal(service, wanted, options)) ?? (await fromFile(service, wanted, options.root));
    if (found === undefined)
      throw new RequestError(404, `no logs of service "${service}" are on this node\n`);
    parts.push(found);
  }
  text(res, Buffer.concat(parts));
}

/** `undefined`: there is no journal, or it has nothing of the service at all. */
async function fromJournal(
  service: string,
  query: NodeLogQuery,
  { run, signal }: NodeLogOptions,
): Promise<Buffer | undefined> {
  try {
    const options = { timeoutMs: TIMEOUT_MS, maxOutputBytes: MAX_BYTES, signal };
    const { stdout } = await run(journalArguments(service, query), options);
    // Nothing that matches is an answer; files know neither times nor boots.
    const isFiltered = [query.since, query.until, query.boot, query.pattern].some((one) => one !== undefined);
    return stdout.length === 0 && !isFiltered ? undefined : stdout;
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof Error && 'failure' in error && error.failure === 'start') return undefined;
    throw new RequestError(500, `${errorMessage(error)}\n`, { cause: error });
  }
}

/** Of a service that writes a file of its own: its last part, whole or its last lines. Nothing outside of the folder is read. */
async function fromFile(service: string, query: NodeLogQuery, root: string): Promise<Buffer | undefined> {
  const folder = await realpath(root).catch(() => root);
  for (const name of [`${service}.log`, join(service, `${service}.log`), service]) {
    let path: string;
    try {
      path = await realpath(join(folder, name));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errorCode(error) ?? '')) continue;
      throw error;
    }
    if (!path.startsWith(folder + sep)) continue;
    const file = await open(path, 'r');
    try {
      const info = await file.stat();
      if (!info.isFile()) continue;
      const length = Math.min(info.size, MAX_BYTES);
      const { buffer } = await file.read({ buffer: Buffer.alloc(length), position: info.size - length });
      return lastLines(buffer, query);
    } finally {
      await file.close();
    }
  }
  return undefined;
}

function lastLines(content: Buffer, { tailLines }: NodeLogQuery): Buffer {
  if (tailLines === undefined) return content;
  let from = content.length;
  // The end of the last line begins none.
  for (let left = tailLines; left > 0 && from > 0; left--)
    from = from < 2 ? 0 : content.lastIndexOf(10, from - 2) + 1;
  return content.subarray(from);
}
