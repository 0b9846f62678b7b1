import type { CredentialOwner } from '../runtime/pull_credentials.ts';
import {
  hasPulled,
  mustVerify,
  type PulledBy,
  pulledAlsoBy,
  type VerificationPolicy,
} from './pull_verification.ts';

test.each<[VerificationPolicy['policy'], string, boolean, boolean]>([
  ['NeverVerify', 'r.example/a', true, false],
  ['NeverVerifyPreloadedImages', 'r.example/a', false, false],
  ['NeverVerifyPreloadedImages', 'r.example/a', true, true],
  ['NeverVerifyAllowlistedImages', 'r.example/a', false, true],
  ['NeverVerifyAllowlistedImages', 'r.example/b', false, false],
  ['NeverVerifyAllowlistedImages', 'r.example/b', true, true],
  ['NeverVerifyAllowlistedImages', 'r.example/team/x/y', false, false],
  ['NeverVerifyAllowlistedImages', 'r.example/team2', false, true],
  ['AlwaysVerify', 'r.example/a', false, true],
])('K14: %s %s, pulled by the kubelet %p: to be verified %p', (policy, name, byKubelet, want) => {
  const allowlist = ['r.example/b', 'r.example/team/*'];
  expect(mustVerify({ policy, allowlist }, name, byKubelet)).toBe(want);
});

const secret = (name: string, hash: string, uid = `uid-${name}`): CredentialOwner => ({
  kind: 'secret',
  uid,
  namespace: 'ns',
  name,
  hash,
});
const account = (name: string): CredentialOwner => ({
  kind: 'serviceAccount',
  uid: `uid-${name}`,
  namespace: 'ns',
  name,
});
const by = (...owners: (CredentialOwner | undefined)[]): PulledBy =>
  owners.reduce<PulledBy | undefined>((before, owner) => pulledAlsoBy(before, owner), undefined) ?? {
    everybody: false,
    secrets: [],
    serviceAccounts: [],
  };

test.each<[string, PulledBy, readonly CredentialOwner[], boolean]>([
  ['pulled without credentials', by(undefined), [], true],
  ['pulled with the credentials of the node', by({ kind: 'node' }), [], true],
  ['by the same secret', by(secret('a', '1')), [secret('a', '1')], true],
  ['by the same secret, which says something else now', by(secret('a', '1')), [secret('a', '2')], true],
  ['by another secret that says the same', by(secret('a', '1')), [secret('b', '1')], true],
  ['by a secret of the same name that came later', by(secret('a', '1')), [secret('a', '2', 'new')], false],
  ['by another secret', by(secret('a', '1')), [secret('b', '2')], false],
  ['by a secret, and the pod has none', by(secret('a', '1')), [], false],
  ['by a secret, and the pod has what every pod has', by(secret('a', '1')), [{ kind: 'node' }], false],
  ['by the same account', by(account('a')), [account('a')], true],
  ['by another account', by(account('a')), [account('b')], false],
  ['by a secret and then by nobody in particular', by(secret('a', '1'), undefined), [], true],
  ['by the second of two', by(secret('a', '1'), secret('b', '2')), [secret('a', '1')], true],
])('K14: %s', (_, pulled, owners, want) => {
  expect(hasPulled(pulled, owners)).toBe(want);
});

test('K14: a list of who may does not grow without end', () => {
  let pulled = by(secret('s', '0'));
  for (let i = 1; i < 300; i++) pulled = pulledAlsoBy(pulled, secret(`s${i}`, String(i)));
  expect([pulled.secrets.length, pulled.secrets[0]?.name]).toEqual([100, 's299']);
});
