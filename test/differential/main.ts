/** The program behind hack/scheduler-differential. */
import { runCases } from './run_cases.ts';

const [first = 1, cases = 1000] = process.argv.slice(2).map(Number);
const started = Date.now();
const seeds = Array.from({ length: cases }, (_, i) => first + i);
const totals = await runCases(seeds, (line) => console.log(line));
const { decided, refused, preempted, gated, askedOfExtender, differences } = totals;
console.log(
  `${totals.cases} cases in ${Math.round((Date.now() - started) / 1000)} s: ${decided} pods placed, ${refused} refused, ` +
    `of which ${preempted} with preemption; ${gated} held by gates first, ${askedOfExtender} calls of the extender; ${differences.length} differences`,
);
process.exitCode = differences.length === 0 ? 0 : 1;
