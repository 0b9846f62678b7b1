/**
 * The results of the last run of a suite with the same components: results.json in the output folder, which
 * `last-KEY` links to. The key names both.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isRecord } from './json.ts';
import { OUTCOMES, type Result } from './outcome.ts';

const RESULTS = 'results.json';

/** Makes the output folder of a run and lets `last-KEY` beside it point to it. */
export function beginRun(root: string, key: string, out: string): void {
  mkdirSync(out, { recursive: true });
  mkdirSync(root, { recursive: true });
  const link = path.join(root, `last-${key}`);
  rmSync(`${link}.new`, { force: true });
  symlinkSync(out, `${link}.new`);
  renameSync(`${link}.new`, link);
}

export function writeResults(out: string, results: readonly Result[]): void {
  const file = path.join(out, RESULTS);
  writeFileSync(`${file}.new`, `${JSON.stringify(results, undefined, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** Names of the specs that failed in the last run of `key`; undefined when there was none with results. */
export function failedLast(root: string, key: string): string[] | undefined {
  const file = path.join(root, `last-${key}`, RESULTS);
  if (!existsSync(file)) return undefined;
  return parseResults(readFileSync(file, 'utf8'))
    .filter(({ outcome }) => outcome === 'failed' || outcome === 'not run')
    .map(({ name }) => name);
}

/** Validates the text of results.json; entries that are none are left out. */
export function parseResults(text: string): Pick<Result, 'name' | 'outcome'>[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw new Error(`${RESULTS}: want a list`);
  return value.flatMap((entry: unknown) => {
    const [name, outcome] = isRecord(entry) ? [entry['name'], entry['outcome']] : [];
    const known = OUTCOMES.find((one) => one === outcome);
    return typeof name === 'string' && known !== undefined ? [{ name, outcome: known }] : [];
  });
}
