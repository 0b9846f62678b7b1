import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { CredentialPlugins, type CredentialPluginsOptions } from './credential_plugins.ts';
import { type CredentialProvider, loadCredentialProviders } from './credential_provider_config.ts';

const PROTOCOL = 'credentialprovider.kubelet.k8s.io/v1';
const provider = (more: Partial<CredentialProvider> = {}): CredentialProvider => ({
  name: 'plugin',
  matchImages: ['*.example'],
  defaultCacheDuration: 60_000,
  apiVersion: PROTOCOL,
  args: [],
  env: [],
  tokenAttributes: undefined,
  ...more,
});
const podOf = (serviceAccountName?: string): Pod => ({
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: { containers: [], ...(serviceAccountName === undefined ? {} : { serviceAccountName }) },
});
const signal = new AbortController().signal;
const image = (path: string, domain = 'r.example') => ({ domain, path });
const answer = (more: object = {}): string =>
  JSON.stringify({
    apiVersion: PROTOCOL,
    kind: 'CredentialProviderResponse',
    cacheKeyType: 'Image',
    auth: { 'r.example': { username: 'u', password: 'p' } },
    ...more,
  });

function scene(reply: string, more: Partial<CredentialPluginsOptions> = {}) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const asked: string[] = [];
  const plugins = new CredentialPlugins({
    providers: [provider()],
    binDir: '/nowhere',
    clock,
    log,
    serviceAccount: (_namespace, name) =>
      Promise.resolve({ uid: `uid-${name}`, annotations: { role: 'reader', other: 'x' } }),
    token: (pod, audience) => Promise.resolve(`${audience}-${pod.metadata.name}`),
    ask: (_provider, request) => {
      asked.push(request);
      return Promise.resolve(reply);
    },
    ...more,
  });
  const users = async (of = image('app'), pod = podOf()): Promise<string[]> =>
    (await plugins.credentials(pod, of, signal)).map(({ auth, owner }) => `${auth.username} ${owner.kind}`);
  return { asked, clock, log, users };
}

test('K14: is asked for images that it matches, in its protocol', async () => {
  const s = scene(answer());
  expect([await s.users(), await s.users(image('app', 'other.org'))]).toEqual([['u node'], []]);
  expect(s.asked.map((request): unknown => JSON.parse(request))).toEqual([
    { apiVersion: PROTOCOL, kind: 'CredentialProviderRequest', image: 'r.example/app' },
  ]);
});

test.each<[string, string, readonly string[]]>([
  ['Image', 'r.example', ['r.example/a', 'r.example/b', 's.example/a']],
  ['Registry', 'r.example', ['r.example/a', 's.example/a']],
  ['Global', '*.example', ['r.example/a']],
])('K14: an answer is kept by %s', async (cacheKeyType, _, asked) => {
  const s = scene(answer({ cacheKeyType, auth: { '*.example': { username: 'u', password: 'p' } } }));
  for (const each of [image('a'), image('a'), image('b'), image('a', 's.example')]) {
    expect(await s.users(each)).toEqual(['u node']);
  }
  expect(s.asked.map((request) => /"image":"([^"]*)"/.exec(request)?.[1])).toEqual(asked);
});

test.each<[string, object, number, number]>([
  ['as long as the configuration says', {}, 59_000, 1],
  ['and no longer', {}, 60_000, 2],
  ['as long as the answer says', { cacheDuration: '2m' }, 90_000, 1],
  ['not at all', { cacheDuration: '0s' }, 0, 2],
])('K14: an answer is kept %s', async (_, more, ms, times) => {
  const s = scene(answer(more));
  await s.users();
  await s.clock.advance(ms);
  await s.users();
  expect(s.asked.length).toBe(times);
});

test('K14: who asks the same at the same time gets the same answer', async () => {
  const s = scene(answer({ cacheDuration: '0s' }));
  expect(await Promise.all([s.users(), s.users()])).toEqual([['u node'], ['u node']]);
  expect(s.asked.length).toBe(1);
});

test.each<[string, string, RegExp]>([
  ['no JSON', 'secret!', /is no JSON/],
  ['another version', answer({ apiVersion: 'v0' }), /has another apiVersion than/],
  ['another kind', answer({ kind: 'X' }), /is no CredentialProviderResponse/],
  ['no way to keep it', answer({ cacheKeyType: 'Never' }), /none of Image, Registry and Global/],
  ['a duration that is none', answer({ cacheDuration: 'soon' }), /has a cacheDuration that is none/],
  ['credentials that are none', answer({ auth: ['p'] }), /auth that is no object/],
])('K14: an answer with %s is reported, without what it says, and not used', async (_, reply, why) => {
  const s = scene(reply);
  expect(await s.users()).toEqual([]);
  const told = JSON.stringify(s.log.entries, (_key, value: unknown) =>
    value instanceof Error ? value.message : value,
  );
  expect(told).toMatch(why);
  expect(told).not.toContain('secret!');
});

test('K14: an answer without credentials is one', async () => {
  const s = scene(answer({ auth: null }));
  expect([await s.users(), s.log.entries]).toEqual([[], []]);
});

describe('K14: with tokens of service accounts', () => {
  const tokenAttributes = {
    serviceAccountTokenAudience: 'registry',
    cacheType: 'ServiceAccount',
    requireServiceAccount: true,
    requiredServiceAccountAnnotationKeys: ['role'],
    optionalServiceAccountAnnotationKeys: ['none'],
  } as const;

  test('is given the token and the annotations it names; the answer is for that account', async () => {
    const s = scene(answer(), { providers: [provider({ tokenAttributes })] });
    expect(await s.users(image('app'), podOf('sa'))).toEqual(['u serviceAccount']);
    expect(await s.users(image('app'), podOf('sa'))).toEqual(['u serviceAccount']);
    expect(await s.users(image('app'), podOf('sb'))).toEqual(['u serviceAccount']);
    expect(s.asked.length).toBe(2);
    expect(s.asked[0]).toContain(
      '"serviceAccountToken":"registry-p","serviceAccountAnnotations":{"role":"reader"}',
    );
  });

  test.each<[string, object, readonly string[], number]>([
    ['a pod without account is not asked for', {}, [], 0],
    [
      'or without token, where none is required',
      { requireServiceAccount: false, requiredServiceAccountAnnotationKeys: [] },
      ['u node'],
      1,
    ],
  ])('%s', async (_, more, want, asked) => {
    const s = scene(answer(), {
      providers: [provider({ tokenAttributes: { ...tokenAttributes, ...more } })],
    });
    expect([await s.users(image('app'), podOf()), s.asked.length]).toEqual([want, asked]);
  });

  test('an account that lacks a required annotation', async () => {
    const keys = { requiredServiceAccountAnnotationKeys: ['missing'] };
    const s = scene(answer(), {
      providers: [provider({ tokenAttributes: { ...tokenAttributes, ...keys } })],
    });
    expect([await s.users(image('app'), podOf('sa')), s.asked]).toEqual([[], []]);
  });
});

describe('K14: programs and files', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tsk-plugins-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const config = (name: string, providers: object): string => {
    writeFileSync(
      join(dir, name),
      JSON.stringify({ apiVersion: 'kubelet.config.k8s.io/v1', kind: 'CredentialProviderConfig', providers }),
    );
    return join(dir, name);
  };
  const entry = (name: string, more: object = {}) => ({
    name,
    matchImages: ['*.example'],
    defaultCacheDuration: '10m',
    apiVersion: PROTOCOL,
    ...more,
  });
  const program = (name: string, script: string): void => {
    writeFileSync(join(dir, name), `#!/bin/sh\n${script}`);
    chmodSync(join(dir, name), 0o755);
  };

  test('a program gets the request, its arguments and its environment', async () => {
    program(
      'plugin',
      `read request; case "$request $1 $WHO" in *r.example/app*" get me") echo '${answer()}';; esac`,
    );
    const providers = loadCredentialProviders(
      config('c.json', [entry('plugin', { args: ['get'], env: [{ name: 'WHO', value: 'me' }] })]),
    );
    const plugins = new CredentialPlugins({
      providers,
      binDir: dir,
      clock: new FakeClock(),
      log: new RecordingLog(),
      serviceAccount: () => Promise.reject(new Error('unused')),
      token: () => Promise.reject(new Error('unused')),
    });
    expect(
      (await plugins.credentials(podOf(), image('app'), signal)).map(({ auth }) => auth.username),
    ).toEqual(['u']);
  });

  test('one that fails is reported and passed over', async () => {
    program('bad', 'echo no credentials here >&2; exit 3');
    program('good', `echo '${answer()}'`);
    const log = new RecordingLog();
    const plugins = new CredentialPlugins({
      providers: loadCredentialProviders(config('c.json', [entry('bad'), entry('absent'), entry('good')])),
      binDir: dir,
      clock: new FakeClock(),
      log,
      serviceAccount: () => Promise.reject(new Error('unused')),
      token: () => Promise.reject(new Error('unused')),
    });
    expect((await plugins.credentials(podOf(), image('app'), signal)).length).toBe(1);
    expect(log.entries.length).toBe(2);
  });

  test('a folder of files, in the order of their names', () => {
    mkdirSync(join(dir, 'd'));
    config('d/20.json', [entry('b')]);
    config('d/10.yaml', [entry('a')]);
    writeFileSync(join(dir, 'd', 'README'), 'no configuration');
    expect(loadCredentialProviders(join(dir, 'd')).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test.each<[string, object, string]>([
    ['no providers', [], 'field "providers": got [], want at least one provider'],
    ['a path for a name', [entry('../x')], 'field "providers[0].name": got "../x"'],
    ['no images', [entry('a', { matchImages: [] })], 'field "providers[0].matchImages"'],
    [
      'an old version',
      [entry('a', { apiVersion: 'credentialprovider.kubelet.k8s.io/v1alpha1' })],
      'field "providers[0].apiVersion"',
    ],
    [
      'no duration',
      [{ name: 'a', matchImages: ['x'], apiVersion: PROTOCOL }],
      'field "providers[0].defaultCacheDuration"',
    ],
    ['one twice', [entry('a'), entry('a')], 'field "providers": provider "a" is there twice'],
  ])('refused: %s', (_, providers, message) => {
    expect(() => loadCredentialProviders(config('c.json', providers))).toThrow(message);
  });

  test('refused: a folder without files', () => {
    expect(() => loadCredentialProviders(dir)).toThrow('no .yaml, .yml or .json file in the folder');
  });
});
