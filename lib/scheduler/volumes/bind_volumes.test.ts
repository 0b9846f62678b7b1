import type { PersistentVolume, PersistentVolumeClaim } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { fakeClient } from '../../client/fake_client.ts';
import { emptyClusterStores } from '../framework/cluster_objects.ts';
import { node } from '../testing/objects.ts';
import { requestBindings, waitForBindings } from './bind_volumes.ts';

const claim = (
  extra: Partial<PersistentVolumeClaim['spec']> = {},
  annotations = {},
): PersistentVolumeClaim => ({
  metadata: { namespace: 'ns', name: 'c', uid: 'u', resourceVersion: '7', annotations },
  spec: { storageClassName: 'x', ...extra },
});
const bound = claim({ volumeName: 'v' }, { 'pv.kubernetes.io/bind-completed': 'yes' });
const volume = (zone?: string): PersistentVolume => ({
  metadata: { name: 'v', resourceVersion: '3' },
  spec:
    zone === undefined
      ? {}
      : {
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [zone] }] }],
            },
          },
        },
});
const here = node('n', { labels: { zone: 'a' } });

function setup() {
  const clock = new FakeClock();
  const objects = emptyClusterStores();
  const stop = new AbortController();
  objects.persistentVolumeClaims.put(claim());
  const wait = (options: { timeoutMs?: number } = {}): Promise<unknown> =>
    waitForBindings(
      [claim()],
      here,
      { client: fakeClient({}), clock, objects },
      {
        timeoutMs: options.timeoutMs ?? 60_000,
        provisioned: new Set(['ns/c']),
        signal: stop.signal,
      },
    ).then(
      () => 'bound',
      (err: unknown) => (err instanceof Error ? err.message : err),
    );
  return { clock, objects, stop, wait };
}

test('S4: asks for existing volumes by claimRef, for new ones by annotation, and both only as they were read', async () => {
  const calls: unknown[] = [];
  const client = fakeClient({
    update: (_r, object) => {
      calls.push(object);
      return answer();
    },
    patch: (_r, key, body) => {
      calls.push([key.name, body]);
      return answer();
    },
  });
  const edge = { client, clock: new FakeClock(), objects: emptyClusterStores() };
  const asked = claim({}, { 'volume.kubernetes.io/selected-node': 'n' });
  await requestBindings(
    { bindings: [{ volume: volume(), claim: claim() }], provisions: [claim(), asked] },
    'n',
    edge,
    new AbortController().signal,
  );
  expect(calls).toMatchObject([
    {
      metadata: {
        name: 'v',
        resourceVersion: '3',
        annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' },
      },
      spec: { claimRef: { namespace: 'ns', name: 'c', uid: 'u' } },
    },
    ['c', { metadata: { resourceVersion: '7', annotations: { 'volume.kubernetes.io/selected-node': 'n' } } }],
  ]);
  expect(calls).toHaveLength(2); // the claim that had the annotation is not written again
});

function answer<T>(): Promise<T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody reads it
  return Promise.resolve({} as T);
}

test('S4: waits until claim and volume are there', async () => {
  const { clock, objects, wait } = setup();
  const outcome = wait();
  await clock.advance(500);
  objects.persistentVolumeClaims.put(bound);
  await clock.advance(500);
  objects.persistentVolumes.put(volume('a'));
  await clock.advance(500);
  expect(await outcome).toBe('bound');
});

test.each<[string, (s: ReturnType<typeof setup>) => void, string]>([
  ['the time is up', () => undefined, 'timed out waiting for the condition: ns/c not bound'],
  [
    'the provisioner gives up',
    ({ objects }) =>
      objects.persistentVolumeClaims.put(claim({}, { 'volume.kubernetes.io/selected-node': '' })),
    'provisioning failed for PVC "c"',
  ],
  [
    'the claim goes',
    ({ objects }) => objects.persistentVolumeClaims.remove('ns/c'),
    'persistentvolumeclaim "c" not found',
  ],
  [
    'the volume is elsewhere',
    ({ objects }) => {
      objects.persistentVolumeClaims.put(bound);
      objects.persistentVolumes.put(volume('b'));
    },
    'pv "v" node affinity doesn\'t match node "n"',
  ],
  ['the scheduler stops', ({ stop }) => stop.abort(new Error('stopping')), 'stopping'],
])('S4: ends when %s', async (_name, happens, want) => {
  const s = setup();
  const outcome = s.wait({ timeoutMs: 5000 });
  await s.clock.advance(300);
  happens(s);
  await s.clock.advance(6000);
  expect(await outcome).toBe(want);
});
