/**
 * {@link Nft} by the kernel's own interface where that is worth it, by the `nft` program for all else. The program is
 * started anew each time and reads the names of all chains before it does anything; with 10,000 Services that is more
 * work than the change of an endpoint itself.
 */
import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Family } from '../model/address.ts';
import type { Nft, TableContents } from './nft.ts';
import { encodeRulesRequest, encodeTransaction } from './netlink/commands.ts';
import type { Message } from './netlink/message.ts';
import {
  NLMSG_DONE,
  NLMSG_ERROR,
  NETFILTER_HEADER,
  NLM_F_DUMP_INTERRUPTED,
  decodeMessages,
  errorNumber,
} from './netlink/message.ts';
import type { NetlinkSocket } from './netlink/socket.ts';
import { NetlinkError } from './netlink/error.ts';

// Not loaded before it is needed: the first sync is the program's.
async function openSocket(): Promise<NetlinkSocket> {
  const { openNetlinkSocket } = await import('./netlink/socket.ts');
  return openNetlinkSocket();
}

/** Larger transactions take so long in the kernel that the program's start does not matter. */
const MAX_TEXT = 200_000;
/** After so many in a row that failed and the program got through, only the program is used. */
const MAX_REFUSED = 3;

export interface NetlinkNftOptions {
  readonly program: Nft;
  /** Left out: in the network namespace of this process. */
  readonly open?: () => Promise<NetlinkSocket>;
  readonly log: Log;
}

export class NetlinkNft implements Nft {
  readonly family: Family;
  readonly #program: Nft;
  readonly #open: () => Promise<NetlinkSocket>;
  readonly #log: Log;
  #refused = 0;
  // Rules of chains as the program printed them, with the kernel's own form of the same.
  readonly #listed = new Map<string, { readonly raw: Buffer; readonly rules: string[] | undefined }>();

  constructor({ program, open = openSocket, log }: NetlinkNftOptions) {
    this.family = program.family;
    this.#program = program;
    this.#open = open;
    this.#log = log;
  }

  async run(text: string, signal?: AbortSignal): Promise<void> {
    const batch =
      text.length > MAX_TEXT || this.#refused >= MAX_REFUSED
        ? undefined
        : encodeTransaction(this.family, text);
    if (batch === undefined) return this.#program.run(text, signal);
    try {
      await this.#exchange(batch, acknowledged);
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

  contents(signal?: AbortSignal): Promise<TableContents | undefined> {
    return this.#program.contents(signal);
  }

  async listChain(chain: string, signal?: AbortSignal): Promise<string[] | undefined> {
    const raw = await this.#rawRules(chain);
    const listed = this.#listed.get(chain);
    if (raw !== undefined && listed?.raw.equals(raw) === true) return listed.rules;
    this.#listed.delete(chain);
    const rules = await this.#program.listChain(chain, signal);
    const after = await this.#rawRules(chain);
    if (rules !== undefined && raw !== undefined && after?.equals(raw) === true)
      this.#listed.set(chain, { raw, rules });
    return rules;
  }

  /** Undefined when they cannot be read so; empty when there are none, or no such chain. */
  async #rawRules(chain: string): Promise<Buffer | undefined> {
    try {
      const answer = await this.#exchange(encodeRulesRequest(this.family, chain, 1), dumpEnded);
      if (answer.some((message) => (message.flags & NLM_F_DUMP_INTERRUPTED) !== 0)) return undefined;
      // The netfilter header before the attributes has the number of the last change to anything, which is not what is asked.
      return Buffer.concat(answer.map(({ payload }) => payload.subarray(NETFILTER_HEADER)));
    } catch (err) {
      this.#log.v(4).info('Cannot read rules from the kernel', { chain, err: errorMessage(err) });
      return undefined;
    }
  }

  /** @param isLast of the answer */
  async #exchange(request: Buffer, isLast: (message: Message) => boolean): Promise<Message[]> {
    const socket = await this.#open();
    try {
      await socket.send(request);
      const answer: Message[] = [];
      for (;;) {
        const bytes = socket.receive();
        if (bytes === undefined) throw new NetlinkError('the kernel did not answer');
        for (const message of decodeMessages(bytes)) {
          if (message.type === NLMSG_ERROR && errorNumber(message) !== 0)
            throw new NetlinkError(`message ${message.sequence}: error ${errorNumber(message)}`);
          answer.push(message);
        }
        if (answer.some(isLast)) return answer;
      }
    } finally {
      socket.close();
    }
  }
}

// Refusals come before the acknowledgement of the last message, and instead of it.
function acknowledged(message: Message): boolean {
  return message.type === NLMSG_ERROR;
}

function dumpEnded(message: Message): boolean {
  return message.type === NLMSG_DONE;
}
