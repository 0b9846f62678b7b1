/** hack/stock-binaries: obtains stock programs into the cache. See --help. */
import path from 'node:path';
import { rootsFrom } from './paths.ts';
import { createProgress } from './progress.ts';
import { STOCK_NAMES, stockProgram } from './stock_catalogue.ts';
import { obtainStock } from './stock_programs.ts';

const CLUSTER_NAMES = STOCK_NAMES.filter((name) => stockProgram(name).conformanceOnly !== true);
const USAGE = `usage: hack/stock-binaries [--download] [NAME...]
Puts stock programs at the pinned versions into the cache and prints where they are; what clusters need when none is
named: ${CLUSTER_NAMES.join(' ')}
More for the conformance suite: ${STOCK_NAMES.filter((name) => !CLUSTER_NAMES.includes(name)).join(' ')}`;

const args = process.argv.slice(2);
const names = args.filter((argument) => !argument.startsWith('-'));
const unknown = [
  ...args.filter(
    (argument) => argument.startsWith('-') && !['--download', '--help', '-h'].includes(argument),
  ),
  ...names.filter((name) => !STOCK_NAMES.includes(name)),
];
if (args.includes('--help') || args.includes('-h')) console.log(USAGE);
else if (unknown.length > 0) {
  console.error(
    `hack/stock-binaries: unknown ${unknown.join(', ')}, want some of ${STOCK_NAMES.join(', ')}, --download`,
  );
  process.exitCode = 2;
} else {
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('interrupted')));
  try {
    const wanted = names.length === 0 ? CLUSTER_NAMES : names;
    const catalogue = await obtainStock(wanted, {
      repo: path.resolve(import.meta.dirname, '../..'),
      cache: rootsFrom(process.env).cache,
      download: args.includes('--download'),
      progress: createProgress((line) => console.error(line)),
      signal: abort.signal,
    });
    for (const name of wanted) console.log(`${name}\t${catalogue.file(name)}`);
  } catch (error) {
    console.error(`hack/stock-binaries: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
