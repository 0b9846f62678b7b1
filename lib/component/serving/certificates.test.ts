import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateAuthority } from '../../../test/fixtures/pki.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { servingCertificate } from '../serving_certificate.ts';
import { fileKeyPair } from './certificates.ts';
import { nodeTlsSettings } from './tls_options.ts';

const ca = new CertificateAuthority();
const first = ca.issue({ commonName: 'first', hosts: ['a'] });
const second = ca.issue({ commonName: 'second', hosts: ['a'] });

let dir: string;
let cert: string;
let key: string;
const clock = new FakeClock(Date.now());
let log: RecordingLog;
let stop: AbortController;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-certs-'));
  [cert, key] = [join(dir, 'tls.crt'), join(dir, 'tls.key')];
  log = new RecordingLog();
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  rmSync(dir, { recursive: true });
});

const options = () => ({ clock, log, signal: stop.signal });
const write = (pair: { cert: string; key: string }): void => {
  writeFileSync(cert, pair.cert);
  writeFileSync(key, pair.key);
};

test('K26: files are read again when they change', async () => {
  write(first);
  const source = fileKeyPair(cert, key, options());
  let changes = 0;
  source.onChange(() => changes++);
  expect(source.current().cert).toBe(first.cert);
  await clock.advance(60_000);
  expect(changes).toBe(0);
  write(second);
  await clock.advance(60_000);
  expect([changes, source.current().cert]).toEqual([1, second.cert]);
});

test('K26: a change that cannot be used is reported once, and what was loaded stays', async () => {
  write(first);
  const source = fileKeyPair(cert, key, options());
  writeFileSync(cert, second.cert); // the key comes a moment later
  await clock.advance(180_000);
  expect(source.current().cert).toBe(first.cert);
  expect(log.messages).toEqual(['Cannot reload certificate files, keeping what was loaded']);
  writeFileSync(key, second.key);
  await clock.advance(60_000);
  expect(source.current().cert).toBe(second.cert);
});

test('K26: files that vanish leave what was loaded', async () => {
  write(first);
  const source = fileKeyPair(cert, key, options());
  rmSync(cert);
  await clock.advance(60_000);
  expect(source.current().cert).toBe(first.cert);
});

test('K26: nothing is watched after the end', async () => {
  write(first);
  const source = fileKeyPair(cert, key, options());
  stop.abort();
  write(second);
  await clock.advance(60_000);
  expect(source.current().cert).toBe(first.cert);
});

test.each<[string, () => void, RegExp]>([
  ['missing files', () => undefined, /cannot read .*tls\.crt: .*ENOENT/],
  [
    'a key of another certificate',
    () => write({ cert: first.cert, key: second.key }),
    /tls\.crt, .*tls\.key: the private key does not belong to the certificate/,
  ],
  [
    'files that hold something else',
    () => write({ cert: 'x', key: 'y' }),
    /tls\.key: not a PEM certificate and key/,
  ],
])('K26: %s are refused at the start', (_, prepare, message) => {
  prepare();
  expect(() => fileKeyPair(cert, key, options())).toThrow(message);
});

describe('K26: without files a certificate is made', () => {
  const make = () =>
    servingCertificate({
      ...options(),
      certFile: '',
      keyFile: '',
      certDir: dir,
      name: 'kubelet',
      hosts: ['node-1', '127.0.0.1'],
    });

  test('and kept over restarts', async () => {
    const source = await make();
    expect((await make()).current()).toEqual(source.current());
  });

  test('and made anew once it has expired or is broken', async () => {
    const source = await make();
    writeFileSync(join(dir, 'kubelet.crt'), 'broken');
    const again = await make();
    expect(again.current()).not.toEqual(source.current());
    clock.stepWall(366 * 24 * 3_600_000);
    expect((await make()).current()).not.toEqual(again.current());
  });

  test('K31: and made anew after a kill between the key and the certificate', async () => {
    const source = await make();
    const other = ca.issue({ commonName: 'other' });
    writeFileSync(join(dir, 'kubelet.key'), other.key);
    const again = await make();
    expect(again.current()).not.toEqual(source.current());
    expect((await make()).current()).toEqual(again.current());
  });

  test('in memory without a folder', async () => {
    const source = await servingCertificate({
      ...options(),
      certFile: '',
      keyFile: '',
      certDir: '',
      name: 'x',
      hosts: [],
    });
    expect(source.current().cert).toContain('BEGIN CERTIFICATE');
  });
});

test('K26: half a pair of flags is refused', async () => {
  await expect(
    servingCertificate({ ...options(), certFile: cert, keyFile: '', certDir: '', name: 'x', hosts: [] }),
  ).rejects.toThrow('must be given together');
});

describe('K26: TLS settings', () => {
  test('by default: TLS 1.2 and the suites with forward secrecy', () => {
    const { tls, warnings } = nodeTlsSettings({});
    expect([tls.minVersion, warnings]).toEqual(['TLSv1.2', []]);
    expect(tls.ciphers.split(':')).toEqual(
      expect.arrayContaining(['TLS_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256']),
    );
    expect(tls.ciphers).not.toMatch(/(^|:)AES/);
  });

  test.each([
    ['by default', []],
    [
      'as configured in another order',
      [
        'TLS_RSA_WITH_AES_128_GCM_SHA256',
        'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
        'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
        'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
        'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
      ],
    ],
  ])(
    'suites %s: those that authenticate what they encrypt and keep no key go first, as in Go',
    (_, cipherSuites) => {
      const old = nodeTlsSettings({ cipherSuites }).tls.ciphers.split(':').slice(3);
      const kinds = old.map(
        (name) => `${name.startsWith('ECDHE') ? 'ECDHE' : 'RSA'} ${/GCM|CHACHA/.exec(name)?.[0] ?? 'CBC'}`,
      );
      expect(kinds.filter((kind, i) => kinds.indexOf(kind) === i)).toEqual(
        ['ECDHE GCM', 'ECDHE CHACHA', 'ECDHE CBC', 'RSA GCM'].filter((kind) => kinds.includes(kind)),
      );
      expect(old[0]).toMatch(/^ECDHE-(?:ECDSA|RSA)-AES128-GCM-SHA256$/);
    },
  );

  test('as configured, TLS 1.3 always on', () => {
    const { tls, warnings } = nodeTlsSettings({
      minVersion: 'VersionTLS13',
      cipherSuites: ['TLS_RSA_WITH_AES_128_CBC_SHA', 'TLS_RSA_WITH_RC4_128_SHA', 'TLS_AES_128_GCM_SHA256'],
      curves: [29, 23],
    });
    expect(tls).toMatchObject({
      minVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:AES128-SHA',
      ecdhCurve: 'X25519:P-256',
    });
    expect(warnings).toEqual([
      'Use of insecure cipher suite TLS_RSA_WITH_AES_128_CBC_SHA detected',
      'Cipher suite TLS_RSA_WITH_RC4_128_SHA is broken and not offered',
    ]);
  });

  test.each([
    [
      { minVersion: 'TLS1.2' },
      'unknown TLS version "TLS1.2", want one of VersionTLS10, VersionTLS11, VersionTLS12, VersionTLS13',
    ],
    [
      { cipherSuites: ['FOO'] },
      `cipher suite "FOO" not supported or doesn't exist, want some of TLS_AES_128_GCM_SHA256, `,
    ],
    [{ curves: [1] }, 'unknown TLS curve 1, want some of 23, 24, 25, 29, 4588'],
  ])('%j is refused', (settings, message) => {
    expect(() => nodeTlsSettings(settings)).toThrow(message);
  });
});
