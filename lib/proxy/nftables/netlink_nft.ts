/**
 * {@link Nft} by the kernel's own interface where that is worth it, by the `nft` program for all else. The program is
 * started anew each time and reads the names of all chains before it does anything; with 10,000 Services that is more
 * work than the change of an endpoint itself.
 */
import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Family } from '../model/address.ts';
import type { Nft, TableContents } from './nft.ts';
import { TABLE } from './names.ts';
import { encodeTableRequest, encodeTransaction, isTable } from './netlink/commands.ts';
import { NetlinkError } from './netlink/error.ts';
import type { OpenSocket } from './netlink/exchange.ts';
import { exchange, openSocket } from './netlink/exchange.ts';
import { ListedChains } from './netlink/listed_chains.ts';
import type { Message } from './netlink/message.ts';
import { NLMSG_ERROR } from './netlink/message.ts';

/** Larger transactions take so long in the kernel that the program's start does not matter. */
const MAX_TEXT = 200_000;
/** After so many in a row that failed and the program got through, only the program is used. */
const MAX_REFUSED = 3;
const ENOENT = 2;

export interface NetlinkNftOptions {
  readonly program: Nft;
  /** Left out: in the network namespace of this process. */
  readonly open?: OpenSocket;
  readonly log: Log;
}

export class NetlinkNft implements Nft {
  readonly family: Family;
  readonly #program: Nft;
  readonly #open: OpenSocket;
  readonly #log: Log;
  #refused = 0;
  readonly #listed: ListedChains;

  constructor({ program, open = openSocket, log }: NetlinkNftOptions) {
    this.family = program.family;
    this.#program = program;
    this.#open = open;
    this.#listed = new ListedChains({ family: program.family, open, log });
    this.#log = log;
  }

  async run(text: string, signal?: AbortSignal): Promise<void> {
    const batch =
      text.length > MAX_TEXT || this.#refused >= MAX_REFUSED
        ? undefined
        : encodeTransaction(this.family, text);
    if (batch === undefined) return this.#program.run(text, signal);
    try {
      await exchange(this.#open, batch, acknowledged);
      this.#refused = 0;
      return undefined;
    } catch (err) {
      // Either the program gets it through, or it says in words which line is refused and why.
      await this.#program.run(text, signal);
      this.#refused++;
      this.#log.warn('A change could not be made over netlink; nft has made it', {
        ipFamily: this.family,
        err: errorMessage(err),
      });
    }
  }

  async contents(signal?: AbortSignal): Promise<TableContents | undefined> {
    return (await this.#hasNoTable()) ? undefined : this.#program.contents(signal);
  }

  listChain(chain: string, signal?: AbortSignal): Promise<string[] | undefined> {
    return this.#listed.list(TABLE, chain, () => this.#program.listChain(chain, signal));
  }

  /** False also when the kernel cannot be asked. */
  async #hasNoTable(): Promise<boolean> {
    try {
      await exchange(this.#open, encodeTableRequest(this.family), isTable);
      return false;
    } catch (err) {
      return err instanceof NetlinkError && err.errno === ENOENT;
    }
  }
}

// Refusals come before the acknowledgement of the last message, and instead of it.
function acknowledged(message: Message): boolean {
  return message.type === NLMSG_ERROR;
}
