/** Which labels a kubelet may give its own node (KEP-279): what NodeRestriction refuses is refused at start. Pure. */

const NAME = /^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)$/;
const DOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const MAX_NAME = 63;
const MAX_DOMAIN = 253;

/** `NAME` or `DOMAIN/NAME`. */
export function isLabelKey(text: string): boolean {
  const [first = '', second, ...more] = text.split('/');
  const name = second ?? first;
  const domainFits = second === undefined || (first.length <= MAX_DOMAIN && DOMAIN.test(first));
  return more.length === 0 && domainFits && name.length <= MAX_NAME && NAME.test(name);
}

export function isLabelValue(text: string): boolean {
  return text === '' || (text.length <= MAX_NAME && NAME.test(text));
}

const ALLOWED = [
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'kubernetes.io/arch',
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
];
const ALLOWED_DOMAINS = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

/** What is wrong with `--node-labels`, `undefined` when nothing is. */
export function nodeLabelsProblem(labels: Readonly<Record<string, string>>): string | undefined {
  const malformed = Object.entries(labels).filter(([key, value]) => !isLabelKey(key) || !isLabelValue(value));
  if (malformed.length > 0)
    return `invalid node labels: ${malformed.map(([key, value]) => JSON.stringify(`${key}=${value}`)).join(', ')}`;
  const unknown = Object.keys(labels).filter(isReserved).sort();
  return unknown.length === 0
    ? undefined
    : `unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [${unknown.join(' ')}], want ones that begin with an allowed prefix (${ALLOWED_DOMAINS.join(', ')}) or are in the specifically allowed set (${ALLOWED.join(', ')})`;
}

function isReserved(key: string): boolean {
  const domain = key.includes('/') ? key.slice(0, key.indexOf('/')) : '';
  const isIn = (parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);
  return (isIn('kubernetes.io') || isIn('k8s.io')) && !ALLOWED_DOMAINS.some(isIn) && !ALLOWED.includes(key);
}
