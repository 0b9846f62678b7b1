/** What a pod was granted on this node, apart from what its spec asks for since (KEP-1287). Pure. */
import { isSidecar } from '../../api/pod.ts';
import { parseQuantity } from '../../api/quantity.ts';
import type { Container, Pod, ResourceRequirements } from '../../api/types.ts';

/** Requests and limits by container name: of containers and sidecars, which are all that can be resized. */
export type Allocation = Readonly<Record<string, Granted>>;
export type Granted = Pick<ResourceRequirements, 'limits' | 'requests'>;

/** The resources that can be resized. */
export const RESIZABLE = ['cpu', 'memory'] as const;
export type Resizable = (typeof RESIZABLE)[number];

export function resizableContainers(pod: Pod): readonly Container[] {
  return [...(pod.spec.initContainers ?? []).filter(isSidecar), ...pod.spec.containers];
}

/** What the spec asks for. */
export function desiredAllocation(pod: Pod): Allocation {
  return Object.fromEntries(resizableContainers(pod).map((c) => [c.name, grantedOf(c.resources)]));
}

export function grantedOf(resources: ResourceRequirements | undefined): Granted {
  const { limits, requests } = resources ?? {};
  return { ...(limits === undefined ? {} : { limits }), ...(requests === undefined ? {} : { requests }) };
}

/** The resources that differ between two grants, by amount and not by spelling. */
export function differences(a: Granted, b: Granted): readonly Resizable[] {
  return RESIZABLE.filter(
    (name) => differs(a.requests, b.requests, name) || differs(a.limits, b.limits, name),
  );
}

type Amounts = Readonly<Record<string, string>> | undefined;

function differs(a: Amounts, b: Amounts, name: string): boolean {
  const [x, y] = [a?.[name], b?.[name]];
  if (x === undefined || y === undefined) return x !== y;
  return !parseQuantity(x).equals(parseQuantity(y));
}

/** Whether the pod asks for something else than it was granted. */
export function wantsResize(pod: Pod, allocation: Allocation): boolean {
  return resizableContainers(pod).some(
    ({ name, resources }) => differences(grantedOf(resources), allocation[name] ?? {}).length > 0,
  );
}

/** The pod with what it was granted in place of what it asks for; everything but CPU and memory as in the spec. */
export function withAllocation(pod: Pod, allocation: Allocation): Pod {
  const grant = (container: Container): Container => {
    const granted = allocation[container.name];
    if (granted === undefined) return container;
    const own = container.resources;
    const limits = replaced(own?.limits, granted.limits);
    const requests = replaced(own?.requests, granted.requests);
    return {
      ...container,
      resources: {
        ...(own?.claims === undefined ? {} : { claims: own.claims }),
        ...(limits === undefined ? {} : { limits }),
        ...(requests === undefined ? {} : { requests }),
      },
    };
  };
  const { containers, initContainers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: containers.map(grant),
      ...(initContainers === undefined
        ? {}
        : { initContainers: initContainers.map((c) => (isSidecar(c) ? grant(c) : c)) }),
    },
  };
}

function replaced(own: Amounts, granted: Amounts): Amounts {
  const amounts: Record<string, string> = { ...own };
  for (const name of RESIZABLE) {
    const amount = granted?.[name];
    if (amount === undefined) delete amounts[name];
    else amounts[name] = amount;
  }
  return own === undefined && granted === undefined ? undefined : amounts;
}
