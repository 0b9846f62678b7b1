import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { nullLog } from '../../base/log.ts';
import { Metrics } from '../../component/metrics.ts';
import { PullRecords } from '../images/pull_records.ts';
import { imageMetrics } from './image_metrics.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tsk-image-metrics-'));
});
afterEach(() => rm(dir, { recursive: true }));

const lines = async (metrics: Metrics): Promise<string[]> =>
  (await metrics.registry.metrics()).split('\n').filter((line) => /^\w/.test(line));

test('K27: images that were asked for, by policy and what had to be done', async () => {
  const metrics = new Metrics();
  const { requested } = imageMetrics(metrics);
  requested({ policy: 'IfNotPresent', present: false, pulls: true });
  requested({ policy: 'Never', present: true, pulls: false });
  const name = 'kubelet_image_manager_ensure_image_requests_total';
  expect(await lines(metrics)).toEqual([
    `${name}{pull_policy="ifnotpresent",present_locally="false",pull_required="true"} 1`,
    `${name}{pull_policy="never",present_locally="true",pull_required="false"} 1`,
  ]);
});

test('K27: what is recorded of pulls, and what came out when access was asked for', async () => {
  const metrics = new Metrics();
  const counted = imageMetrics(metrics);
  const records = await PullRecords.load({
    dir,
    verification: { policy: 'NeverVerifyPreloadedImages', allowlist: [] },
    observe: counted.checked,
    clock: systemClock,
    log: nullLog,
  });
  counted.follow(records);
  const ask = (id: string): boolean => records.asks('r.example/a', 'r.example/a:1', id);
  expect(ask('preloaded')).toBe(false);
  const secret = { kind: 'secret', uid: 'u', namespace: 'ns', name: 's', hash: 'h' } as const;
  await records.pulling('r.example/a:1');
  await records.pulling('r.example/b:1');
  await records.pulled('r.example/a', 'r.example/a:1', 'id', secret);
  // Asked without credentials first, which alone decides nothing.
  expect(ask('id')).toBe(true);
  expect(records.mayUse('r.example/a', 'r.example/a:1', 'id', [])).toBe(false);
  expect(records.mayUse('r.example/a', 'r.example/a:1', 'id', [secret])).toBe(true);
  const checks = 'kubelet_imagemanager_image_mustpull_checks_total';
  expect(await lines(metrics)).toEqual([
    `${checks}{result="credentialPolicyAllowed"} 1`,
    `${checks}{result="mustAuthenticate"} 1`,
    `${checks}{result="credentialRecordFound"} 1`,
    'kubelet_imagemanager_ondisk_pulledrecords 1',
    'kubelet_imagemanager_ondisk_pullintents 1',
  ]);
});
