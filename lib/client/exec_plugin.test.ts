import { parseExecCredential, runExecPlugin } from './exec_plugin.ts';

const V1 = 'client.authentication.k8s.io/v1';
const answer = (status: unknown, fields: object = {}): string =>
  JSON.stringify({ apiVersion: V1, kind: 'ExecCredential', status, ...fields });
const parse = (output: string) => parseExecCredential(output, V1, 'exec plugin p');

test.each([
  ['a token', { token: 't' }, { token: 't' }],
  [
    'a certificate',
    { clientCertificateData: 'c', clientKeyData: 'k' },
    { clientCertificate: { cert: 'c', key: 'k' } },
  ],
  [
    'an expiry',
    { token: 't', expirationTimestamp: '1970-01-01T00:00:01Z' },
    { token: 't', expiresAtMs: 1_000 },
  ],
])('%s', (_name, status, credential) => {
  expect(parse(answer(status))).toEqual(credential);
});

test.each([
  ['no JSON', 'token: secret', 'its output is not JSON'],
  ['another kind', '{"kind":"Secret"}', 'not an ExecCredential'],
  ['another version', answer({ token: 't' }, { apiVersion: 'v9' }), 'it answered apiVersion "v9"'],
  ['no status', answer(undefined), 'has no status'],
  ['nothing in it', answer({}), 'neither token nor certificate'],
  ['half a pair', answer({ clientKeyData: 'k' }), 'must come together'],
  ['a wrong type', answer({ token: 7 }), 'field "status.token" is not a string'],
  ['a wrong time', answer({ token: 't', expirationTimestamp: 'soon' }), 'not an RFC 3339 time'],
])('%s is refused, and never quoted', (_name, output, message) => {
  expect(() => parse(output)).toThrow(message);
  expect(() => parse(output)).not.toThrow('secret');
});

test('too much output ends the plugin', async () => {
  const plugin = {
    apiVersion: V1,
    command: process.execPath,
    args: ['-e', 'for (;;) require("node:fs").writeSync(1, "x".repeat(65536))'],
    env: {},
    provideClusterInfo: false,
  } as const;
  await expect(runExecPlugin(plugin, { server: 'https://x' })).rejects.toThrow(
    'more than 1048576 bytes of output',
  );
});
