/** Many generated cases; a difference counts when it shows again with more patience. */
import { generateCase } from './generate.ts';
import { withExtras, withRoom } from './generate_extras.ts';
import type { CaseResult } from './run_case.ts';
import { createNamespaces, runCase } from './run_case.ts';
import { startStockScheduler } from './stock_scheduler.ts';
import { ScoreLog } from './stock_scores.ts';
import { TestExtender } from './test_extender.ts';

export interface Totals {
  readonly cases: number;
  readonly decided: number;
  readonly refused: number;
  readonly preempted: number;
  /** Pods that had to wait at a gate first. */
  readonly gated: number;
  /** Calls of the extender, of both schedulers. */
  readonly askedOfExtender: number;
  readonly differences: readonly string[];
}

const SETTLE_MS = [40, 400, 1500] as const;

/** One seed in so many is tried with {@link GATES} on. */
export const GATED_SHARE = 4;
const GATES = ['StorageCapacityScoring'] as const;

/** @param tell told of each difference when it is found */
export async function runCases(
  seeds: Iterable<number>,
  tell: (line: string) => void = () => undefined,
): Promise<Totals> {
  const totals = { cases: 0, decided: 0, refused: 0, preempted: 0, gated: 0, differences: [] as string[] };
  const all = [...seeds];
  const isGated = (seed: number): boolean => seed % GATED_SHARE === 0;
  let askedOfExtender = 0;
  for (const [gates, some] of [
    [[], all.filter((seed) => !isGated(seed))],
    [GATES, all.filter(isGated)],
  ] as const)
    if (some.length > 0) askedOfExtender += await runWith(gates, some, totals, tell);
  return { ...totals, askedOfExtender };
}

/** Adds to `totals`. @returns calls of the extender */
async function runWith(
  gates: readonly string[],
  seeds: readonly number[],
  totals: { -readonly [K in Exclude<keyof Totals, 'askedOfExtender' | 'differences'>]: number } & {
    differences: string[];
  },
  tell: (line: string) => void,
): Promise<number> {
  const extender = await TestExtender.start();
  const stock = await startStockScheduler(extender.url, gates);
  try {
    const { client } = stock.server;
    await createNamespaces(client);
    const log = new ScoreLog(stock.logPath);
    for (const seed of seeds) {
      const given = withExtras(generateCase(seed, gates.length > 0 ? 'volumes' : undefined));
      let result: CaseResult | undefined;
      for (const settleMs of SETTLE_MS) {
        result = await runCase(client, gates.length > 0 ? withRoom(given) : given, {
          log,
          settleMs,
          extenderUrl: extender.url,
          gates,
        });
        if (result.differences.length === 0) break;
      }
      if (result === undefined) continue;
      totals.cases++;
      totals.decided += result.decided;
      totals.refused += result.refused;
      totals.preempted += result.preempted;
      totals.gated += result.gated;
      totals.differences.push(...result.differences);
      for (const line of result.differences) tell(line);
    }
    log.close();
  } finally {
    await stock.stop();
    await extender.stop();
  }
  return extender.asked;
}
