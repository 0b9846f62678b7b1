import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { PullRecords } from './pull_records.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-pulls-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
const load = (log = new RecordingLog()) =>
  PullRecords.load({
    dir,
    verification: { policy: 'NeverVerifyPreloadedImages', allowlist: [] },
    clock,
    log,
  });
const owner = { kind: 'secret', uid: 'u', namespace: 'ns', name: 's', hash: 'h' } as const;
const [NAME, REFERENCE, ID] = ['r.example/a', 'r.example/a:1', 'sha256:1'] as const;

test('K14: what was pulled with a secret is for who has it, also after a restart', async () => {
  const first = await load();
  expect(first.asks(NAME, REFERENCE, ID)).toBe(false); // preloaded, as far as is known
  await first.pulling(REFERENCE);
  await first.pulled(NAME, REFERENCE, ID, owner);
  const again = await load();
  for (const records of [first, again]) {
    expect([
      records.asks(NAME, REFERENCE, ID),
      records.mayUse(NAME, REFERENCE, ID, []),
      records.mayUse(NAME, REFERENCE, ID, [owner]),
      records.mayUse('r.example/other', 'r.example/other:1', ID, [owner]), // the same image by another name
    ]).toEqual([true, false, true, false]);
  }
});

test('K14: the files are those of stock', async () => {
  const records = await load();
  await records.pulling(REFERENCE);
  const [intent = ''] = readdirSync(join(dir, 'pulling'));
  expect(JSON.parse(readFileSync(join(dir, 'pulling', intent), 'utf8'))).toEqual({
    kind: 'ImagePullIntent',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    image: REFERENCE,
  });
  await records.pulled(NAME, REFERENCE, ID, owner);
  expect(readdirSync(join(dir, 'pulling'))).toEqual([]);
  const [file = ''] = readdirSync(join(dir, 'pulled'));
  expect(file).toMatch(/^sha256-[0-9a-f]{64}$/);
  expect(statSync(join(dir, 'pulled', file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(join(dir, 'pulled', file), 'utf8'))).toEqual({
    kind: 'ImagePulledRecord',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    lastUpdatedTime: '2026-01-01T00:00:00Z',
    imageRef: ID,
    credentialMapping: {
      [NAME]: { kubernetesSecrets: [{ uid: 'u', namespace: 'ns', name: 's', credentialHash: 'h' }] },
    },
  });
});

test('K14: a pull that a kubelet before this one began: what turns up is no preloaded image', async () => {
  await (await load()).pulling(REFERENCE);
  const records = await load();
  expect(records.mayUse(NAME, REFERENCE, ID, [owner])).toBe(false);
  await records.pulling(REFERENCE);
  await records.pullFailed(REFERENCE);
  expect(records.mayUse(NAME, REFERENCE, ID, [])).toBe(true);
});

test('K14: of two pulls at once the first to end does not end the other', async () => {
  const records = await load();
  await Promise.all([records.pulling(REFERENCE), records.pulling(REFERENCE)]);
  await records.pullFailed(REFERENCE);
  expect(readdirSync(join(dir, 'pulling')).length).toBe(1);
  await records.pullFailed(REFERENCE);
  expect(readdirSync(join(dir, 'pulling'))).toEqual([]);
});

test('K14: records of images that are gone go, but not of one pulled meanwhile', async () => {
  const records = await load();
  for (const id of ['sha256:1', 'sha256:2']) await records.pulled(NAME, REFERENCE, id, owner);
  const before = clock.now();
  await clock.advance(1000);
  await records.pulled(NAME, REFERENCE, 'sha256:3', owner);
  await records.prune(new Set(['sha256:1']), before + 1);
  expect(['sha256:1', 'sha256:2', 'sha256:3'].map((id) => records.asks(NAME, REFERENCE, id))).toEqual([
    true,
    false,
    true,
  ]);
  expect(readdirSync(join(dir, 'pulled')).length).toBe(2);
});

test.each([
  '',
  '{',
  '[]',
  '{"imageRef":"x","lastUpdatedTime":"t","credentialMapping":{"a":{"kubernetesSecrets":[{}]}}}',
])('K14, K31: a file that says %j is set aside and reported', async (text) => {
  await load();
  const path = join(dir, 'pulled', `sha256-${'0'.repeat(64)}`);
  writeFileSync(path, text);
  const log = new RecordingLog();
  await load(log);
  expect([log.entries.length, existsSync(path), existsSync(`${path}.corrupt`)]).toEqual([1, false, true]);
});

test('K14: a disk that takes no record keeps no pod from starting', async () => {
  const log = new RecordingLog();
  const records = await load(log);
  rmSync(dir, { recursive: true });
  await records.pulling(REFERENCE);
  await records.pulled(NAME, REFERENCE, ID, owner);
  expect([log.entries.length, records.mayUse(NAME, REFERENCE, ID, [owner])]).toEqual([2, true]);
});
