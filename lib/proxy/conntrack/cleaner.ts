/** Removes stale UDP flows from connection tracking by the `conntrack` program. */
import type { Family } from '../model/address.ts';
import type { ServicePlan } from '../model/plan.ts';
import type { RunProgram } from '../program.ts';
import { runProgram } from '../program.ts';
import { UdpFrontends, deletions, parseFlows } from './entries.ts';

const TIMEOUT_MS = 60_000;
const MISSING = /ENOENT|cannot be run/;

export class ConntrackError extends Error {
  override readonly name = 'ConntrackError';
}

export interface ConntrackCleanerOptions {
  readonly family: Family;
  /** Addresses of this node now. */
  readonly nodeAddresses: () => ReadonlySet<string>;
  readonly run?: RunProgram;
}

export class ConntrackCleaner {
  readonly #options: ConntrackCleanerOptions;
  readonly #run: RunProgram;

  constructor(options: ConntrackCleanerOptions) {
    this.#options = options;
    this.#run = options.run ?? runProgram;
  }

  /**
   * Removes flows that the rules of these plans would send elsewhere now.
   *
   * @returns how many
   * @throws ConntrackError
   */
  async clean(plans: Iterable<ServicePlan>, signal?: AbortSignal): Promise<number> {
    const frontends = new UdpFrontends(plans);
    if (frontends.isEmpty) return 0;
    const { family, nodeAddresses } = this.#options;
    const list = ['conntrack', '-L', '-f', family === 'IPv4' ? 'ipv4' : 'ipv6', '-p', 'udp'] as const;
    const flows = parseFlows(await this.#call(list, signal));
    const mine = nodeAddresses();
    const stale = frontends.stale(flows, (ip) => mine.has(ip));
    for (const argv of deletions(stale, family)) await this.#call(argv, signal);
    return stale.length;
  }

  async #call(argv: readonly [string, ...string[]], signal: AbortSignal | undefined): Promise<string> {
    let result;
    try {
      result = await this.#run(argv, { timeoutMs: TIMEOUT_MS, signal });
    } catch (cause) {
      const hint =
        cause instanceof Error && MISSING.test(cause.message) ? ' (is the conntrack program installed?)' : '';
      throw new ConntrackError(`${argv.join(' ')} failed${hint}`, { cause });
    }
    // A flow that ended meanwhile is not an error.
    if (result.exitCode === 0 || /0 flow entries have been deleted/.test(result.stderr)) return result.stdout;
    throw new ConntrackError(
      `${argv.join(' ')} ended with exit code ${result.exitCode}: ${result.stderr.trim()}`,
    );
  }
}
