/** What label keys and values may look like. */

const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/** Why `key` is no label key (`name` or `prefix/name`), or undefined when it is one. */
export function labelKeyProblem(key: string): string | undefined {
  const parts = key.split('/');
  const name = parts.pop() ?? '';
  const prefix = parts[0];
  if (parts.length > 1) return 'must have at most one slash';
  if (prefix !== undefined && (prefix.length > 253 || !DNS_SUBDOMAIN.test(prefix))) {
    return 'the part before the slash must be a DNS subdomain of at most 253 characters';
  }
  if (name.length > 63 || !NAME.test(name)) {
    return 'must be 1 to 63 letters, digits, "-", "_" or ".", beginning and ending with a letter or digit';
  }
  return undefined;
}

/** Why `value` is no label value, or undefined when it is one. Empty is allowed. */
export function labelValueProblem(value: string): string | undefined {
  return value === '' || (value.length <= 63 && NAME.test(value))
    ? undefined
    : 'must be empty or at most 63 letters, digits, "-", "_" or ".", beginning and ending with a letter or digit';
}
