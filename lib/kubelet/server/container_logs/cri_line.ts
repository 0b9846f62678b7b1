/**
 * Lines of container log files as CRI runtimes write them:
 *
 *     2026-11-21T05:58:58.745014578Z stdout F the text
 *
 * Tag `P` marks a part of a line that goes on in the next entry of the same stream, `F` the end of a line.
 */
import type { LogStream } from './log_options.ts';

export interface LogLine {
  /** As written: RFC 3339 with nanoseconds. */
  readonly timestamp: string;
  readonly stream: LogStream;
  /** The line goes on in the next entry. */
  readonly partial: boolean;
  /** Shares memory with what was parsed. */
  readonly content: Buffer;
}

const SPACE = 0x20;
const LONGEST_TIMESTAMP = 40;

/** @param line without its line feed. Returns undefined for what is no log line. */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  if (first <= 0 || first > LONGEST_TIMESTAMP || second < 0) return undefined;
  const third = line.indexOf(SPACE, second + 1);
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  // Tags are separated by colons; an empty line may end behind them.
  const tags = line.toString('latin1', second + 1, third < 0 ? line.length : third);
  const [tag] = tags.split(':');
  if (tag !== 'P' && tag !== 'F') return undefined;
  return {
    timestamp: line.toString('latin1', 0, first),
    stream,
    partial: tag === 'P',
    content: third < 0 ? line.subarray(line.length) : line.subarray(third + 1),
  };
}
