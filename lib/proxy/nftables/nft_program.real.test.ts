/** The real nft in a network namespace: does what the fake does, refuses what the fake refuses. */
import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { runProgram } from '../program.ts';
import { ProxyUnderTest } from '../testing/proxy_under_test.ts';
import { modelRuns, randomStep, runSteps } from '../testing/random_changes.ts';
import { canonical, parseTable } from './dump.ts';
import { FakeNft } from './fake_nft.ts';
import type { Nft } from './nft.ts';
import { NftError } from './nft.ts';
import { NftProgram } from './nft_program.ts';

jest.setTimeout(120_000);

const NAMESPACE = 'tsknft';
const inNamespace = (...argv: string[]): string =>
  execFileSync('ip', ['netns', 'exec', NAMESPACE, ...argv], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
const real = new NftProgram({
  family: 'IPv4',
  run: (argv, options) => runProgram(['ip', 'netns', 'exec', NAMESPACE, ...argv], options),
});
const realDump = (): string => canonical(parseTable(inNamespace('nft', 'list', 'table', 'ip', 'kube-proxy')));

beforeAll(() => {
  execFileSync('ip', ['netns', 'add', NAMESPACE]);
});
afterAll(() => {
  execFileSync('ip', ['netns', 'del', NAMESPACE]);
});
beforeEach(() => {
  inNamespace('nft', 'flush', 'ruleset');
});

/** Every transaction goes to both, and they must agree on whether it is taken. */
class Both implements Nft {
  readonly family = 'IPv4';
  readonly fake = new FakeNft();

  async run(text: string): Promise<void> {
    const outcome = async (nft: Nft): Promise<string> =>
      nft.run(text).then(
        () => 'taken',
        (err: unknown) => `refused at line ${err instanceof NftError ? err.line : '?'}`,
      );
    const byFake = await outcome(this.fake);
    const byKernel = await outcome(real);
    expect(`${byFake}\n${text}`).toBe(`${byKernel}\n${text}`);
    if (byFake !== 'taken') throw new NftError(byFake, { line: Number(byFake.replace(/\D+/, '')) });
  }

  async contents(): ReturnType<Nft['contents']> {
    const [fake, kernel] = [await this.fake.contents(), await real.contents()];
    const sorted = (c: typeof fake) => c && [c.chains.toSorted(), c.sets.toSorted(), c.maps.toSorted()];
    expect(sorted(fake)).toEqual(sorted(kernel));
    return kernel;
  }

  async listChain(chain: string): Promise<string[] | undefined> {
    const [fake, kernel] = [await this.fake.listChain(chain), await real.listChain(chain)];
    expect(fake).toEqual(kernel);
    return kernel;
  }
}

test('P9: random changes, restarts and flushes: fake and kernel agree on every transaction and end up alike', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(randomStep, { maxLength: 30 }), async (steps) => {
      inNamespace('nft', 'flush', 'ruleset');
      const both = new Both();
      const fresh = new FakeNft();
      const start = (nft: Nft) => () => new ProxyUnderTest({ nft });
      const flush = (): void => {
        inNamespace('nft', 'flush', 'ruleset');
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
});

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
])('refused by both: %s', async (_what, text) => {
  const both = new Both();
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

test('the same element again is taken by both', async () => {
  const both = new Both();
  await both.run(
    'add table ip kube-proxy\nadd map ip kube-proxy m { type ipv4_addr : verdict ; }\nadd element ip kube-proxy m { 10.0.0.1 : drop }\n',
  );
  await both.run('add element ip kube-proxy m { 10.0.0.1 : drop }\n');
  expect(realDump()).toBe(canonical(both.fake.dump()));
});
