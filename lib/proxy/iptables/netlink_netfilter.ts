/** {@link Netfilter} by the iptables programs that work on nf_tables; chains are listed by them only when they have changed. */
import type { Log } from '../../base/log.ts';
import type { Family } from '../model/address.ts';
import type { OpenSocket } from '../nftables/netlink/exchange.ts';
import { openSocket } from '../nftables/netlink/exchange.ts';
import { ListedChains } from '../nftables/netlink/listed_chains.ts';
import type { Table } from './names.ts';
import type { Netfilter } from './netfilter.ts';

export interface NetlinkNetfilterOptions {
  readonly programs: Netfilter;
  readonly open?: OpenSocket;
  readonly log: Log;
}

export class NetlinkNetfilter implements Netfilter {
  readonly family: Family;
  readonly #programs: Netfilter;
  readonly #listed: ListedChains;

  constructor({ programs, open = openSocket, log }: NetlinkNetfilterOptions) {
    this.family = programs.family;
    this.#programs = programs;
    this.#listed = new ListedChains({ family: programs.family, open, log });
  }

  save(signal?: AbortSignal): Promise<string> {
    return this.#programs.save(signal);
  }

  restore(text: string, signal?: AbortSignal): Promise<void> {
    return this.#programs.restore(text, signal);
  }

  listChain(table: Table, chain: string, signal?: AbortSignal): Promise<string[] | undefined> {
    return this.#listed.list(table, chain, () => this.#programs.listChain(table, chain, signal));
  }
}
