/** Runs critest, the suite of container runtimes, in a node: against its containerd, in its namespaces. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { enterNode } from '../cluster/processes.ts';
import { runCommand, type Ended } from './command.ts';
import { TEST_IMAGES } from './critest_images.ts';
import { parseJunit, type TestCase } from './junit.ts';

export interface CritestRun {
  readonly critest: string;
  /** Pid of the node's first process, as the host sees it. */
  readonly nodePid: number;
  /** A folder that the node sees too: nothing below /run, /var/log, /var/lib or /etc. */
  readonly folder: string;
  readonly focus?: RegExp | undefined;
  readonly skip?: RegExp | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export async function runCritest(
  options: CritestRun,
): Promise<{ readonly cases: readonly TestCase[]; readonly ended: Ended }> {
  const { critest, nodePid, folder, focus, skip, timeoutMs, signal } = options;
  mkdirSync(folder, { recursive: true });
  const report = path.join(folder, 'junit_01.xml');
  const testImages = path.join(folder, 'images.yaml');
  writeFileSync(testImages, TEST_IMAGES);
  const [program, ...enter] = enterNode(nodePid);
  const ended = await runCommand(
    [
      program ?? 'nsenter',
      ...enter,
      critest,
      '--runtime-endpoint=unix:///run/containerd/containerd.sock',
      `--test-images-file=${testImages}`,
      `--ginkgo.junit-report=${report}`,
      '--ginkgo.no-color',
      `--ginkgo.timeout=${Math.ceil(timeoutMs / 1000)}s`,
      ...(focus === undefined ? [] : [`--ginkgo.focus=${focus.source}`]),
      ...(skip === undefined ? [] : [`--ginkgo.skip=${skip.source}`]),
    ],
    {
      log: path.join(folder, 'critest.log'),
      cwd: '/',
      timeoutMs: timeoutMs + 60_000,
      signal,
      graceMs: 60_000,
    },
  );
  return { cases: existsSync(report) ? parseJunit(readFileSync(report, 'utf8')) : [], ended };
}
