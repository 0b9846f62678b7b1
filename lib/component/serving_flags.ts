/** The generic flags of components that serve HTTPS, and what they amount to. */
import { flag } from './flag_types.ts';
import type { FlagValues } from './flags.ts';
import { defineFlags, FlagError } from './flags.ts';
import { errorMessage } from '../base/errors.ts';
import type { SniFiles } from './serving/sni.ts';
import { parseSniFiles } from './serving/sni.ts';
import type { Flag } from './flag_types.ts';
import { FlagValueError } from './flag_types.ts';

const section = 'Secure serving';

const sniFlag: Flag<readonly SniFiles[]> = {
  section,
  type: 'namedCertKey',
  default: [],
  help: 'A further certificate and its key, "cert,key", chosen when a client asks for one of the names behind an optional colon ("cert,key:*.foo.com,foo.com"), else for a name in the certificate. May be given several times.',
  parse(text, previous = []) {
    try {
      return [...previous, parseSniFiles(text)];
    } catch (err) {
      throw new FlagValueError(errorMessage(err), { cause: err });
    }
  },
  format: (value) =>
    `[${value.map((s) => `${s.certFile},${s.keyFile}${s.names.length > 0 ? `:${s.names.join(',')}` : ''}`).join(';')}]`,
};

/** @param defaults `port` of `--secure-port` */
export function secureServingFlags(defaults: { port: number }) {
  return defineFlags({
    'bind-address': flag.ip({
      section,
      default: '0.0.0.0',
      help: 'IP address to listen on for --secure-port. Unspecified (0.0.0.0, ::): all addresses of both families.',
    }),
    'cert-dir': flag.string({
      section,
      help: 'Folder in which the self-signed certificate is kept when no --tls-cert-file is given; empty: in memory.',
    }),
    'disable-http2-serving': flag.bool({ section, help: 'Serve HTTP/1.1 only, which is so in any case.' }),
    'http2-max-streams-per-connection': flag.int({
      section,
      help: 'Streams of an HTTP/2 connection. HTTP/1.1 alone is served, so nothing but 0 (the default) can be had.',
    }),
    'permit-address-sharing': flag.bool({
      section,
      help: 'Accepted for compatibility: SO_REUSEADDR is always set.',
    }),
    'permit-port-sharing': flag.bool({
      section,
      help: 'Set SO_REUSEPORT, so that several instances may listen on the same address and port.',
    }),
    'secure-port': flag.int({
      section,
      default: defaults.port,
      help: 'Port for HTTPS with authentication and authorization; 0: none.',
    }),
    'tls-cert-file': flag.string({
      section,
      help: 'File with the certificate for HTTPS, authorities behind it. Read again when it changes. Without it a self-signed one is made.',
    }),
    'tls-cipher-suites': flag.strings({
      section,
      help: 'Cipher suites up to TLS 1.2, by the names of Go; empty: the default ones.',
    }),
    'tls-curve-preferences': flag.ints({
      section,
      help: 'Key exchange groups by Go CurveID: 23, 24, 25, 29, 4588; empty: the default ones.',
    }),
    'tls-min-version': flag.string({
      section,
      help: 'Oldest TLS version: VersionTLS10, VersionTLS11, VersionTLS12 (default), VersionTLS13.',
    }),
    'tls-private-key-file': flag.string({ section, help: 'File with the private key of --tls-cert-file.' }),
    'tls-sni-cert-key': sniFlag,
  });
}

type ServingValues = FlagValues<ReturnType<typeof secureServingFlags>>;

/** @throws FlagError for values that do not go together */
export function checkServingFlags(values: ServingValues): void {
  const port = values['secure-port'];
  const streams = values['http2-max-streams-per-connection'];
  if (streams !== 0)
    throw new FlagError(
      `--http2-max-streams-per-connection: got ${streams}, want 0: HTTP/1.1 alone is served, no HTTP/2`,
    );
  if (port < 0 || port > 65535)
    throw new FlagError(`--secure-port ${port} must be between 0 and 65535, inclusive`);
  if ((values['tls-cert-file'] === '') !== (values['tls-private-key-file'] === ''))
    throw new FlagError('--tls-cert-file and --tls-private-key-file must be given together');
}

const authentication = 'Authentication';
const authorization = 'Authorization';

/** Authentication and authorization delegated to the apiserver. */
export const delegatedAuthFlags = defineFlags({
  'authentication-kubeconfig': flag.string({
    section: authentication,
    help: 'kubeconfig with the right to create tokenreviews. Empty: token requests are anonymous, no client CA is looked up.',
  }),
  'authentication-skip-lookup': flag.bool({
    section: authentication,
    help: 'Do not look up missing authentication settings in the cluster.',
  }),
  'authentication-token-webhook-cache-ttl': flag.duration({
    section: authentication,
    default: 10_000,
    help: 'How long verdicts on tokens are remembered.',
  }),
  'authentication-tolerate-lookup-failure': flag.bool({
    section: authentication,
    default: true,
    help: 'Start even when authentication settings cannot be looked up in the cluster.',
  }),
  'client-ca-file': flag.string({
    section: authentication,
    help: 'File with authorities whose client certificates are accepted: common name is the user, organizations the groups.',
  }),
  'requestheader-allowed-names': flag.strings({
    section: authentication,
    help: 'Common names of client certificates that may name users in headers; empty: any of --requestheader-client-ca-file.',
  }),
  'requestheader-client-ca-file': flag.string({
    section: authentication,
    help: 'File with authorities of the proxies that may name users in headers.',
  }),
  'requestheader-extra-headers-prefix': flag.strings({
    section: authentication,
    default: ['x-remote-extra-'],
    help: 'Prefixes of headers with extra user information.',
  }),
  'requestheader-group-headers': flag.strings({
    section: authentication,
    default: ['x-remote-group'],
    help: 'Headers with groups.',
  }),
  'requestheader-uid-headers': flag.strings({ section: authentication, help: 'Headers with user UIDs.' }),
  'requestheader-username-headers': flag.strings({
    section: authentication,
    default: ['x-remote-user'],
    help: 'Headers with user names.',
  }),
  'authorization-always-allow-paths': flag.strings({
    section: authorization,
    default: ['/healthz', '/readyz', '/livez'],
    help: 'Paths that anyone may get; a star at the end makes a prefix.',
  }),
  'authorization-kubeconfig': flag.string({
    section: authorization,
    help: 'kubeconfig with the right to create subjectaccessreviews. Empty: all but the always allowed paths is forbidden.',
  }),
  'authorization-webhook-cache-authorized-ttl': flag.duration({
    section: authorization,
    default: 10_000,
    help: 'How long a yes is remembered.',
  }),
  'authorization-webhook-cache-unauthorized-ttl': flag.duration({
    section: authorization,
    default: 10_000,
    help: 'How long a no is remembered.',
  }),
});
