/** Takes the proxy's table out of the kernel: what `--cleanup` and a change to another mode do. */
import { ipWord } from './base_objects.ts';
import { TABLE } from './names.ts';
import type { Nft } from './nft.ts';

/** @returns whether there was one */
export async function cleanup(nft: Nft, signal?: AbortSignal): Promise<boolean> {
  if ((await nft.contents(signal)) === undefined) return false;
  await nft.run(`delete table ${ipWord(nft.family)} ${TABLE}\n`, signal);
  return true;
}
