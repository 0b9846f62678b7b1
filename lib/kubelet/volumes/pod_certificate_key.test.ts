import { generatePodKey } from './pod_certificate_key.ts';

test.each([
  ['RSA3072', { modulusLength: 3072 }],
  ['ECDSAP256', { namedCurve: 'prime256v1' }],
  ['ECDSAP384', { namedCurve: 'secp384r1' }],
  ['ECDSAP521', { namedCurve: 'secp521r1' }],
  ['ED25519', {}],
])('K15: podCertificate: a key of type %s', async (keyType, details) => {
  const key = await generatePodKey(keyType);
  expect([key.type, key.asymmetricKeyDetails]).toMatchObject(['private', details]);
});

test.each(['RSA1024', 'toString', ''])('K15: podCertificate: key type %j is refused', async (keyType) => {
  await expect(generatePodKey(keyType)).rejects.toThrow(
    /^keyType: got ".*", want one of RSA3072, RSA4096, ECDSAP256, ECDSAP384, ECDSAP521, ED25519$/,
  );
});
