/** Certificates with their keys in `--cert-dir`: one file each, and a link to the present one, as stock lays them out. */
import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, symlink, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeFileAtomic } from '../../base/atomic_file.ts';
import { errorCode } from '../../base/errors.ts';
import { parseIP } from '../../base/ip.ts';
import { CertificateError, checkKeyPair } from '../../component/serving/certificates.ts';
import type { KeyPair } from '../../component/x509/self_signed.ts';

export class CertificateStore {
  readonly #dir: string;
  readonly #name: string;

  /** @param name `kubelet-client` or `kubelet-server` */
  constructor(dir: string, name: string) {
    this.#dir = dir;
    this.#name = name;
  }

  /** The link to the present certificate and key: the path that kubeconfigs name. */
  get path(): string {
    return join(this.#dir, `${this.#name}-current.pem`);
  }

  /** The present pair; undefined without one. Rejects with {@link CertificateError} when the file holds none. */
  async current(): Promise<KeyPair | undefined> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    const pair = pairOf(text);
    if (pair === undefined)
      throw new CertificateError(`${this.path} does not hold a certificate and its key`);
    checkKeyPair(pair, this.path);
    return pair;
  }

  /** Keeps a new pair and makes it the present one; readers see the old or the new, never a part. */
  async update(pair: KeyPair, nowMs: number): Promise<void> {
    checkKeyPair(pair, `the new ${this.#name} certificate`);
    await mkdir(this.#dir, { recursive: true, mode: 0o755 });
    const at = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[T:]/g, '-');
    const file = join(this.#dir, `${this.#name}-${at}.pem`);
    await writeFileAtomic(file, `${pair.cert.trim()}\n${pair.key.trim()}\n`, { mode: 0o600 });
    const link = `${this.path}.new`;
    await unlink(link).catch(() => undefined);
    await symlink(basename(file), link);
    await rename(link, this.path);
  }
}

/** Splits a file of certificates and one key. */
export function pairOf(text: string): KeyPair | undefined {
  const blocks = text.match(/-----BEGIN ([A-Z ]+)-----[\s\S]*?-----END \1-----/g) ?? [];
  const certs = blocks.filter((block) => block.startsWith('-----BEGIN CERTIFICATE-----'));
  const key = blocks.find((block) => /^-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/.test(block));
  if (certs.length === 0 || key === undefined) return undefined;
  return { cert: `${certs.join('\n')}\n`, key: `${key}\n` };
}

/** Names and addresses that a certificate is for, sorted, as `node.status.addresses` writes them. */
export function namesIn(cert: string): readonly string[] {
  const names = (new X509Certificate(cert).subjectAltName ?? '').split(', ').flatMap((entry) => {
    const [, kind, value] = /^(DNS|IP Address):(.*)$/.exec(entry) ?? [];
    if (value === undefined) return [];
    return [kind === 'DNS' ? value : sameAddress(value)];
  });
  return [...new Set(names)].sort();
}

/** An address in the one form that all ways of writing it have in common; a name as it is. */
export function sameAddress(text: string): string {
  return parseIP(text)?.toString() ?? text;
}

/** First and last moment of a certificate, milliseconds since the epoch. */
export function validity(cert: string): { readonly fromMs: number; readonly untilMs: number } {
  const { validFrom, validTo } = new X509Certificate(cert);
  return { fromMs: Date.parse(validFrom), untilMs: Date.parse(validTo) };
}
