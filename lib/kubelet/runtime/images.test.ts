import type { Container, Pod } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { CriError } from '../../cri/errors.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { KubeletEvents } from '../contracts.ts';
import { nullLog } from '../../base/log.ts';
import { Keyring } from '../images/keyring.ts';
import { Images } from './images.ts';
import { ContainerStartError } from './start_error.ts';

const pod = (more: Partial<Pod['spec']> = {}): Pod => ({
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: { containers: [], ...more },
});
const container = (image: string, imagePullPolicy?: string): Container => ({
  name: 'c',
  image,
  ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
});

const wanted = ({ name, image = '', imagePullPolicy }: Container) => ({
  image,
  pullPolicy: imagePullPolicy,
  containerName: name,
});

/** A runtime that has some images, and pulls those of `r.example` for the user `good`. */
function scene(
  present: readonly string[],
  limit?: number,
  tell: Partial<KubeletEvents> = {},
  pullRate?: { qps: number; burst: number },
) {
  const has = new Set(present);
  const pulls: string[] = [];
  const events: string[] = [];
  /** What became of pulls; and which secret a present image must be shown for, by name. */
  const recorded: string[] = [];
  const guarded = new Map<string, string>();
  const clock = new FakeClock();
  const cri: Pick<RuntimeClient, 'imageStatus' | 'pullImage'> = {
    imageStatus: (request) => {
      const name = request?.image?.image ?? '';
      const image = { id: `sha256:${name}`, username: 'web', size: 7n };
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fields that are read
      return Promise.resolve({ image: has.has(name) ? image : undefined, info: {} } as never);
    },
    pullImage: (request) => {
      const name = request?.image?.image ?? '';
      const user = request?.auth?.username ?? '';
      pulls.push(`${name} as ${user}`);
      if (!name.startsWith('r.example/') || user === 'bad') {
        return Promise.reject(new CriError('PullImage', 'UNKNOWN', 'no such image'));
      }
      has.add(name);
      return Promise.resolve({ imageRef: '' });
    },
  };
  const noted = (what: string): Promise<void> => {
    recorded.push(what);
    return Promise.resolve();
  };
  const secret = (username: string) => ({
    metadata: { name: username, namespace: 'ns' },
    data: {
      '.dockercfg': Buffer.from(JSON.stringify({ 'r.example': { username, password: 'x' } })).toString(
        'base64',
      ),
    },
  });
  const images = new Images({
    cri,
    clock,
    events: {
      pod: (_pod, _type, reason) => events.push(reason),
      container: (_pod, _name, _type, reason) => events.push(reason),
      node: () => undefined,
      ...tell,
    },
    maxParallelPulls: limit,
    ...(pullRate === undefined ? {} : { pullRate }),
    keyring: new Keyring({
      secret: (_namespace, name) =>
        name === 'none' ? Promise.reject(new Error('not found')) : Promise.resolve(secret(name)),
      plugins: { credentials: () => Promise.resolve([]) },
      nodeConfigs: [],
      events: { pod: (_pod, _type, reason) => events.push(reason) },
      log: nullLog,
    }),
    records: {
      asks: (name) => guarded.has(name),
      mayUse: (name, _reference, _id, owners) =>
        owners.some((owner) => owner.kind === 'secret' && owner.name === guarded.get(name)),
      pulling: (reference) => noted(`pulling ${reference}`),
      pullFailed: (reference) => noted(`failed ${reference}`),
      pulled: (name, _reference, id, owner) =>
        noted(`pulled ${name} ${id} ${owner?.kind === 'secret' ? owner.name : 'anonymous'}`),
    },
  });
  const ensure = async (c: Container, p = pod(), ofVolume = false): Promise<string> => {
    try {
      return (
        await images.ensure(
          p,
          { ...wanted(c), ...(ofVolume ? { containerName: undefined } : {}) },
          {},
          new AbortController().signal,
        )
      ).ref;
    } catch (error) {
      if (error instanceof ContainerStartError) return `${error.reason}: ${error.message}`;
      throw error;
    }
  };
  return { ensure, pulls, events, clock, recorded, guarded };
}

test.each<[string, string, string | undefined, string, string[], string[]]>([
  ['present', 'a:1', undefined, 'sha256:a:1', [], ['Pulled']],
  ['present, Never', 'a:1', 'Never', 'sha256:a:1', [], ['Pulled']],
  [
    'missing, Never',
    'b:1',
    'Never',
    'ErrImageNeverPull: Container image "b:1" is not present with pull policy of Never',
    [],
    ['ErrImageNeverPull'],
  ],
  [
    'missing',
    'r.example/b:1',
    undefined,
    'sha256:r.example/b:1',
    ['r.example/b:1 as '],
    ['Pulling', 'Pulled'],
  ],
  [
    'without a tag',
    'r.example/b',
    undefined,
    'sha256:r.example/b:latest',
    ['r.example/b:latest as '],
    ['Pulling', 'Pulled'],
  ],
  [
    'Always pulls what is present',
    'r.example/a:1',
    'Always',
    'sha256:r.example/a:1',
    ['r.example/a:1 as '],
    ['Pulling', 'Pulled'],
  ],
  ['not to be had', 'b:1', undefined, 'ErrImagePull: no such image', ['b:1 as '], ['Pulling', 'Failed']],
  [
    'no name',
    'A',
    undefined,
    'InvalidImageName: Failed to apply default image tag "A": couldn\'t parse image name "A": invalid reference format: repository name (library/A) must be lowercase',
    [],
    ['InspectFailed'],
  ],
])('K14: %s', async (_, image, policy, want, pulls, events) => {
  const s = scene(['a:1', 'r.example/a:1']);
  expect(await s.ensure(container(image, policy))).toBe(want);
  expect([s.pulls, s.events]).toEqual([pulls, events]);
});

test('K14: back-off of 10 s, then 20 s, shown with the failure', async () => {
  const s = scene([]);
  const c = container('b:1');
  await s.ensure(c);
  expect(await s.ensure(c)).toBe(
    'ImagePullBackOff: Back-off pulling image "b:1": ErrImagePull: no such image',
  );
  await s.clock.advance(10_000);
  expect(await s.ensure(c)).toBe('ErrImagePull: no such image');
  await s.clock.advance(10_000);
  expect(await s.ensure(c)).toMatch(/^ImagePullBackOff/);
  await s.clock.advance(10_000);
  expect(await s.ensure(c)).toMatch(/^ErrImagePull/);
  expect(s.pulls.length).toBe(3);
});

test('K14: each pull secret in turn; one that is missing is told, not fatal', async () => {
  const s = scene([]);
  const imagePullSecrets = [{ name: 'none' }, { name: 'bad' }, { name: 'good' }];
  expect(await s.ensure(container('r.example/b:1'), pod({ imagePullSecrets }))).toBe('sha256:r.example/b:1');
  expect(s.pulls).toEqual(['r.example/b:1 as bad', 'r.example/b:1 as good']);
  expect(s.events).toEqual(['FailedToRetrieveImagePullSecret', 'Pulling', 'Pulled']);
});

test('K14: what happens to the image of a volume is told of the pod', async () => {
  const told: string[] = [];
  const s = scene([], undefined, {
    pod: (_pod, type, reason, message) => told.push(`${type} ${reason} ${message}`),
  });
  await s.ensure(container('b:1'), pod(), true);
  expect([told, s.events]).toEqual([
    ['Normal Pulling Pulling image "b:1"', 'Warning Failed Failed to pull image "b:1": no such image'],
    [],
  ]);
});

describe('K14: an image that is present and was pulled with a secret', () => {
  const present = (policy: string | undefined, secrets: readonly string[]) => {
    const s = scene(['r.example/a:1']);
    s.guarded.set('r.example/a', 'good');
    const p = pod({ imagePullSecrets: secrets.map((name) => ({ name })) });
    return { ...s, answer: s.ensure(container('r.example/a:1', policy), p) };
  };

  test('is used by who has the secret', async () => {
    const s = present('IfNotPresent', ['good']);
    expect([await s.answer, s.pulls, s.events]).toEqual(['sha256:r.example/a:1', [], ['Pulled']]);
  });

  test('is pulled by who has another', async () => {
    const s = present('IfNotPresent', ['bad']);
    expect(await s.answer).toMatch(/^ErrImagePull/);
    expect([s.pulls, s.recorded]).toEqual([
      ['r.example/a:1 as bad'],
      ['pulling r.example/a:1', 'failed r.example/a:1'],
    ]);
  });

  test('is as good as not there for who may not pull', async () => {
    const s = present('Never', []);
    expect(await s.answer).toMatch(/^ErrImageNeverPull/);
    expect(s.pulls).toEqual([]);
  });
});

test('K14: no more pulls begin in a time than registryPullQPS lets; what is present is not held up', async () => {
  const s = scene(['a:1'], undefined, {}, { qps: 0.5, burst: 2 });
  const names = ['r.example/1:1', 'r.example/2:1', 'r.example/3:1'];
  const all = Promise.all(names.map((name) => s.ensure(container(name))));
  await s.clock.advance(1900);
  expect([s.pulls.length, await s.ensure(container('a:1'))]).toEqual([2, 'sha256:a:1']);
  await s.clock.advance(200);
  expect(await all).toEqual(names.map((name) => `sha256:${name}`));
});

test('K14: whose credential an image was pulled with is recorded', async () => {
  const s = scene([]);
  await s.ensure(container('r.example/b:1'), pod({ imagePullSecrets: [{ name: 'good' }] }));
  await s.ensure(container('r.example/c:1'));
  expect(s.recorded).toEqual([
    'pulling r.example/b:1',
    'pulled r.example/b sha256:r.example/b:1 good',
    'pulling r.example/c:1',
    'pulled r.example/c sha256:r.example/c:1 anonymous',
  ]);
});
