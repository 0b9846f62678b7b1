/** TLS versions, cipher suites and curves under the names that flags and config files use (those of Go's crypto/tls). */
import { constants } from 'node:crypto';
import type { SecureVersion } from 'node:tls';

/** A name or number that is none of those allowed. */
export class TlsOptionError extends Error {
  override readonly name = 'TlsOptionError';
}

const VERSIONS: Readonly<Record<string, SecureVersion>> = {
  VersionTLS10: 'TLSv1',
  VersionTLS11: 'TLSv1.1',
  VersionTLS12: 'TLSv1.2',
  VersionTLS13: 'TLSv1.3',
};

/** Suites of TLS 1.3: always on, as in Go, whatever is configured. */
const TLS13_SUITES = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

/** Suites up to TLS 1.2: Go name to OpenSSL name. */
const SUITES: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
};

/** Named by upstream as insecure: accepted where OpenSSL still has them. */
const INSECURE_SUITES: Readonly<Record<string, string | undefined>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: 'ECDHE-ECDSA-AES128-SHA256',
  TLS_ECDHE_ECDSA_WITH_RC4_128_SHA: undefined,
  TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA: undefined,
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: 'ECDHE-RSA-AES128-SHA256',
  TLS_ECDHE_RSA_WITH_RC4_128_SHA: undefined,
  TLS_RSA_WITH_3DES_EDE_CBC_SHA: undefined,
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_128_CBC_SHA256: 'AES128-SHA256',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  TLS_RSA_WITH_RC4_128_SHA: undefined,
};

/** Go's CurveID to OpenSSL's group name. */
const CURVES: ReadonlyMap<number, string> = new Map([
  [23, 'P-256'],
  [24, 'P-384'],
  [25, 'P-521'],
  [29, 'X25519'],
  [4588, 'X25519MLKEM768'],
]);

/** The order in which a server prefers suites, whatever the order in which they are configured: that of Go. */
const PREFERENCE = [
  /^ECDHE-.*-AES128-GCM/,
  /^ECDHE-.*-AES256-GCM/,
  /^ECDHE-.*-CHACHA20/,
  /^ECDHE-/,
  /GCM/,
  /^/,
];

function rankOf(suite: string): number {
  return PREFERENCE.findIndex((pattern) => pattern.test(suite));
}

/** What is served when no suites are configured. */
const DEFAULT_SUITES = Object.keys(SUITES).filter((name) => !name.endsWith('POLY1305'));

export interface TlsSettings {
  /** `VersionTLS12`, ...; empty: 1.2. */
  readonly minVersion?: string;
  /** Go names; empty: the default suites. */
  readonly cipherSuites?: readonly string[];
  /** Go's CurveID values; empty: the default curves. */
  readonly curves?: readonly number[];
}

export interface NodeTlsSettings {
  readonly minVersion: SecureVersion;
  readonly ciphers: string;
  readonly ecdhCurve?: string;
  readonly secureOptions: number;
}

/**
 * @returns settings for node:tls, and warnings about suites that are insecure
 * @throws TlsOptionError naming what is unknown and what is allowed
 */
export function nodeTlsSettings(settings: TlsSettings): {
  tls: NodeTlsSettings;
  warnings: readonly string[];
} {
  const minVersion = VERSIONS[settings.minVersion || 'VersionTLS12'];
  if (minVersion === undefined)
    throw new TlsOptionError(
      `unknown TLS version "${settings.minVersion}", want one of ${Object.keys(VERSIONS).join(', ')}`,
    );
  const warnings: string[] = [];
  const wanted = settings.cipherSuites?.length ? settings.cipherSuites : DEFAULT_SUITES;
  const ciphers = wanted.flatMap((name) => {
    if (TLS13_SUITES.includes(name)) return [];
    const known = SUITES[name];
    if (known !== undefined) return [known];
    if (!Object.hasOwn(INSECURE_SUITES, name))
      throw new TlsOptionError(
        `cipher suite "${name}" not supported or doesn't exist, want some of ${[...TLS13_SUITES, ...Object.keys(SUITES)].join(', ')}`,
      );
    const insecure = INSECURE_SUITES[name];
    warnings.push(
      insecure === undefined
        ? `Cipher suite ${name} is broken and not offered`
        : `Use of insecure cipher suite ${name} detected`,
    );
    return insecure === undefined ? [] : [insecure];
  });
  const curves = (settings.curves ?? []).map((id) => {
    const group = CURVES.get(id);
    if (group === undefined)
      throw new TlsOptionError(`unknown TLS curve ${id}, want some of ${[...CURVES.keys()].join(', ')}`);
    return group;
  });
  return {
    tls: {
      minVersion,
      // Unless a list names suites of TLS 1.3, Node turns that version off altogether.
      ciphers: [...TLS13_SUITES, ...[...new Set(ciphers)].toSorted((a, b) => rankOf(a) - rankOf(b))].join(
        ':',
      ),
      ...(curves.length > 0 ? { ecdhCurve: curves.join(':') } : {}),
      // Without tickets every connection shows its client certificate with all intermediates.
      secureOptions:
        constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_NO_RENEGOTIATION,
    },
    warnings,
  };
}
