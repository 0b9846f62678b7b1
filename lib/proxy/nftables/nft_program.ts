/** {@link Nft} by the `nft` program of the machine. */
import type { Family } from '../model/address.ts';
import type { RunProgram } from '../program.ts';
import { FilterPrograms } from '../program.ts';
import { ipWord } from './base_objects.ts';
import { TABLE } from './names.ts';
import type { Nft, TableContents } from './nft.ts';
import { NftError } from './nft.ts';

const RUN_TIMEOUT_MS = 300_000;
const LIST_TIMEOUT_MS = 60_000;
const MISSING = /No such file or directory/;
// `/dev/stdin:12:5-9: Error: ...`, or `-:12:5-9` as other versions have it.
const REFUSED_LINE = /^(?:\/dev\/stdin|-):(\d+):/m;

export interface NftProgramOptions {
  readonly family: Family;
  readonly run?: RunProgram;
}

export class NftProgram implements Nft {
  readonly family: Family;
  readonly #programs: FilterPrograms;
  readonly #ip: 'ip' | 'ip6';
  readonly #tables: readonly [string, ...string[]];

  constructor({ family, run }: NftProgramOptions) {
    this.family = family;
    this.#programs = new FilterPrograms({ failure: NftError, line: REFUSED_LINE, run });
    this.#ip = ipWord(family);
    // Names the tables as well. `list tables` reads all rules of all tables first: beside 10,000 Services in iptables that
    // takes minutes. Terse: elements, of which there may be very many, are left out.
    this.#tables = ['nft', '-t', 'list', 'sets', this.#ip];
  }

  async run(text: string, signal?: AbortSignal): Promise<void> {
    const argv = ['nft', '-f', '-'] as const;
    await this.#programs.output(argv, { stdin: text, timeoutMs: RUN_TIMEOUT_MS, signal });
  }

  async contents(signal?: AbortSignal): Promise<TableContents | undefined> {
    const list = (...argv: string[]): Promise<string> =>
      this.#programs.output(['nft', ...argv], { timeoutMs: LIST_TIMEOUT_MS, signal });
    const sets = await this.#programs.output(this.#tables, { timeoutMs: LIST_TIMEOUT_MS, signal });
    if (!sets.split('\n').includes(`table ${this.#ip} ${TABLE} {`)) return undefined;
    const chains = await list('-t', 'list', 'chains', this.#ip);
    const maps = await list('-t', 'list', 'maps', this.#ip);
    return {
      chains: this.#names(chains, 'chain'),
      sets: this.#names(sets, 'set'),
      maps: this.#names(maps, 'map'),
    };
  }

  async listChain(chain: string, signal?: AbortSignal): Promise<string[] | undefined> {
    const argv = ['nft', 'list', 'chain', this.#ip, TABLE, chain] as const;
    const result = await this.#programs.call(argv, { timeoutMs: LIST_TIMEOUT_MS, signal });
    if (result.exitCode !== 0 && MISSING.test(result.stderr)) return undefined;
    return this.#programs
      .checked(argv, result)
      .stdout.split('\n')
      .filter((line) => line.startsWith('\t\t') && !/^\t\t(?:type |comment )/.test(line))
      .map((line) => line.trim());
  }

  /** Proof that nft is there and that we may use it. @throws NftError when it is not */
  async probe(signal?: AbortSignal): Promise<void> {
    await this.#programs.output(this.#tables, { timeoutMs: LIST_TIMEOUT_MS, signal });
  }

  // The listing has the tables of all programs; ours alone count.
  #names(text: string, kind: 'chain' | 'set' | 'map'): string[] {
    const names: string[] = [];
    let ours = false;
    for (const line of text.split('\n')) {
      if (line.startsWith('table ')) ours = line === `table ${this.#ip} ${TABLE} {`;
      else if (ours && line.startsWith(`\t${kind} `)) names.push(line.slice(kind.length + 2, -2));
    }
    return names;
  }
}
