/** The real nft in a network namespace, and netlink in its place: do what the fake does, refuse what the fake refuses. */
import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { nullLog } from '../../base/log.ts';
import { runProgram } from '../program.ts';
import { inNamespace } from '../testing/in_namespace.ts';
import { service, slice } from '../testing/objects.ts';
import { ProxyUnderTest } from '../testing/proxy_under_test.ts';
import { modelRuns, randomStep, runSteps } from '../testing/random_changes.ts';
import { canonical, parseTable } from './dump.ts';
import { FakeNft } from './fake_nft.ts';
import type { Nft } from './nft.ts';
import { NftError } from './nft.ts';
import { openNetlinkSocket } from './netlink/socket.ts';
import { NetlinkNft } from './netlink_nft.ts';
import { NftProgram } from './nft_program.ts';

jest.setTimeout(120_000);

const NAMESPACE = 'tsknft';
const inNamespaceRun = (...argv: string[]): string =>
  execFileSync('ip', ['netns', 'exec', NAMESPACE, ...argv], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
const real = new NftProgram({
  family: 'IPv4',
  run: (argv, options) => runProgram(['ip', 'netns', 'exec', NAMESPACE, ...argv], options),
});
/** Texts of the transactions that netlink left to the program. */
const leftToProgram: string[] = [];
const netlink = new NetlinkNft({
  program: {
    family: 'IPv4',
    run: (text) => (leftToProgram.push(text), real.run(text)),
    contents: () => real.contents(),
    listChain: (chain) => real.listChain(chain),
  },
  open: async () => inNamespace(NAMESPACE, openNetlinkSocket),
  log: nullLog,
});
const realDump = (): string =>
  canonical(parseTable(inNamespaceRun('nft', 'list', 'table', 'ip', 'kube-proxy')));

beforeAll(() => {
  execFileSync('ip', ['netns', 'add', NAMESPACE]);
});
afterAll(() => {
  execFileSync('ip', ['netns', 'del', NAMESPACE]);
});
beforeEach(() => {
  inNamespaceRun('nft', 'flush', 'ruleset');
});

/** Every transaction goes to both, and they must agree on whether it is taken. */
class Both implements Nft {
  readonly family = 'IPv4';
  readonly fake = new FakeNft();
  readonly #real: Nft;

  constructor(kernel: Nft) {
    this.#real = kernel;
  }

  async run(text: string): Promise<void> {
    const outcome = async (nft: Nft): Promise<string> =>
      nft.run(text).then(
        () => 'taken',
        (err: unknown) => `refused at line ${err instanceof NftError ? err.line : '?'}`,
      );
    const byFake = await outcome(this.fake);
    const byKernel = await outcome(this.#real);
    expect(`${byFake}\n${text}`).toBe(`${byKernel}\n${text}`);
    if (byFake !== 'taken') throw new NftError(byFake, { line: Number(byFake.replace(/\D+/, '')) });
  }

  async contents(): ReturnType<Nft['contents']> {
    const [fake, kernel] = [await this.fake.contents(), await this.#real.contents()];
    const sorted = (c: typeof fake) => c && [c.chains.toSorted(), c.sets.toSorted(), c.maps.toSorted()];
    expect(sorted(fake)).toEqual(sorted(kernel));
    return kernel;
  }

  async listChain(chain: string): Promise<string[] | undefined> {
    const [fake, kernel] = [await this.fake.listChain(chain), await this.#real.listChain(chain)];
    expect(fake).toEqual(kernel);
    return kernel;
  }
}

const kernels = [
  ['nft', real],
  ['netlink', netlink],
] as const;

test.each(kernels)(
  'P9: %s: random changes, restarts and flushes: fake and kernel agree on every transaction and end up alike',
  async (_name, nft) => {
    await fc.assert(
      fc.asyncProperty(fc.array(randomStep, { maxLength: 30 }), async (steps) => {
        inNamespaceRun('nft', 'flush', 'ruleset');
        const both = new Both(nft);
        const fresh = new FakeNft();
        const start = (nft: Nft) => () => new ProxyUnderTest({ nft });
        const flush = (): void => {
          inNamespaceRun('nft', 'flush', 'ruleset');
          both.fake.flush();
        };
        // A set that is asked for again with another timeout: refused by both.
        await runSteps(
          steps,
          { start: start(both), flush, setFailing: () => undefined },
          { start: start(fresh), flush: () => fresh.flush(), setFailing: () => undefined },
        );
        expect(realDump()).toBe(canonical(both.fake.dump()));
        expect(realDump()).toBe(canonical(fresh.dump()));
      }),
      modelRuns(25),
    );
  },
);

describe.each(kernels)('refused by fake and %s', (_name, nft) => {
  test.each([
    ['a chain that is not there', 'flush chain ip kube-proxy gone\n'],
    ['a target that is not there', 'add rule ip kube-proxy a goto gone\n'],
    ['a set that is not there', 'add rule ip kube-proxy a ip saddr @gone\n'],
    ['a chain in use', 'delete chain ip kube-proxy b\n'],
    ['a chain in use by a map', 'delete chain ip kube-proxy c\n'],
    ['a set in use', 'delete set ip kube-proxy s\n'],
    ['a set of another type', 'add set ip kube-proxy s { type inet_proto ; }\n'],
    ['an element that is not there', 'delete element ip kube-proxy s { 10.0.0.9 }\n'],
    ['an element with another verdict', 'add element ip kube-proxy m { 10.0.0.1 : drop }\n'],
    ['what is written before goes with it', 'add chain ip kube-proxy new\nflush chain ip kube-proxy gone\n'],
  ])('%s', async (_what, text) => {
    const both = new Both(nft);
    await both.run(
      [
        'add table ip kube-proxy',
        'add set ip kube-proxy s { type ipv4_addr ; }',
        'add map ip kube-proxy m { type ipv4_addr : verdict ; }',
        ...['a', 'b', 'c'].map((name) => `add chain ip kube-proxy ${name}`),
        'add rule ip kube-proxy a ip saddr @s goto b',
        'add element ip kube-proxy m { 10.0.0.1 : goto c }',
        '',
      ].join('\n'),
    );
    const before = realDump();
    await expect(both.run(text)).rejects.toThrow('refused');
    expect(realDump()).toBe(before);
    expect(canonical(both.fake.dump())).toBe(before);
  });
});

test('P9: endpoints that change, Services that come and go need no program: netlink alone writes the same', async () => {
  const proxy = new ProxyUnderTest({ nft: netlink });
  const program = new FakeNft();
  const expected = new ProxyUnderTest({ nft: program });
  const sync = async (act: (proxy: ProxyUnderTest) => void): Promise<void> => {
    for (const each of [proxy, expected]) {
      act(each);
      await each.sync();
    }
    expect(realDump()).toBe(canonical(program.dump()));
  };
  await sync(({ tracker }) => tracker.setService(service('a/first', '10.96.0.1')));
  leftToProgram.length = 0;
  await sync(({ tracker }) =>
    tracker.setSlice(slice('a/first-1', 'first', ['10.66.0.1@n1', '10.66.0.2@n2'])),
  );
  await sync(({ tracker }) => tracker.setSlice(slice('a/first-1', 'first', ['10.66.0.3@n1'])));
  await sync(({ tracker }) => tracker.setSlice(slice('a/first-1', 'first', [])));
  const udp = [{ name: 'p', port: 53, protocol: 'UDP' }];
  await sync(({ tracker }) => {
    tracker.setService(service('a/dns', '10.96.0.53', { ports: udp }));
    tracker.setSlice(slice('a/dns-1', 'dns', ['10.66.0.4@n1', '10.66.0.5@n1', '10.66.0.6@n2'], udp));
  });
  await sync(({ tracker }) => tracker.deleteService(service('a/first', '10.96.0.1')));
  await sync(({ tracker }) => tracker.deleteService(service('a/dns', '10.96.0.53')));
  expect(leftToProgram).toEqual([]);
});

test('P9: netlink: a chain that nobody changed is not listed again by the program, one that somebody did is', async () => {
  let listed = 0;
  const nft = new NetlinkNft({
    program: {
      family: 'IPv4',
      run: (text) => real.run(text),
      contents: () => real.contents(),
      listChain: (chain) => (listed++, real.listChain(chain)),
    },
    open: async () => inNamespace(NAMESPACE, openNetlinkSocket),
    log: nullLog,
  });
  const proxy = new ProxyUnderTest({ nft });
  await proxy.sync();
  expect(await proxy.backend.isIntact()).toBe(true);
  const atFirst = listed;
  // Of others, and of other chains of ours.
  inNamespaceRun('nft', 'add', 'table', 'ip', 'other');
  expect(await proxy.backend.isIntact()).toBe(true);
  expect(listed).toBe(atFirst);
  inNamespaceRun('nft', 'flush', 'chain', 'ip', 'kube-proxy', 'services');
  expect(await proxy.backend.isIntact()).toBe(false);
  inNamespaceRun('nft', 'flush', 'ruleset');
  expect(await proxy.backend.isIntact()).toBe(false);
});

test.each(kernels)('the same element again is taken by fake and %s', async (_name, nft) => {
  const both = new Both(nft);
  await both.run(
    'add table ip kube-proxy\nadd map ip kube-proxy m { type ipv4_addr : verdict ; }\nadd element ip kube-proxy m { 10.0.0.1 : drop }\n',
  );
  await both.run('add element ip kube-proxy m { 10.0.0.1 : drop }\n');
  expect(realDump()).toBe(canonical(both.fake.dump()));
});
