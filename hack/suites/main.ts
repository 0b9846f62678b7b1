/** hack/conformance: runs upstream suites against clusters of ours; see `hack/conformance --help`. */
import path from 'node:path';
import { UsageError } from '../cluster/options.ts';
import { rootsFrom } from '../cluster/paths.ts';
import { createProgress } from '../cluster/progress.ts';
import { obtainStock } from '../cluster/stock_programs.ts';
import { stockCatalogue } from '../cluster/stock_catalogue.ts';
import { ConformanceFiles } from './conformance_files.ts';
import { listSpecs } from './e2e_runner.ts';
import { failedLast } from './last_run.ts';
import { parseOptions, USAGE, type SuiteOptions } from './options.ts';
import { componentsKey } from './recorded.ts';
import { runSuite } from './run_suite.ts';
import { selectSpecs } from './selection.ts';
import { strangers } from './slice.ts';
import type { Spec } from './spec.ts';

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  process.env['PATH'] = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (!abort.signal.aborted) console.log('\ninterrupted: cleaning up');
      abort.abort(new Error('interrupted'));
    });
  const repo = path.resolve(import.meta.dirname, '../..');
  const roots = rootsFrom(process.env);
  const files = new ConformanceFiles(repo);
  const catalogue = stockCatalogue(repo, roots.cache);
  const kubernetes = catalogue.version('e2e.test');
  if (options.render) {
    files.writePage(kubernetes);
    return 0;
  }
  const progress = createProgress((line) => console.log(line));
  const wanted = ['e2e.test', 'ginkgo', 'kubectl', ...(options.suite === 'critest' ? ['critest'] : [])];
  await obtainStock(wanted, { repo, cache: roots.cache, download: false, progress, signal: abort.signal });
  const root = path.join(roots.cache, 'conformance');
  const specs =
    options.suite === 'critest' ? [] : await chooseSpecs(options, files, catalogue.file('e2e.test'), root);
  if (options.list) {
    for (const { name } of specs) console.log(name);
    return 0;
  }
  if (options.suite !== 'critest' && specs.length === 0) {
    console.log('no spec is left to run');
    return options.rerunFailed ? 0 : 1;
  }
  return runSuite({
    ...options,
    specs,
    repo,
    roots,
    files,
    catalogue,
    progress,
    components: componentsKey(options.flavours, options.proxyMode),
    signal: abort.signal,
    root,
  });
}

/** The specs of this run. Rejects when the slice names one that the suite does not have. */
async function chooseSpecs(
  options: SuiteOptions,
  files: ConformanceFiles,
  e2e: string,
  root: string,
): Promise<Spec[]> {
  const all = await listSpecs(e2e, root);
  let only: ReadonlySet<string> | undefined;
  if (options.slice) {
    only = new Set(files.slice());
    const unknown = strangers([...only], new Set(all.map(({ name }) => name)));
    if (unknown.length > 0)
      throw new UsageError(`test/conformance/slice.txt: the suite has no spec ${unknown.join('; ')}`);
  }
  if (options.rerunFailed) {
    const failed = failedLast(root, `${options.suite}-${componentsKey(options.flavours, options.proxyMode)}`);
    if (failed === undefined)
      throw new UsageError(
        `--rerun-failed: there is no earlier run of the suite ${options.suite} with these components`,
      );
    only = new Set(failed);
  }
  return selectSpecs(all, { suite: options.suite, focus: options.focus, skip: options.skip, only });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`hack/conformance: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
