/** Runs checks one after another and prints a line for each, which hack/test-vm counts. */
import { journal } from './machine.ts';

/** What is checked, as a sentence about what holds. */
export type Check = readonly [name: string, run: () => Promise<void>];

export async function runChecks(checks: readonly Check[]): Promise<void> {
  for (const [name, check] of checks) {
    const began = performance.now();
    const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(0)} s`;
    try {
      await check();
      console.log(`guest: ok ${name} (${seconds()})`);
    } catch (error) {
      console.log(
        `guest: failed ${name} (${seconds()}): ${error instanceof Error ? error.message : String(error)}`,
      );
      console.log(await journal('--unit=ts-kubelet', '--lines=60').catch(String));
    }
  }
}
