/** What a run tells on the terminal, and a failing spec's words in a file of its own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestCase } from './junit.ts';
import { countBySig, total, type Counts, type Result } from './outcome.ts';
import { difference, type Recorded } from './recorded.ts';

/** The table by SIG, one line each. */
export function countsTable(results: readonly Result[]): string[] {
  const counts = countBySig(results);
  const line = (name: string, own: Counts): string =>
    [
      name.padEnd(22),
      `${own.passed + own.flaky}`.padStart(5),
      ' passed',
      `${own.failed}`.padStart(5),
      ' failed',
      `${own.skipped}`.padStart(5),
      ' skipped',
      own.flaky > 0 ? `  (${own.flaky} flaky)` : '',
      own['not run'] > 0 ? `  (${own['not run']} not run)` : '',
    ].join('');
  return [...[...counts].map(([sig, own]) => line(sig, own)), line('all', total(counts))];
}

/** What changed against the recorded table, in words; empty when nothing did. */
export function differenceLines(recorded: Recorded | undefined, results: readonly Result[]): string[] {
  if (recorded === undefined) return ['There is no recorded table of these components yet.'];
  const { broken, mended, unknown } = difference(recorded, results);
  const block = (title: string, names: readonly string[]): string[] =>
    names.length === 0 ? [] : [`${title} (${names.length}):`, ...names.map((name) => `  ${name}`)];
  const lines = [
    ...block('Fails, passed in the recorded table', broken),
    ...block('Passes, failed in the recorded table', mended),
    ...block('Not in the recorded table', unknown),
  ];
  return lines.length === 0 ? ['No difference from the recorded table.'] : lines;
}

/**
 * The first lines of a failure that say what went wrong: ginkgo's `[FAILED]` message without stack and location.
 * At most `most` lines.
 */
export function firstErrorLines(failure: string, most = 3): string[] {
  return failure
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(Full Stack Trace|goroutine |\S+\.go:\d+)/.test(line))
    .slice(0, most);
}

/** A name for the file of a spec: readable, unique by its number, short enough for any file system. */
export function logName(index: number, name: string): string {
  const words = name
    .replaceAll(/\[[^\]]*\]/g, (label) => (label.startsWith('[sig-') ? label.slice(1, -1) : ''))
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return `${String(index).padStart(3, '0')}-${words.slice(0, 120)}.log`;
}

/** Writes each failing case to a file of its own. Returns how many there are. */
export function writeFailures(folder: string, cases: readonly TestCase[]): number {
  const failed = cases.filter(({ state }) => state === 'failed');
  if (failed.length > 0) mkdirSync(folder, { recursive: true });
  for (const [index, { name, seconds, failure, output }] of failed.entries())
    writeFileSync(
      path.join(folder, logName(index + 1, name)),
      `${name}\nfailed after ${seconds.toFixed(1)} s\n\n${failure}\n\n${output}\n`,
    );
  return failed.length;
}
