/**
 * Rules of chains as a program printed them, printed again only when the kernel has other ones: the programs read all that
 * is in the table before they print one chain (10,000 Services: 120 ms of CPU), the kernel gives out one chain at once.
 */
import { errorMessage } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { Family } from '../../model/address.ts';
import { chainNumber, encodeChainRequest, encodeRulesRequest, isChain, withoutCounters } from './commands.ts';
import type { OpenSocket } from './exchange.ts';
import { exchange } from './exchange.ts';
import { NETFILTER_HEADER, NLMSG_DONE, NLM_F_DUMP_INTERRUPTED } from './message.ts';

type Rules = string[] | undefined;

export interface ListedChainsOptions {
  readonly family: Family;
  readonly open: OpenSocket;
  readonly log: Log;
}

export class ListedChains {
  readonly #options: ListedChainsOptions;
  // With the kernel's own form of the same.
  readonly #listed = new Map<string, { readonly raw: Buffer; readonly rules: Rules }>();

  constructor(options: ListedChainsOptions) {
    this.#options = options;
  }

  /** @param byProgram lists it; its errors are passed on */
  async list(table: string, chain: string, byProgram: () => Promise<Rules>): Promise<Rules> {
    const key = `${table} ${chain}`;
    const raw = await this.#raw(table, chain);
    const listed = this.#listed.get(key);
    if (raw !== undefined && listed?.raw.equals(raw) === true) return listed.rules;
    this.#listed.delete(key);
    const rules = await byProgram();
    if (rules === undefined || raw === undefined) return rules;
    const after = await this.#raw(table, chain);
    if (after?.equals(raw) === true) this.#listed.set(key, { raw, rules });
    return rules;
  }

  /** Undefined when there is no such chain, or it cannot be read so. */
  async #raw(table: string, chain: string): Promise<Buffer | undefined> {
    const { family, open, log } = this.#options;
    try {
      const [itself] = await exchange(open, encodeChainRequest(family, table, chain), isChain);
      const rules = await exchange(open, encodeRulesRequest(family, table, chain), isDone);
      if (rules.some((message) => (message.flags & NLM_F_DUMP_INTERRUPTED) !== 0)) return undefined;
      // The netfilter header has the number of the last change to anything, which is not what is asked.
      return Buffer.concat([
        chainNumber(itself?.payload.subarray(NETFILTER_HEADER) ?? Buffer.alloc(0)),
        ...rules.map(({ payload }) => withoutCounters(payload.subarray(NETFILTER_HEADER))),
      ]);
    } catch (err) {
      log.v(4).info('Cannot read a chain over netlink', { table, chain, err: errorMessage(err) });
      return undefined;
    }
  }
}

function isDone(message: { readonly type: number }): boolean {
  return message.type === NLMSG_DONE;
}
