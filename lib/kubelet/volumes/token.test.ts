import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { fakeClient } from '../../client/fake_client.ts';
import { createTokenSource } from './token.ts';

const HOUR = 3_600_000;
const pod = {
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: { containers: [], serviceAccountName: 'sa' },
};

/** @param server by how much the clock of the API server is ahead, milliseconds */
function scene(server = 0, told = true) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const began = clock.now();
  let asked = 0;
  let refuses = false;
  const client = fakeClient({
    createSubresource: () => {
      if (refuses) return Promise.reject(new Error('no API server'));
      const answer = {
        spec: told ? { expirationSeconds: 3600 } : {},
        status: {
          token: `token ${++asked}`,
          expirationTimestamp: new Date(began + clock.monotonic() + server + HOUR).toISOString(),
        },
      };
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the only thing that is asked for
      return Promise.resolve(answer as never);
    },
  });
  const source = createTokenSource(client, clock, log, () => 0);
  const token = async (): Promise<string> =>
    (await source.token(pod, { audience: '', expirationSeconds: 3600 }, new AbortController().signal)).token;
  return { clock, log, token, refuse: (value: boolean) => (refuses = value) };
}

test('a token is kept for 80% of its life', async () => {
  const { clock, token } = scene();
  expect(await token()).toBe('token 1');
  await clock.advance(0.8 * HOUR - 1);
  expect(await token()).toBe('token 1');
  await clock.advance(1);
  expect(await token()).toBe('token 2');
});

test.each([HOUR, -HOUR])('K31: the same when the clock of the machine is set by %d ms', async (step) => {
  const { clock, token } = scene();
  expect(await token()).toBe('token 1');
  clock.stepWall(step);
  await clock.advance(0.8 * HOUR - 1);
  expect(await token()).toBe('token 1');
  await clock.advance(1);
  expect(await token()).toBe('token 2');
});

test.each([2 * HOUR, -2 * HOUR])('and when that of the API server is %d ms ahead', async (ahead) => {
  const { clock, token } = scene(ahead);
  expect(await token()).toBe('token 1');
  await clock.advance(0.8 * HOUR - 1);
  expect(await token()).toBe('token 1');
  await clock.advance(1);
  expect(await token()).toBe('token 2');
});

test('a server that tells no lifetime is believed as to the time at which the token expires', async () => {
  const { clock, token } = scene(0, false);
  expect(await token()).toBe('token 1');
  await clock.advance(0.8 * HOUR);
  expect(await token()).toBe('token 2');
});

test('a token that cannot be renewed serves for the rest of its life, tried again each minute', async () => {
  const { clock, log, token, refuse } = scene();
  expect(await token()).toBe('token 1');
  refuse(true);
  await clock.advance(0.8 * HOUR);
  expect(await token()).toBe('token 1');
  expect(log.messages).toEqual(['Could not renew a service account token; the old one is still valid']);
  await clock.advance(59_999);
  expect(await token()).toBe('token 1');
  expect(log.messages).toHaveLength(1);
  await clock.advance(0.2 * HOUR);
  await expect(token()).rejects.toThrow('failed to fetch token: no API server');
  refuse(false);
  expect(await token()).toBe('token 2');
});
