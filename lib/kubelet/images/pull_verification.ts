/** Whether a pod may use an image that is present, or has to show that it could pull it (KEP-2535). Pure. */
import { createHash } from 'node:crypto';
import type { CredentialOwner } from '../runtime/pull_credentials.ts';

export const VERIFICATION_POLICIES = [
  'NeverVerify',
  'NeverVerifyPreloadedImages',
  'NeverVerifyAllowlistedImages',
  'AlwaysVerify',
] as const;

export interface VerificationPolicy {
  readonly policy: (typeof VERIFICATION_POLICIES)[number];
  /** Images without tag or digest; `registry.example/team/*` stands for all below. */
  readonly allowlist: readonly string[];
}

type SecretOwner = Extract<CredentialOwner, { kind: 'secret' }>;
type AccountOwner = Extract<CredentialOwner, { kind: 'serviceAccount' }>;

/** Who has pulled an image under one name. */
export interface PulledBy {
  /** Without credentials, or with such as every pod of the node has. */
  readonly everybody: boolean;
  readonly secrets: readonly Omit<SecretOwner, 'kind'>[];
  readonly serviceAccounts: readonly Omit<AccountOwner, 'kind'>[];
}

/** Whether anything has to be shown for a present image at all. */
export function mustVerify(
  { policy, allowlist }: VerificationPolicy,
  name: string,
  byKubelet: boolean,
): boolean {
  switch (policy) {
    case 'NeverVerify':
      return false;
    case 'NeverVerifyPreloadedImages':
      return byKubelet;
    case 'NeverVerifyAllowlistedImages':
      return byKubelet || !allowlist.some((entry) => allows(entry, name));
    case 'AlwaysVerify':
      return true;
  }
}

function allows(entry: string, name: string): boolean {
  return entry.endsWith('/*') ? name.startsWith(entry.slice(0, -1)) : entry === name;
}

/** Whether one of the pod's credentials has pulled the image before: the same secret, or one that says the same. */
export function hasPulled(pulled: PulledBy, owners: readonly CredentialOwner[]): boolean {
  if (pulled.everybody) return true;
  return owners.some((owner) => {
    if (owner.kind === 'node') return false;
    const sameObject = (other: { uid: string; namespace: string; name: string }): boolean =>
      other.uid === owner.uid && other.namespace === owner.namespace && other.name === owner.name;
    return owner.kind === 'secret'
      ? pulled.secrets.some((other) => other.hash === owner.hash || sameObject(other))
      : pulled.serviceAccounts.some(sameObject);
  });
}

const MOST_OWNERS = 100;

/** After a pull with this credential; `undefined`: with none. */
export function pulledAlsoBy(before: PulledBy | undefined, owner: CredentialOwner | undefined): PulledBy {
  const { everybody = false, secrets = [], serviceAccounts = [] } = before ?? {};
  // What everybody may use needs no list of who may.
  if (everybody || owner === undefined || owner.kind === 'node') {
    return { everybody: true, secrets: [], serviceAccounts: [] };
  }
  const same = (other: { uid: string; namespace: string; name: string }): boolean =>
    other.uid === owner.uid && other.namespace === owner.namespace && other.name === owner.name;
  const { kind, ...object } = owner;
  return kind === 'secret'
    ? { everybody, secrets: added(secrets, owner, same), serviceAccounts }
    : {
        everybody,
        secrets,
        serviceAccounts: [object, ...serviceAccounts.filter((o) => !same(o))].slice(0, MOST_OWNERS),
      };
}

function added(
  secrets: PulledBy['secrets'],
  { uid, namespace, name, hash }: SecretOwner,
  same: (other: { uid: string; namespace: string; name: string }) => boolean,
): PulledBy['secrets'] {
  return [{ uid, namespace, name, hash }, ...secrets.filter((other) => !same(other))].slice(0, MOST_OWNERS);
}

/** File name of a record: images' names hold slashes and colons. */
export function recordFile(image: string): string {
  return `sha256-${createHash('sha256').update(image).digest('hex')}`;
}
