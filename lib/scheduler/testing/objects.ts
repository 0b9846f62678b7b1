/** Small pods and nodes for tests of the scheduler. */
import type { Node, Pod, PodSpec } from '../../api/types.ts';

let uids = 0;

/** A pod of one container that requests `requests`; `spec` and `metadata` add to it or override. */
export function pod(
  name: string,
  options: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly spec?: Partial<PodSpec>;
    readonly metadata?: Partial<Pod['metadata']>;
  } = {},
): Pod {
  const resources = options.requests === undefined ? {} : { resources: { requests: options.requests } };
  return {
    metadata: { namespace: 'default', name, uid: `uid-${name}-${++uids}`, ...options.metadata },
    spec: { containers: [{ name: 'c', image: 'i', ...resources }], ...options.spec },
  };
}

/** A node with 4 CPUs, 8Gi of memory and room for 110 pods; `options` override. */
export function node(
  name: string,
  options: {
    readonly allocatable?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly spec?: Node['spec'];
    readonly images?: readonly { readonly names: readonly string[]; readonly sizeBytes: number }[];
    readonly declaredFeatures?: readonly string[];
  } = {},
): Node {
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...options.labels } },
    ...(options.spec === undefined ? {} : { spec: options.spec }),
    status: {
      allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...options.allocatable },
      ...(options.images === undefined ? {} : { images: options.images }),
      ...(options.declaredFeatures === undefined ? {} : { declaredFeatures: options.declaredFeatures }),
    },
  };
}
