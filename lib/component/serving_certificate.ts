/** The certificate of a server by its flags: the given files, else one made by the server for itself. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic_file.ts';
import { errorMessage } from '../base/errors.ts';
import type { FileSourceOptions, Source } from './serving/certificates.ts';
import { CertificateError, checkKeyPair, fileKeyPair, SettableSource } from './serving/certificates.ts';
import type { KeyPair } from './x509/self_signed.ts';
import { selfSignedCertificate } from './x509/self_signed.ts';

export interface ServingCertificateOptions extends FileSourceOptions {
  /** Both, or both empty. */
  certFile: string;
  keyFile: string;
  /** Where a self-signed certificate is kept over restarts, as `<name>.crt` and `<name>.key`; empty: in memory only. */
  certDir: string;
  /** `kubelet`, `kube-scheduler`. */
  name: string;
  /** Names and addresses that a self-signed certificate is for; the first becomes its common name. */
  hosts: readonly string[];
}

/** @throws CertificateError naming the files that cannot be used */
export async function servingCertificate(options: ServingCertificateOptions): Promise<Source<KeyPair>> {
  const { certFile, keyFile, certDir, name, hosts, clock, log } = options;
  if (certFile !== '' || keyFile !== '') {
    if (certFile === '' || keyFile === '')
      throw new CertificateError('certificate and key file must be given together: one of them is empty');
    return fileKeyPair(certFile, keyFile, options);
  }
  const generate = (): KeyPair =>
    selfSignedCertificate({
      commonName: `${hosts[0] ?? name}@${Math.floor(clock.now() / 1000)}`,
      hosts,
      nowMs: clock.now(),
    });
  if (certDir === '') {
    log.info('Generated self-signed cert in-memory');
    return new SettableSource(generate());
  }
  const [cert, key] = [join(certDir, `${name}.crt`), join(certDir, `${name}.key`)];
  if (!(existsSync(cert) && existsSync(key) && usable(options, cert, key))) {
    const pair = generate();
    try {
      mkdirSync(certDir, { recursive: true, mode: 0o755 });
      await writeFileAtomic(key, pair.key, { mode: 0o600 });
      await writeFileAtomic(cert, pair.cert, { mode: 0o644 });
    } catch (err) {
      throw new CertificateError(
        `cannot keep the self-signed certificate in ${certDir}: ${errorMessage(err)}`,
        {
          cause: err,
        },
      );
    }
    log.info('Generated self-signed cert', { cert, key });
  }
  return fileKeyPair(cert, key, options);
}

/** Whether the certificate kept from earlier still serves: readable, matching and not about to expire. */
function usable({ clock, log, ...options }: ServingCertificateOptions, cert: string, key: string): boolean {
  const stop = new AbortController();
  try {
    const pair = fileKeyPair(cert, key, { ...options, clock, log, signal: stop.signal });
    return checkKeyPair(pair.current(), cert).validToDate.getTime() > clock.now();
  } catch (err) {
    log.error(err, 'Replacing the self-signed certificate', { cert });
    return false;
  } finally {
    stop.abort();
  }
}
