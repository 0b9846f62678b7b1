/** Where a server's certificates come from: files that are read again when they change, or the program itself. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock, Timer } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KeyPair } from '../x509/self_signed.ts';

/** Something that is loaded and may change: a key pair, a bundle of authorities. */
export interface Source<T> {
  current(): T;
  /** Calls back after each change. Returns the function that stops it. */
  onChange(listener: () => void): () => void;
}

/** A value that the program sets (rotated certificates, tests). */
export class SettableSource<T> implements Source<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  current(): T {
    return this.#value;
  }

  set(value: T): void {
    this.#value = value;
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** A certificate or authority file cannot be used; the message names it. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

export interface FileSourceOptions {
  clock: Clock;
  log: Log;
  /** Ends the watching. */
  signal: AbortSignal;
  /** How often the files are looked at. Default one minute, as upstream; changes are rare and a read is cheap. */
  intervalMs?: number;
}

const RELOAD_INTERVAL_MS = 60_000;

/**
 * A value made from the contents of files. It is made once at the start, where a failure throws; later a change that
 * cannot be used is logged (once per content) and the value before stays.
 *
 * @throws whatever `make` throws, at the start
 */
export function fileSource<T>(
  files: readonly string[],
  make: (contents: readonly string[]) => T,
  options: FileSourceOptions,
): Source<T> {
  const { clock, log, signal, intervalMs = RELOAD_INTERVAL_MS } = options;
  const read = (): string[] => files.map((file) => readCertificateFile(file));
  let seen = read();
  const source = new SettableSource(make(seen));
  let complaint = '';
  const look = (): void => {
    try {
      const contents = read();
      if (contents.every((text, i) => text === seen[i])) return;
      seen = contents;
      source.set(make(contents));
      complaint = '';
      log.info('Reloaded certificate files', { files });
    } catch (err) {
      if (errorMessage(err) !== complaint)
        log.error(err, 'Cannot reload certificate files, keeping what was loaded', { files });
      complaint = errorMessage(err);
    }
  };
  let timer: Timer | undefined;
  const arm = (): void => {
    timer = clock.setTimer(intervalMs, () => {
      look();
      arm();
    });
  };
  arm();
  signal.addEventListener('abort', () => timer?.cancel(), { once: true });
  return source;
}

/** A server certificate and its key from two files. @throws CertificateError when they cannot be used together */
export function fileKeyPair(certFile: string, keyFile: string, options: FileSourceOptions): Source<KeyPair> {
  return fileSource(
    [certFile, keyFile],
    ([cert = '', key = '']) => {
      checkKeyPair({ cert, key }, `${certFile}, ${keyFile}`);
      return { cert, key };
    },
    options,
  );
}

/** @throws CertificateError naming `where` unless the key belongs to the (first) certificate */
export function checkKeyPair(pair: KeyPair, where: string): X509Certificate {
  let certificate: X509Certificate;
  let matches: boolean;
  try {
    certificate = new X509Certificate(pair.cert);
    matches = certificate.checkPrivateKey(createPrivateKey(pair.key));
  } catch (err) {
    throw new CertificateError(`${where}: not a PEM certificate and key: ${errorMessage(err)}`, {
      cause: err,
    });
  }
  if (!matches) throw new CertificateError(`${where}: the private key does not belong to the certificate`);
  return certificate;
}

function readCertificateFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (err) {
    throw new CertificateError(`cannot read ${file}: ${errorMessage(err)}`, { cause: err });
  }
}
