import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { addressPlan } from '../address_plan.ts';
import { bootstrapAdmin, ensurePki, readPair, wantedCertificates } from './cluster_pki.ts';

const NOW = new Date('2026-11-21T05:00:00Z');
const plan = addressPlan(3, 2);
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'tsk-pki-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

test('nobody is in system:masters, and every component is somebody else', () => {
  const wanted = wantedCertificates(plan);
  expect(wanted.flatMap((one) => one.subject.organizations ?? [])).not.toContain('system:masters');
  const users = wanted.filter((one) => one.usages.includes('client')).map((one) => one.subject.commonName);
  expect(new Set(users).size).toBe(users.length);
  expect(users).toContain('system:node:node-2');
});

test('made once, then left alone', async () => {
  await expect(ensurePki(dir, plan, NOW)).resolves.toContain('apiserver');
  await expect(ensurePki(dir, plan, NOW)).resolves.toEqual([]);
  for (const name of readdirSync(dir).filter((one) => one.endsWith('.key')))
    expect(statSync(path.join(dir, name)).mode & 0o077).toBe(0);
});

test('a node more: only its certificates are made', async () => {
  await ensurePki(dir, plan, NOW);
  await expect(ensurePki(dir, addressPlan(3, 3), NOW)).resolves.toEqual([
    'kubelet-node-3',
    'kubelet-node-3-serving',
  ]);
});

test('torn, expiring and foreign certificates are made again', async () => {
  await ensurePki(dir, plan, NOW);
  writeFileSync(path.join(dir, 'admin.crt'), '-----BEGIN CERT');
  writeFileSync(path.join(dir, 'kube-proxy.crt'), readPair(dir, 'etcd')?.certificate ?? '');
  await expect(ensurePki(dir, plan, NOW)).resolves.toEqual(['admin', 'kube-proxy']);
  const nextYear = new Date(NOW.getTime() + 350 * 86_400_000);
  expect(await ensurePki(dir, plan, nextYear)).toHaveLength(wantedCertificates(plan).length);
});

test('the bootstrap identity is mighty, short-lived and on no disk', async () => {
  await ensurePki(dir, plan, NOW);
  const before = readdirSync(dir);
  const certificate = new X509Certificate(bootstrapAdmin(dir, NOW).certificate);
  expect(certificate.subject).toContain('O=system:masters');
  expect(Date.parse(certificate.validTo) - NOW.getTime()).toBe(600_000);
  expect(readdirSync(dir)).toEqual(before);
});
