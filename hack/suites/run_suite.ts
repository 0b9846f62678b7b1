/** One run of a suite: cluster up, specs in parallel, [Serial] ones alone, failed ones again, report, cluster down. */
import path from 'node:path';
import { buildConformanceImages } from '../../test/conformance/images/build.ts';
import { lockFile } from '../cluster/lock.ts';
import type { Roots } from '../cluster/paths.ts';
import type { Progress } from '../cluster/progress.ts';
import type { StockCatalogue } from '../cluster/stock_catalogue.ts';
import { ClusterSession } from './cluster_session.ts';
import type { ConformanceFiles } from './conformance_files.ts';
import { FURTHER_NAMES } from './critest_images.ts';
import { runCritest } from './critest_runner.ts';
import { runBatch, type E2eRunner } from './e2e_runner.ts';
import type { TestCase } from './junit.ts';
import { GinkgoOutput } from './ginkgo_output.ts';
import { beginRun, writeResults } from './last_run.ts';
import type { SuiteOptions } from './options.ts';
import { classify, failedIn, type Result } from './outcome.ts';
import { mergeRecorded } from './recorded.ts';
import { countsTable, differenceLines, firstErrorLines, writeFailures } from './report.ts';
import { sliceFailures } from './slice.ts';
import { isSerial, type Spec } from './spec.ts';

export interface SuiteRun extends SuiteOptions {
  readonly specs: readonly Spec[];
  readonly repo: string;
  readonly roots: Roots;
  readonly files: ConformanceFiles;
  readonly catalogue: StockCatalogue;
  readonly progress: Progress;
  /** Which recorded table this run is compared with; see componentsKey. */
  readonly components: string;
  readonly signal: AbortSignal;
  /** Holds the output folders of all runs. */
  readonly root: string;
}

/** With more failures than this the run tells nothing of flakes any more, and a second run would take hours. */
const MOST_REPEATED = 60;

/** Returns the exit code. Waits for another run on the same cluster to end. */
export async function runSuite(run: SuiteRun): Promise<number> {
  const lock = await lockFile(path.join(run.root, `${run.name}.lock`), () =>
    console.log(`another hack/conformance runs on cluster ${run.name}: waiting for it`),
  );
  try {
    return await runLocked(run);
  } finally {
    await lock.release();
  }
}

async function runLocked(run: SuiteRun): Promise<number> {
  const { progress, roots, repo, signal, files } = run;
  const began = performance.now();
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '');
  const out = path.resolve(run.out ?? path.join(run.root, `${stamp}-${run.suite}-${run.components}`));
  const session = new ClusterSession({ ...run, stateRoot: roots.state });
  const deadline = began + run.timeoutMs;
  let results: readonly Result[];
  try {
    await session.up();
    const images = await buildConformanceImages({ repoDir: repo, cacheDir: roots.cache, progress, signal });
    await progress.step('images into the nodes', () =>
      session.importImages([...new Set(images.map(({ tarPath }) => tarPath))]),
    );
    beginRun(run.root, `${run.suite}-${run.components}`, out);
    console.log(`reports and logs: ${out}`);
    results = await (run.suite === 'critest'
      ? critest(run, session, out)
      : specs(run, session, out, deadline));
    writeResults(out, results);
  } finally {
    session.saveLogs(path.join(out, 'logs'));
    if (!run.keep) await session.down();
  }

  const recorded = files.recorded(run.suite, run.components);
  console.log('');
  for (const line of countsTable(results)) console.log(line);
  console.log('');
  for (const line of differenceLines(recorded, results)) console.log(line);
  console.log(
    `\n${run.suite}, ${run.components}: ${Math.round((performance.now() - began) / 1000)} s; ${out}`,
  );
  if (signal.aborted || results.length === 0) return 1;
  if (run.record) {
    const whole = !run.slice && !run.rerunFailed && run.focus === undefined && run.skip === undefined;
    // A whole run replaces the table; a part of one only the lines of its specs.
    const table = mergeRecorded(whole ? undefined : recorded, results);
    files.writeRecorded(run.suite, run.components, table);
    files.writePage(run.catalogue.version('e2e.test'));
  }
  if (run.slice) {
    const failures = recorded === undefined ? [] : sliceFailures(recorded, results);
    for (const { name, failure } of failures)
      console.log(`\nbroken: ${name}\n  ${firstErrorLines(failure).join('\n  ')}`);
    return failures.length === 0 && recorded !== undefined ? 0 : 1;
  }
  const known = files.known();
  return results.some(
    ({ name, outcome }) => (outcome === 'failed' || outcome === 'not run') && !known.has(name),
  )
    ? 1
    : 0;
}

async function specs(
  run: SuiteRun,
  session: ClusterSession,
  out: string,
  deadline: number,
): Promise<Result[]> {
  const { catalogue, signal } = run;
  const runner: Omit<E2eRunner, 'onOutput'> = {
    programs: {
      e2e: catalogue.file('e2e.test'),
      ginkgo: catalogue.file('ginkgo'),
      kubectl: catalogue.file('kubectl'),
    },
    kubeconfig: session.paths.kubeconfig('admin'),
    nodes: run.nodes,
    signal,
  };
  const batch = async (
    what: string,
    names: readonly string[],
    procs: number,
  ): Promise<readonly TestCase[]> => {
    const timeoutMs = deadline - performance.now();
    if (names.length === 0 || signal.aborted || timeoutMs <= 0) return [];
    const folder = path.join(out, what);
    return run.progress.step(`${names.length} specs, ${what}`, async (detail) => {
      const output = new GinkgoOutput((name) => console.log(`  failed: ${name}`));
      const onOutput = (text: string): void => {
        output.push(text);
        const { passed, failed, skipped } = output.ended;
        detail(`${passed + failed + skipped} ended, ${failed} failed`);
      };
      const { cases, ended } = await runBatch({ ...runner, onOutput }, { names, procs, folder, timeoutMs });
      if (ended.why !== 'exit') console.log(`${what}: ended before its end (${ended.why})`);
      else if (cases.length === 0)
        console.log(`${what}: ginkgo ended without a report, see ${folder}/ginkgo.log`);
      writeFailures(path.join(folder, 'failures'), cases);
      return cases;
    });
  };
  const names = run.specs.map(({ name }) => name);
  const serial = run.specs.filter(isSerial).map(({ name }) => name);
  const parallel = run.specs.filter((spec) => !isSerial(spec)).map(({ name }) => name);
  const first = [...(await batch('parallel', parallel, run.procs)), ...(await batch('serial', serial, 1))];
  // What the machine cannot run is no flake.
  const known = run.files.known();
  const failed = failedIn(names, first).filter((name) => !known.has(name));
  if (failed.length > MOST_REPEATED) console.log(`${failed.length} specs failed: too many to run them again`);
  const second = failed.length > MOST_REPEATED ? [] : await batch('again', failed, 1);
  return classify(names, first, second);
}

async function critest(run: SuiteRun, session: ClusterSession, out: string): Promise<Result[]> {
  const { catalogue, focus, skip, signal, timeoutMs } = run;
  const folder = path.join(out, 'critest');
  await session.nameImages('node-1', FURTHER_NAMES);
  const { cases } = await run.progress.step('critest', () =>
    runCritest({
      critest: catalogue.file('critest'),
      nodePid: session.nodePid('node-1'),
      folder,
      focus,
      skip,
      timeoutMs,
      signal,
    }),
  );
  if (cases.length === 0) console.log(`critest ended without a report, see ${folder}/critest.log`);
  writeFailures(path.join(folder, 'failures'), cases);
  return classify(
    cases.map(({ name }) => name),
    cases,
    [],
  );
}
