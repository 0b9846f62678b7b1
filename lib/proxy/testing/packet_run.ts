/** Sends the packets of the packet table and says where they did not fare as they should. */
import type { Family } from '../model/address.ts';
import type { PacketCase } from './packet_cases.ts';
import { addressOf, nodeAddressTowards } from './packet_cases.ts';
import type { Answer, TestBed } from './test_bed.ts';

const SILENCE_MS = 700;
const ANSWER_MS = 4000;
/** Packets under way at one time. */
const AT_ONCE = 60;
/** Where no answer came although one should: tried again with fewer, since a busy machine loses time. */
const AT_ONCE_AGAIN = 5;
const STICKY_TRIES = 5;

/** @returns a line for each case that went otherwise than the table says */
export async function mismatches(bed: TestBed, cases: readonly PacketCase[]): Promise<string[]> {
  const first = await tryAll(bed, cases, AT_ONCE);
  const silent = first.filter(({ problem }) => SILENT.test(problem)).map(({ one }) => one);
  const again = await tryAll(bed, silent, AT_ONCE_AGAIN);
  return [...first.filter(({ problem }) => !SILENT.test(problem)), ...again]
    .map(({ one, problem }) => `${one.title}: ${problem}, want ${one.outcome}`)
    .toSorted();
}

const SILENT = /^timeout$|nobody/;

async function tryAll(
  bed: TestBed,
  cases: readonly PacketCase[],
  atOnce: number,
): Promise<Array<{ readonly one: PacketCase; readonly problem: string }>> {
  const wrong: Array<{ one: PacketCase; problem: string }> = [];
  const queue = [...cases];
  const worker = async (): Promise<void> => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      const problem = await tryCase(bed, one);
      if (problem !== undefined) wrong.push({ one, problem });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return wrong;
}

async function tryCase(bed: TestBed, one: PacketCase): Promise<string | undefined> {
  const { outcome } = one;
  const ask = (): Promise<Answer> =>
    bed.ask(
      one.host,
      one.protocol,
      one.to,
      one.port,
      outcome === 'timeout' ? SILENCE_MS : ANSWER_MS,
      0,
      one.from,
    );
  const first = await ask();
  const problem = problemOf(first, one);
  if (problem !== undefined || !outcome.includes('sticky')) return problem;
  for (let i = 0; i < STICKY_TRIES; i++) {
    const next = await ask();
    if (next.by !== first.by) return `first ${first.by ?? 'nobody'}, then ${next.by ?? 'nobody'}`;
  }
  return undefined;
}

function problemOf(answer: Answer, one: PacketCase): string | undefined {
  if (answer.by === undefined) {
    const kind =
      answer.error === 'timeout' ? 'timeout' : answer.error === 'ECONNREFUSED' ? 'refused' : answer.error;
    return kind === one.outcome ? undefined : kind;
  }
  const [answerers = '', seen] = one.outcome.split(' ');
  if (!answerers.split(',').includes(answer.by)) return `answered by ${answer.by}`;
  const family: Family = one.to.includes(':') ? 'IPv6' : 'IPv4';
  const masqueraded = seen === 'masq' || answer.by === one.host;
  const want = masqueraded ? nodeAddressTowards(answer.by, family) : addressOf(one.source, family);
  return answer.source === want ? undefined : `${answer.by} saw ${answer.source} instead of ${want}`;
}
