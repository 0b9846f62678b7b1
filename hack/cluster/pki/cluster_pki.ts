/**
 * The certificates of one cluster: three authorities (cluster, etcd, aggregation front proxy), one identity per
 * component. No identity is in `system:masters`.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import type { AddressPlan } from '../address_plan.ts';
import { createAuthority, createSigningKey, issue } from './certificate.ts';
import type { CertificateRequest, KeyPair, Subject } from './certificate.ts';

/** The group of the person who runs the cluster; RBAC binds it to cluster-admin. */
export const ADMIN_GROUP = 'ts-kubernetes:cluster-admins';
/** The apiserver's user towards kubelets; RBAC binds it to system:kubelet-api-admin. */
export const KUBELET_CLIENT_USER = 'kube-apiserver-kubelet-client';

type Authority = 'ca' | 'etcd-ca' | 'front-proxy-ca';

/** One certificate to be had. */
export interface WantedCertificate {
  /** File name without ending. */
  readonly file: string;
  readonly authority: Authority;
  readonly subject: Subject;
  readonly usages: readonly ('client' | 'server')[];
  readonly names: readonly string[];
}

const DAY_MS = 86_400_000;

/** All leaf certificates of a cluster with this plan. */
export function wantedCertificates(plan: AddressPlan): WantedCertificate[] {
  const client = (file: string, commonName: string, organizations: string[] = []): WantedCertificate => ({
    file,
    authority: 'ca',
    subject: { commonName, organizations },
    usages: ['client'],
    names: [],
  });
  const server = (file: string, names: string[], authority: Authority = 'ca'): WantedCertificate => ({
    file,
    authority,
    subject: { commonName: file },
    usages: authority === 'etcd-ca' ? ['server', 'client'] : ['server'],
    names,
  });
  return [
    server('etcd', ['localhost', '127.0.0.1', plan.host], 'etcd-ca'),
    { ...client('apiserver-etcd-client', 'kube-apiserver-etcd-client'), authority: 'etcd-ca' },
    server('apiserver', [
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
      'localhost',
      '127.0.0.1',
      plan.host,
      plan.apiserverService,
    ]),
    client('apiserver-kubelet-client', KUBELET_CLIENT_USER),
    { ...client('front-proxy-client', 'front-proxy-client'), authority: 'front-proxy-ca' },
    server('kube-controller-manager-serving', ['localhost', '127.0.0.1', plan.host]),
    server('kube-scheduler-serving', ['localhost', '127.0.0.1', plan.host]),
    client('admin', 'kubernetes-admin', [ADMIN_GROUP]),
    client('kube-controller-manager', 'system:kube-controller-manager'),
    client('kube-scheduler', 'system:kube-scheduler'),
    client('kube-proxy', 'system:kube-proxy'),
    ...plan.nodes.flatMap((node) => [
      client(`kubelet-${node.name}`, `system:node:${node.name}`, ['system:nodes']),
      server(`kubelet-${node.name}-serving`, [node.name, node.address]),
    ]),
  ];
}

/**
 * Makes what is missing in `dir` (or soon expires) and keeps the rest. Returns the names of the files it made.
 * Private keys are readable by root only.
 */
export async function ensurePki(dir: string, plan: AddressPlan, now: Date): Promise<string[]> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const made: string[] = [];
  const authorities = new Map<Authority, KeyPair>();
  for (const name of ['ca', 'etcd-ca', 'front-proxy-ca'] as const) {
    let pair = readPair(dir, name);
    if (pair === undefined) {
      pair = createAuthority(
        `ts-kubernetes-${name}`,
        new Date(now.getTime() - DAY_MS),
        new Date(now.getTime() + 3650 * DAY_MS),
      );
      await writePair(dir, name, pair);
      made.push(name);
    }
    authorities.set(name, pair);
  }
  for (const wanted of wantedCertificates(plan)) {
    const authority = authorities.get(wanted.authority);
    if (authority === undefined) throw new Error(`no authority ${wanted.authority}`);
    if (isGood(readPair(dir, wanted.file), authority, wanted, now)) continue;
    await writePair(dir, wanted.file, issue(authority, { ...wanted, ...validity(now) }));
    made.push(wanted.file);
  }
  if (!existsSync(path.join(dir, 'sa.key')) || !existsSync(path.join(dir, 'sa.pub'))) {
    const key = createSigningKey();
    await writeFile(path.join(dir, 'sa.key'), key.privateKey, { mode: 0o600 });
    await writeFile(path.join(dir, 'sa.pub'), key.publicKey);
    made.push('sa');
  }
  return made;
}

/**
 * A client certificate in `system:masters` that lives ten minutes and is never written down: with it hack/up binds
 * the admin group once, and nobody holds such power afterwards.
 */
export function bootstrapAdmin(dir: string, now: Date): KeyPair {
  const authority = readPair(dir, 'ca');
  if (authority === undefined) throw new Error(`${dir}: no cluster authority`);
  return issue(authority, {
    subject: { commonName: 'ts-kubernetes-bootstrap', organizations: ['system:masters'] },
    usages: ['client'],
    notBefore: new Date(now.getTime() - 60_000),
    notAfter: new Date(now.getTime() + 600_000),
  });
}

/** Reads certificate and key `name` of `dir`. */
export function readPair(dir: string, name: string): KeyPair | undefined {
  const [certificate, key] = [path.join(dir, `${name}.crt`), path.join(dir, `${name}.key`)];
  if (!existsSync(certificate) || !existsSync(key)) return undefined;
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}

async function writePair(dir: string, name: string, pair: KeyPair): Promise<void> {
  await writeFile(path.join(dir, `${name}.key`), pair.key, { mode: 0o600 });
  await writeFile(path.join(dir, `${name}.crt`), pair.certificate);
}

function validity(now: Date): Pick<CertificateRequest, 'notBefore' | 'notAfter'> {
  return { notBefore: new Date(now.getTime() - 3_600_000), notAfter: new Date(now.getTime() + 365 * DAY_MS) };
}

function isGood(
  pair: KeyPair | undefined,
  authority: KeyPair,
  wanted: WantedCertificate,
  now: Date,
): boolean {
  if (pair === undefined) return false;
  try {
    const certificate = new X509Certificate(pair.certificate);
    const issuer = new X509Certificate(authority.certificate);
    const names = wanted.names.every(
      (name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined,
    );
    const lasting = Date.parse(certificate.validTo) > now.getTime() + 30 * DAY_MS;
    return names && lasting && certificate.verify(issuer.publicKey);
  } catch {
    return false; // A torn file: made again.
  }
}
