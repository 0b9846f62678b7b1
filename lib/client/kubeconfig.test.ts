import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inClusterConfig, loadKubeconfig, parseKubeconfig } from './kubeconfig.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';
const BASE64 = Buffer.from(PEM).toString('base64');

function config(cluster: Record<string, unknown>, user: Record<string, unknown> = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    clusters: [{ name: 'k', cluster: { server: 'https://10.0.0.1:6443', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u', namespace: 'ns' } }],
  });
}
const parse = (text: string, options: object = {}) =>
  parseKubeconfig(text, { path: '/etc/k/config', ...options });

test.each([
  ['a CA inline', { 'certificate-authority-data': BASE64 }, { ca: { data: PEM } }],
  ['a CA by relative path', { 'certificate-authority': 'pki/ca.crt' }, { ca: { file: '/etc/k/pki/ca.crt' } }],
  [
    'inline before path',
    { 'certificate-authority': '/x', 'certificate-authority-data': BASE64 },
    { ca: { data: PEM } },
  ],
  ['no verification', { 'insecure-skip-tls-verify': true }, { insecureSkipVerify: true }],
  ['another server name', { 'tls-server-name': 'api' }, { serverName: 'api' }],
  ['nulls as kubeadm writes them', { 'certificate-authority': null }, {}],
])('%s', (_name, cluster, tls) => {
  expect(parse(config(cluster)).tls).toEqual(tls);
});

test('a proxy', () => {
  expect(parse(config({ 'proxy-url': 'http://u:p@proxy:3128' })).proxyUrl).toBe('http://u:p@proxy:3128');
  expect(parse(config({ 'proxy-url': '' })).proxyUrl).toBeUndefined();
});

test.each([
  [
    'a client certificate',
    { 'client-certificate': '/var/pem', 'client-key': 'k.pem' },
    { clientCertificate: { cert: { file: '/var/pem' }, key: { file: '/etc/k/k.pem' } } },
  ],
  ['a token', { token: 't' }, { token: 't' }],
  ['a token file', { tokenFile: 'tok', token: 't' }, { tokenFile: '/etc/k/tok', token: 't' }],
  ['a password', { username: 'a', password: 'b' }, { basic: { username: 'a', password: 'b' } }],
  [
    'impersonation',
    { as: 'a', 'as-groups': ['g'], 'as-uid': '1', 'as-user-extra': { k: ['v'] } },
    { impersonate: { user: 'a', uid: '1', groups: ['g'], extra: { k: ['v'] } } },
  ],
  [
    'a plugin',
    {
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1beta1',
        command: './bin/plugin',
        args: ['a'],
        env: [{ name: 'E', value: 'v' }],
      },
    },
    {
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1beta1',
        command: '/etc/k/bin/plugin',
        args: ['a'],
        env: { E: 'v' },
        provideClusterInfo: false,
      },
    },
  ],
])('%s', (_name, user, auth) => {
  expect(parse(config({}, user)).auth).toEqual(auth);
});

const EXEC = { apiVersion: 'client.authentication.k8s.io/v1', command: 'c', interactiveMode: 'Never' };
test.each([
  ['not YAML', 'a: [', /kubeconfig \/etc\/k\/config is not valid YAML/],
  ['no object', '7', /kubeconfig \/etc\/k\/config: got 7, want an object/],
  ['another kind', '{"kind": "Pod"}', /field "kind": got "Pod", want "Config"/],
  ['no context', '{}', /field "current-context" is empty/],
  [
    'an unknown context',
    '{"current-context": "x", "contexts": [{"name": "y"}]}',
    /no context named "x"; there are: "y"/,
  ],
  [
    'a server without scheme',
    config({ server: '10.0.0.1:6443' }),
    /field "clusters\[0\].cluster.server": got "10.0.0.1:6443", want a URL/,
  ],
  [
    'no server',
    config({ server: '' }),
    /field "clusters\[0\].cluster.server": got "", want a string that is not empty/,
  ],
  ['a number', config({}, { token: 5 }), /field "users\[0\].user.token": got 5, want a string/],
  [
    'a SOCKS proxy',
    config({ 'proxy-url': 'socks5://u:secret@p:1' }),
    /proxy-url": got "socks5:\/\/\.\.\.", want http:\/\/ or https:\/\/: SOCKS is not supported/,
  ],
  [
    'a proxy of another kind',
    config({ 'proxy-url': 'ftp://p' }),
    /proxy-url": got "ftp:\/\/\.\.\.", want a URL with http:\/\/ or https:\/\//,
  ],
  ['a proxy without scheme', config({ 'proxy-url': 'p' }), /proxy-url": got "p", want a URL/],
  [
    'a proxy without host',
    config({ 'proxy-url': 'http://' }),
    /proxy-url": got "http:\/\/\.\.\.", want a URL/,
  ],
  [
    'a CA without use',
    config({ 'certificate-authority': 'a', 'insecure-skip-tls-verify': true }),
    /insecure-skip-tls-verify": got true, want false/,
  ],
  [
    'base64 of nothing',
    config({ 'certificate-authority-data': 'eA==' }),
    /certificate-authority-data": want PEM text, base64-encoded/,
  ],
  [
    'a certificate without key',
    config({}, { 'client-certificate': 'a' }),
    /client-key": got nothing, want the private key/,
  ],
  ['a key without certificate', config({}, { 'client-key': 'a' }), /client-certificate": got nothing/],
  [
    'groups without user',
    config({}, { 'as-groups': ['g'] }),
    /"users\[0\].user.as": got nothing, want a user name/,
  ],
  ['an auth provider', config({}, { 'auth-provider': { name: 'gcp' } }), /auth providers were removed/],
  [
    'an old plugin',
    config({}, { exec: { ...EXEC, apiVersion: 'client.authentication.k8s.io/v1alpha1' } }),
    /exec.apiVersion": got ".*v1alpha1", want/,
  ],
  [
    'a plugin that asks',
    config({}, { exec: { ...EXEC, interactiveMode: 'Always' } }),
    /interactiveMode": got "Always", want "Never"/,
  ],
  [
    'a plugin without mode',
    config({}, { exec: { ...EXEC, interactiveMode: undefined } }),
    /interactiveMode": got nothing/,
  ],
])('%s is refused by name', (_name, text, message) => {
  expect(() => parse(text)).toThrow(message);
});

test('--master replaces the server, --context the context', () => {
  const text = config({});
  expect(parse(text, { server: 'http://127.0.0.1:8080/' }).server).toBe('http://127.0.0.1:8080');
  expect(() => parse(text, { context: 'other' })).toThrow('no context named "other"; there are: "c"');
  expect(loadKubeconfig({ server: 'https://h:1' })).toEqual({ server: 'https://h:1', tls: {}, auth: {} });
  expect(() => loadKubeconfig({ server: 'h:1' })).toThrow(/--master: got "h:1"/);
});

test('a file that is not there is named', () => {
  expect(() => loadKubeconfig({ path: '/nonexistent/config' })).toThrow(
    /cannot read kubeconfig \/nonexistent\/config: ENOENT/,
  );
});

describe('in a pod', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tsk-incluster-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };

  test('the service account and its volume are used', () => {
    for (const name of ['token', 'ca.crt', 'namespace']) writeFileSync(join(dir, name), `${name}\n`);
    expect(inClusterConfig(env, dir)).toEqual({
      server: 'https://[fd00::1]:443',
      namespace: 'namespace',
      tls: { ca: { file: join(dir, 'ca.crt') } },
      auth: { tokenFile: join(dir, 'token') },
    });
  });

  test('outside of one, it says what is missing', () => {
    expect(() => inClusterConfig({}, dir)).toThrow(/not in a pod: KUBERNETES_SERVICE_HOST/);
    expect(() => inClusterConfig(env, dir)).toThrow(/no service account token at/);
  });
});
