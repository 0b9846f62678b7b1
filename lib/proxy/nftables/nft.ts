/** The narrow seam between the proxy and nftables. The real one runs `nft`; the fake accepts and refuses the same. */
import type { Family } from '../model/address.ts';
import { PacketFilterError } from '../program.ts';

/** Names of what is in the proxy's table. */
export interface TableContents {
  readonly chains: readonly string[];
  readonly sets: readonly string[];
  readonly maps: readonly string[];
}

export interface Nft {
  readonly family: Family;
  /**
   * Carries out the input of `nft -f -`: one transaction, whole or not at all.
   * @throws NftError
   */
  run(text: string, signal?: AbortSignal): Promise<void>;
  /** What is in the table; undefined: there is no such table. Rules and elements are not read. @throws NftError */
  contents(signal?: AbortSignal): Promise<TableContents | undefined>;
  /** Rules of one chain as nft prints them, or undefined when there is no such chain. @throws NftError */
  listChain(chain: string, signal?: AbortSignal): Promise<string[] | undefined>;
}

/** nft refused, or could not be run. */
export class NftError extends PacketFilterError {
  override readonly name = 'NftError';
}
