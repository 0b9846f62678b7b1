import { RecordingLog } from '../../base/log.ts';
import { FakeNft } from './fake_nft.ts';
import { NetlinkError } from './netlink/error.ts';
import { encodeMessage, u32 } from './netlink/message.ts';
import type { NetlinkSocket } from './netlink/socket.ts';
import { NetlinkNft } from './netlink_nft.ts';

const CHANGE = 'flush chain ip kube-proxy a\n';
const START = 'add table ip kube-proxy\nadd chain ip kube-proxy a\n';

/** What the kernel says to a message: an acknowledgement, or an error. */
function says(errno: number): Buffer {
  const bytes = encodeMessage({ type: 2, flags: 0, family: 0 }, 1);
  u32(0).copy(bytes, 16);
  if (errno !== 0) Buffer.from(new Int32Array([-errno]).buffer).copy(bytes, 16);
  return bytes;
}

async function netlinkNft(answer: () => Buffer | undefined, open?: () => Promise<NetlinkSocket>) {
  const program = new FakeNft();
  await program.run(START);
  program.transactions.length = 0;
  let asked = 0;
  let closed = 0;
  const socket: NetlinkSocket = {
    send: async () => void asked++,
    receive: answer,
    close: () => void closed++,
  };
  const log = new RecordingLog();
  const nft = new NetlinkNft({ program, open: open ?? (async () => socket), log });
  return { nft, program, log, asked: () => asked, closed: () => closed };
}

test('what the kernel takes does not reach the program', async () => {
  const { nft, program, asked, closed } = await netlinkNft(() => says(0));
  await nft.run(CHANGE);
  expect([program.transactions, asked(), closed()]).toEqual([[], 1, 1]);
});

const MESSAGE = 'A change could not be made over netlink; nft has made it';

test.each([
  ['is refused', () => says(16), undefined],
  ['is not answered', () => undefined, undefined],
  [
    'cannot be sent',
    () => undefined,
    async (): Promise<NetlinkSocket> => {
      throw new NetlinkError('socket: EPERM');
    },
  ],
])(
  'what over netlink %s is left to the program; after three times everything is',
  async (_what, answer, open) => {
    const { nft, program, log } = await netlinkNft(answer, open);
    for (let i = 0; i < 5; i++) await nft.run(CHANGE);
    expect(program.transactions).toHaveLength(5);
    expect(log.messages).toEqual([MESSAGE, MESSAGE, MESSAGE]);
  },
);

test('what both refuse is reported as the program says it, and is no reason to leave netlink alone', async () => {
  const { nft, asked, closed, log } = await netlinkNft(() => says(2));
  for (let i = 0; i < 5; i++)
    await expect(nft.run('flush chain ip kube-proxy gone\n')).rejects.toThrow('/dev/stdin:1:1-1');
  expect([asked(), closed(), log.messages]).toEqual([5, 5, []]);
});

test('a whole table goes to the program at once', async () => {
  const { nft, program, asked } = await netlinkNft(() => says(0));
  await nft.run(START);
  expect([program.transactions, asked()]).toEqual([[START], 0]);
});

test('rules that cannot be read over netlink are listed by the program, each time', async () => {
  const { nft } = await netlinkNft(() => undefined);
  expect(await nft.listChain('a')).toEqual([]);
  expect(await nft.listChain('gone')).toBeUndefined();
});

test.each([
  ['there is no table', () => says(2), undefined, 0],
  ['there is one', () => encodeMessage({ type: 0xa00, flags: 0, family: 2 }, 1), ['a'], 1],
  ['the kernel cannot be asked', () => undefined, ['a'], 1],
  ['the kernel refuses to say', () => says(1), ['a'], 1],
])(
  '%s: what it has is listed by the program, unless there is none',
  async (_what, answer, chains, listed) => {
    const { nft, program } = await netlinkNft(answer);
    const contents = jest.spyOn(program, 'contents');
    expect((await nft.contents())?.chains).toEqual(chains);
    expect(contents).toHaveBeenCalledTimes(listed);
  },
);
