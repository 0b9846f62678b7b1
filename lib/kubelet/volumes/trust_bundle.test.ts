import type { ClusterTrustBundle } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { ApiError } from '../../client/errors.ts';
import { fakeClient } from '../../client/fake_client.ts';
import { createTrustBundleReader, mergedCertificates, type TrustBundleSource } from './trust_bundle.ts';

const pem = (text: string): string => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
const bundle = (name: string, signerName: string, labels: Record<string, string>, ...certs: string[]) => ({
  metadata: { name, labels },
  spec: { signerName, trustBundle: certs.map(pem).join('') },
});
const SIGNER = 'example.com/ca';

function scene(enabled = true) {
  const asked: string[] = [];
  const bundles: ClusterTrustBundle[] = [
    bundle('old', SIGNER, { live: 'yes' }, 'B', 'A'),
    bundle('new', SIGNER, { live: 'yes' }, 'A', 'C'),
    bundle('dead', SIGNER, { live: 'no' }, 'D'),
    bundle('other', 'example.com/other', { live: 'yes' }, 'E'),
  ];
  const given = <T>(value: unknown): Promise<T> =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each test asks for what it gives
    Promise.resolve(value as T);
  const client = fakeClient({
    get: (_resource, { name }) => {
      asked.push(name);
      const found = bundles.find((b) => b.metadata.name === name);
      return found === undefined
        ? Promise.reject(new ApiError('gone', { status: 404, reason: 'NotFound' }))
        : given(found);
    },
    list: (_resource, options) => {
      asked.push(options?.fieldSelector ?? '');
      return given({ items: bundles, metadata: {} });
    },
  });
  const clock = new FakeClock(0);
  const reader = createTrustBundleReader(client, clock, enabled);
  const anchors = async (source: Omit<TrustBundleSource, 'path'>): Promise<string> =>
    (await reader.anchors({ path: 'ca.pem', ...source }, new AbortController().signal)).pem;
  return { anchors, asked, bundles, clock };
}

test.each<[string, Omit<TrustBundleSource, 'path'>, string[]]>([
  ['by name', { name: 'old' }, ['A', 'B']],
  [
    'by signer and labels, each certificate once',
    { signerName: SIGNER, labelSelector: { matchLabels: { live: 'yes' } } },
    ['A', 'B', 'C'],
  ],
  [
    'by signer, an empty selector: all of it',
    { signerName: SIGNER, labelSelector: {} },
    ['A', 'B', 'C', 'D'],
  ],
  ['no selector: none of it', { signerName: SIGNER, optional: true }, []],
  ['one that is not there and need not be', { name: 'none', optional: true }, []],
])('K15: clusterTrustBundle: %s', async (_, source, want) => {
  expect(await scene().anchors(source)).toBe(want.map(pem).join(''));
});

test.each<[Omit<TrustBundleSource, 'path'>, boolean, string]>([
  [{ name: 'none' }, true, 'clustertrustbundle.certificates.k8s.io "none" not found'],
  [
    { signerName: SIGNER, labelSelector: { matchLabels: { live: 'maybe' } } },
    true,
    'combination of signerName and labelSelector matched zero ClusterTrustBundles',
  ],
  [
    { name: 'old' },
    false,
    'projected volume source clusterTrustBundle: ClusterTrustBundleProjection is not enabled',
  ],
])('K15: clusterTrustBundle %j, gate %p: %s', async (source, enabled, message) => {
  await expect(scene(enabled).anchors(source)).rejects.toThrow(message);
});

test('K15: clusterTrustBundle: read once a minute; what is missing with each try', async () => {
  const s = scene();
  await s.anchors({ name: 'old' });
  await s.anchors({ name: 'old' });
  expect(s.asked).toEqual(['old']);
  s.bundles[0] = bundle('old', SIGNER, {}, 'Z');
  await s.clock.advance(60_000);
  expect(await s.anchors({ name: 'old' })).toBe(pem('Z'));
  await s.anchors({ name: 'none' }).catch(() => undefined);
  s.bundles.push(bundle('none', SIGNER, {}, 'Y'));
  expect(await s.anchors({ name: 'none' })).toBe(pem('Y'));
});

test('K15: clusterTrustBundle: text around certificates is left out', () => {
  expect(mergedCertificates([`# a comment\r\n${pem('A')}rest`, pem('A')])).toBe(pem('A'));
});
