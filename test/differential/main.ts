/** The program behind hack/scheduler-differential. */
import { parseArgs } from 'node:util';
import { errorMessage } from '../../lib/base/errors.ts';
import { GATED_SHARE, runCases } from './run_cases.ts';

const USAGE = `usage: hack/scheduler-differential [FIRST_SEED [CASES]]
Compares the decisions of ts-scheduler with those of the stock kube-scheduler on generated clusters, one for each seed.
  FIRST_SEED   whole number from 1 (default 1)
  CASES        how many seeds from there on (default 1000, which takes some 10 minutes)
  --help
Every ${GATED_SHARE}th seed is tried with the feature gate StorageCapacityScoring on. Exit code 0: nothing differs; 1: something
does, and is told; 2: wrong arguments.`;

async function main(): Promise<number> {
  let first: number;
  let cases: number;
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' } },
    });
    if (values.help === true) {
      console.log(USAGE);
      return 0;
    }
    const [firstText = '1', casesText = '1000', ...more] = positionals;
    if (more.length > 0)
      throw new RangeError(`want at most FIRST_SEED and CASES, got ${positionals.length} arguments`);
    first = count('FIRST_SEED', firstText);
    cases = count('CASES', casesText);
  } catch (err) {
    console.error(`hack/scheduler-differential: ${errorMessage(err)}`);
    return 2;
  }
  const started = Date.now();
  const seeds = Array.from({ length: cases }, (_, i) => first + i);
  const totals = await runCases(seeds, (line) => console.log(line));
  const { decided, refused, preempted, gated, askedOfExtender, differences } = totals;
  console.log(
    `${totals.cases} cases in ${Math.round((Date.now() - started) / 1000)} s: ${decided} pods placed, ${refused} refused, ` +
      `of which ${preempted} with preemption; ${gated} held by gates first, ${askedOfExtender} calls of the extender; ${differences.length} differences`,
  );
  return differences.length === 0 ? 0 : 1;
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 1_000_000)
    throw new RangeError(`${name}: got ${JSON.stringify(text)}, want a whole number from 1 to 1000000`);
  return value;
}

process.exitCode = await main();
