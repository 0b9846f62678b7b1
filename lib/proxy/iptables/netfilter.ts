/**
 * The narrow seam between the proxy and the kernel's packet filter. The real one runs the iptables programs; the fake
 * ({@link FakeNetfilter}) accepts and refuses the same transactions.
 */
import type { Family } from '../model/address.ts';
import { PacketFilterError } from '../program.ts';
import type { Table } from './names.ts';

export interface Netfilter {
  readonly family: Family;
  /**
   * What `iptables-save` prints: all tables that there are. One by one they take as long each, since the program reads
   * everything for any of them.
   * @throws NetfilterError
   */
  save(signal?: AbortSignal): Promise<string>;
  /**
   * Carries out the input of `iptables-restore --noflush`. Each table is changed whole or not at all; when a later table
   * fails, earlier ones have been changed.
   * @throws NetfilterError
   */
  restore(text: string, signal?: AbortSignal): Promise<void>;
  /** Rules of one chain without `-A CHAIN`, or undefined when there is no such chain. @throws NetfilterError */
  listChain(table: Table, chain: string, signal?: AbortSignal): Promise<string[] | undefined>;
}

/** iptables refused, or could not be run. */
export class NetfilterError extends PacketFilterError {
  override readonly name = 'NetfilterError';
}
