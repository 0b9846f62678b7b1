/** Which specs a run is made of. */
import { isConformance, type Spec } from './spec.ts';

/** Suites of the Kubernetes e2e binary. `critest` is another binary, with all of its specs. */
export const SUITES = [
  'conformance',
  'network',
  'node',
  'scheduling',
  'storage',
  'all-linux',
  'critest',
] as const;
export type SuiteName = (typeof SUITES)[number];

export interface Choice {
  readonly suite: SuiteName;
  readonly focus?: RegExp | undefined;
  readonly skip?: RegExp | undefined;
  /** These only, whatever else is said: a slice, or what failed last time. */
  readonly only?: ReadonlySet<string> | undefined;
}

/**
 * Labels of specs that cannot tell anything on a cluster of a few Linux nodes without a cloud: they are about a feature
 * that is off by default, another platform, or break the machine they run on.
 */
const LEFT_OUT = [
  /^Feature:/,
  /^(Alpha|BetaOffByDefault|Deprecated|Flaky|KubeUp|DRA)$/,
  /^(Slow|Disruptive)$/,
  /^(sig-windows|sig-cloud-provider|sig-cloud-provider-gcp|sig-cluster-lifecycle|sig-autoscaling)$/,
];

/** Names of specs that want a cloud, its disks, or a storage driver whose server comes as an image that is not built here. */
const NAMES_LEFT_OUT =
  /\[Driver: (nfs|iscsi|ceph|rbd|azure|aws|gce|gluster|vsphere|cinder|windows|pd\.csi)|CSI Mock|csi-mock|csi-hostpath|gce-localssd|\[Provider:/i;

const SIGS_OF: Readonly<Record<'network' | 'node' | 'scheduling' | 'storage', string>> = {
  network: 'sig-network',
  node: 'sig-node',
  scheduling: 'sig-scheduling',
  storage: 'sig-storage',
};

/** The specs that `choice` names, in the order of `specs`. */
export function selectSpecs(specs: readonly Spec[], choice: Choice): Spec[] {
  const { only, focus, skip } = choice;
  return specs.filter(
    (spec) =>
      (only === undefined ? belongs(spec, choice.suite) : only.has(spec.name)) &&
      (focus === undefined || focus.test(spec.name)) &&
      (skip === undefined || !skip.test(spec.name)),
  );
}

function belongs(spec: Spec, suite: SuiteName): boolean {
  if (suite === 'critest') return true;
  if (suite === 'conformance') return isConformance(spec);
  if (isConformance(spec) || NAMES_LEFT_OUT.test(spec.name)) return false;
  if (spec.labels.some((label) => LEFT_OUT.some((pattern) => pattern.test(label)))) return false;
  return suite === 'all-linux' || spec.labels.includes(SIGS_OF[suite]);
}

/**
 * Regular expressions for ginkgo's focus that match exactly these specs. Several, because the kernel takes no argument
 * of more than 128 KiB; ginkgo joins them.
 *
 * @param description what the suite calls itself: ginkgo puts it before the name
 */
export function exactFocus(description: string, names: readonly string[], limit = 100_000): string[] {
  const groups: string[][] = [];
  let size = limit;
  for (const name of names) {
    const text = escape(name);
    if (size + text.length > limit) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)?.push(text);
    size += text.length + 1;
  }
  return groups.map((group) => `^${escape(description)} (${group.join('|')})$`);
}

/** Quotes what has a meaning in Go's regular expressions (RE2). */
function escape(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}
