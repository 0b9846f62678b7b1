/** Pods as this kubelet is to see them: fields of features whose gates are off are not there. Pure. */
import type { Container, Pod, PodSpec } from '../../api/types.ts';
import { withoutRestartAll } from '../runtime/restart_round.ts';

interface Gates {
  enabled(name: string): boolean;
}

/** What a gate stands for: the pod without it, the same object where it has nothing of it. */
const WITHOUT: Readonly<Record<string, (pod: Pod) => Pod>> = {
  PodLevelResources: (pod) => {
    const { resources, ...spec } = pod.spec;
    return resources === undefined ? pod : { ...pod, spec };
  },
  HostnameOverride: (pod) => {
    const { hostnameOverride, ...spec } = pod.spec;
    return hostnameOverride === undefined ? pod : { ...pod, spec };
  },
  ContainerRestartRules: (pod) =>
    withContainers(pod, (container, isInit) => {
      const { restartPolicy, restartPolicyRules, ...rest } = container;
      if (restartPolicy === undefined && restartPolicyRules === undefined) return container;
      // Of init containers this one policy is older: that of sidecars.
      return isInit && restartPolicy === 'Always' ? { ...rest, restartPolicy } : rest;
    }),
  ContainerStopSignals: (pod) =>
    withContainers(pod, (container) => {
      if (container.lifecycle?.stopSignal === undefined) return container;
      const { stopSignal: _, ...lifecycle } = container.lifecycle;
      return { ...container, lifecycle };
    }),
};

/** @returns what is done to each pod of any source before anything else sees it */
export function gatedPod(gates: Gates): (pod: Pod) => Pod {
  const off = Object.entries(WITHOUT).flatMap(([name, without]) => (gates.enabled(name) ? [] : [without]));
  // Where nodes declare their features such a pod is refused; elsewhere it is run as any other.
  if (!gates.enabled('NodeDeclaredFeatures') && !gates.enabled('RestartAllContainersOnContainerExits'))
    off.push(withoutRestartAll);
  return (pod) => off.reduce((seen, without) => without(seen), pod);
}

function withContainers(pod: Pod, change: (container: Container, isInit: boolean) => Container): Pod {
  const { containers, initContainers, ...rest } = pod.spec;
  const spec: PodSpec = {
    ...rest,
    containers: containers.map((container) => change(container, false)),
    ...(initContainers === undefined
      ? {}
      : { initContainers: initContainers.map((container) => change(container, true)) }),
  };
  const same =
    spec.containers.every((container, i) => container === containers[i]) &&
    (spec.initContainers ?? []).every((container, i) => container === initContainers?.[i]);
  return same ? pod : { ...pod, spec };
}
