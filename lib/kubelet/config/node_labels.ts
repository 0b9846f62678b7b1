/** Which labels a kubelet may give its own node (KEP-279): what NodeRestriction refuses is refused at start. Pure. */
import { labelKeyProblem, labelValueProblem } from '../../api/label_syntax.ts';

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
  const malformed = Object.entries(labels).filter(
    ([key, value]) => labelKeyProblem(key) !== undefined || labelValueProblem(value) !== undefined,
  );
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
