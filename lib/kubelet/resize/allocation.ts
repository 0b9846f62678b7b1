/** What a pod was granted on this node, apart from what its spec asks for since (KEP-1287, KEP-5419). Pure. */
import { allContainers } from '../../api/pod.ts';
import { parseQuantity } from '../../api/quantity.ts';
import type { Container, Pod, ResourceRequirements } from '../../api/types.ts';

export interface Allocation {
  /** By name, of all containers that can be resized; of one that is missing it is not known: the spec is right. */
  readonly containers: Readonly<Record<string, Granted>>;
  /** Of the pod as a whole, empty where it has none; `undefined`: not known, the spec is right. */
  readonly pod?: Granted | undefined;
}
export type Granted = Pick<ResourceRequirements, 'limits' | 'requests'>;

/** The resources that can be resized. */
export const RESIZABLE = ['cpu', 'memory'] as const;
export type Resizable = (typeof RESIZABLE)[number];

/** What the spec asks for. */
export function desiredAllocation(pod: Pod): Allocation {
  return {
    containers: Object.fromEntries(allContainers(pod).map((c) => [c.name, grantedOf(c.resources)])),
    pod: grantedOf(pod.spec.resources),
  };
}

export function grantedOf(resources: ResourceRequirements | undefined): Granted {
  const { limits, requests } = resources ?? {};
  return { ...(limits === undefined ? {} : { limits }), ...(requests === undefined ? {} : { requests }) };
}

/** The resources that differ between two grants, by amount and not by spelling: none is as good as 0. */
export function differences(a: Granted, b: Granted): readonly Resizable[] {
  return RESIZABLE.filter(
    (name) => differs(a.requests, b.requests, name) || differs(a.limits, b.limits, name),
  );
}

type Amounts = Readonly<Record<string, string>> | undefined;

function differs(a: Amounts, b: Amounts, name: string): boolean {
  return !parseQuantity(a?.[name] ?? '0').equals(parseQuantity(b?.[name] ?? '0'));
}

/** Whether the pod asks for something else than it was granted. */
export function wantsResize(pod: Pod, { containers, pod: ofPod }: Allocation): boolean {
  const differ = (resources: ResourceRequirements | undefined, granted: Granted | undefined): boolean =>
    granted !== undefined && differences(grantedOf(resources), granted).length > 0;
  return (
    differ(pod.spec.resources, ofPod) ||
    allContainers(pod).some(({ name, resources }) => differ(resources, containers[name]))
  );
}

/** The pod with what it was granted in place of what it asks for; everything but CPU and memory as in the spec. */
export function withAllocation(pod: Pod, { containers: granted, pod: ofPod }: Allocation): Pod {
  const grant = (container: Container): Container => {
    const amounts = granted[container.name];
    return amounts === undefined
      ? container
      : { ...container, resources: withGranted(container.resources, amounts) };
  };
  const { containers, initContainers, resources, ...spec } = pod.spec;
  const whole = ofPod === undefined ? resources : withGranted(resources, ofPod);
  const hasWhole = whole?.limits !== undefined || whole?.requests !== undefined;
  return {
    ...pod,
    spec: {
      ...spec,
      ...(hasWhole ? { resources: whole } : {}),
      containers: containers.map(grant),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(grant) }),
    },
  };
}

function withGranted(own: ResourceRequirements | undefined, granted: Granted): ResourceRequirements {
  const limits = replaced(own?.limits, granted.limits);
  const requests = replaced(own?.requests, granted.requests);
  return {
    ...(own?.claims === undefined ? {} : { claims: own.claims }),
    ...(limits === undefined ? {} : { limits }),
    ...(requests === undefined ? {} : { requests }),
  };
}

function replaced(own: Amounts, granted: Amounts): Amounts {
  const amounts: Record<string, string> = { ...own };
  for (const name of RESIZABLE) {
    const amount = granted?.[name];
    if (amount === undefined) delete amounts[name];
    else amounts[name] = amount;
  }
  return Object.keys(amounts).length === 0 && granted === undefined ? undefined : amounts;
}
