/** {@link Netfilter} by the iptables programs of the machine, nft or legacy. */
import type { Family } from '../model/address.ts';
import type { RunProgram } from '../program.ts';
import { FilterPrograms } from '../program.ts';
import type { Table } from './names.ts';
import type { Netfilter } from './netfilter.ts';
import { NetfilterError } from './netfilter.ts';

/** How long the xtables lock is waited for, seconds (legacy binaries; nft has no lock). */
const LOCK_SECONDS = '5';
const RESTORE_TIMEOUT_MS = 300_000;
const SAVE_TIMEOUT_MS = 120_000;
const LIST_TIMEOUT_MS = 30_000;

export interface IptablesOptions {
  readonly family: Family;
  readonly run?: RunProgram;
}

export class IptablesPrograms implements Netfilter {
  readonly family: Family;
  readonly #programs: FilterPrograms;
  readonly #name: string;
  #usesNfTables = false;

  constructor({ family, run }: IptablesOptions) {
    this.family = family;
    this.#programs = new FilterPrograms({ failure: NetfilterError, line: /line:? (\d+)/i, run });
    this.#name = family === 'IPv4' ? 'iptables' : 'ip6tables';
  }

  async save(signal?: AbortSignal): Promise<string> {
    const argv = [`${this.#name}-save`] as const;
    return this.#programs.output(argv, { timeoutMs: SAVE_TIMEOUT_MS, signal });
  }

  async restore(text: string, signal?: AbortSignal): Promise<void> {
    const argv = [`${this.#name}-restore`, '-w', LOCK_SECONDS, '--noflush', '--counters'] as const;
    await this.#programs.output(argv, { stdin: text, timeoutMs: RESTORE_TIMEOUT_MS, signal });
  }

  async listChain(table: Table, chain: string, signal?: AbortSignal): Promise<string[] | undefined> {
    const argv = [this.#name, '-w', LOCK_SECONDS, '-t', table, '-S', chain] as const;
    const result = await this.#programs.call(argv, { timeoutMs: LIST_TIMEOUT_MS, signal });
    // Exit code 1 is what the programs give for a chain that is not there.
    if (result.exitCode === 1) return undefined;
    const prefix = `-A ${chain} `;
    return this.#programs
      .checked(argv, result)
      .stdout.split('\n')
      .filter((line) => line.startsWith(prefix))
      .map((line) => line.slice(prefix.length));
  }

  /**
   * The version that the program states, e.g. `1.8.9`; proof that it is there and that we may use the tables.
   * @throws NetfilterError when it is not
   */
  async probe(signal?: AbortSignal): Promise<string> {
    const argv = [this.#name, '--version'] as const;
    const stdout = await this.#programs.output(argv, { timeoutMs: LIST_TIMEOUT_MS, signal });
    const nat = [this.#name, '-w', LOCK_SECONDS, '-t', 'nat', '-S', 'POSTROUTING'] as const;
    await this.#programs.output(nat, { timeoutMs: LIST_TIMEOUT_MS, signal });
    this.#usesNfTables = stdout.includes('(nf_tables)');
    return /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? '0.0.0';
  }

  /** As {@link IptablesPrograms.probe} has found: whether the rules are in nf_tables, not in the older xtables. */
  get usesNfTables(): boolean {
    return this.#usesNfTables;
  }
}

/** `--random-fully` came with iptables 1.6.2. */
export function supportsRandomFully(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return major > 1 || (major === 1 && (minor > 6 || (minor === 6 && patch >= 2)));
}
