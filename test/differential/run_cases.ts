/** Many generated cases; a difference counts when it shows again with more patience. */
import { generateCase } from './generate.ts';
import { withExtras } from './generate_extras.ts';
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

/** @param tell told of each difference when it is found */
export async function runCases(
  seeds: Iterable<number>,
  tell: (line: string) => void = () => undefined,
): Promise<Totals> {
  const extender = await TestExtender.start();
  const stock = await startStockScheduler(extender.url);
  const totals = { cases: 0, decided: 0, refused: 0, preempted: 0, gated: 0, differences: [] as string[] };
  try {
    const { client } = stock.server;
    await createNamespaces(client);
    const log = new ScoreLog(stock.logPath);
    for (const seed of seeds) {
      let result: CaseResult | undefined;
      for (const settleMs of SETTLE_MS) {
        result = await runCase(client, withExtras(generateCase(seed)), {
          log,
          settleMs,
          extenderUrl: extender.url,
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
  return { ...totals, askedOfExtender: extender.asked };
}
