/** A namespace for one test: made before, gone with everything in it after. */
import type { KubeObject, Pod } from '../../../lib/api/types.ts';
import { isNotFound } from '../../../lib/client/errors.ts';
import { CORE_EVENTS, NAMESPACES, PODS, SERVICE_ACCOUNTS } from '../../../lib/client/resource.ts';
import { api, kubectl } from './cluster.ts';
import { eventually } from './eventually.ts';

let counter = 0;

/** An object as a test writes it; the API validates it. */
export type Manifest = Readonly<Record<string, unknown>>;

export class TestNamespace implements AsyncDisposable {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** Makes the namespace `<prefix>-<unique>` and waits until pods can be made in it. */
  static async create(prefix: string): Promise<TestNamespace> {
    const name = `${prefix}-${process.pid.toString(36)}${(counter++).toString(36)}${Date.now().toString(36)}`;
    await api().create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await eventually(`service account of ${name}`, () =>
      api().get(SERVICE_ACCOUNTS, { namespace: name, name: 'default' }),
    );
    return new TestNamespace(name);
  }

  /** Applies objects; those without a namespace get this one. */
  async apply(...objects: readonly Manifest[]): Promise<void> {
    await kubectl(['apply', '-n', this.name, '-f', '-'], {
      stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    });
  }

  pod(name: string): Promise<Pod> {
    return api().get(PODS, { namespace: this.name, name });
  }

  async pods(labelSelector?: string): Promise<readonly Pod[]> {
    const list = await api().list(PODS, { namespace: this.name, labelSelector });
    return list.items;
  }

  /** Waits until the pod is ready, and gives it. */
  ready(name: string, timeoutMs = 60_000): Promise<Pod> {
    return eventually(
      `pod ${name} is ready`,
      async () => {
        const pod = await this.pod(name);
        if (!isReady(pod)) throw new Error(describePod(pod));
        return pod;
      },
      { timeoutMs },
    );
  }

  /** Waits until the pod has ended in `phase`, and gives it. */
  ended(name: string, phase: 'Succeeded' | 'Failed', timeoutMs = 60_000): Promise<Pod> {
    return eventually(
      `pod ${name} is ${phase}`,
      async () => {
        const pod = await this.pod(name);
        if (pod.status?.phase !== phase) throw new Error(describePod(pod));
        return pod;
      },
      { timeoutMs },
    );
  }

  /** Waits until the pod is gone from the API. */
  gone(name: string, timeoutMs = 60_000): Promise<void> {
    return eventually(
      `pod ${name} is gone`,
      async () => {
        try {
          const pod = await this.pod(name);
          throw new Error(describePod(pod));
        } catch (err) {
          if (!isNotFound(err)) throw err;
        }
      },
      { timeoutMs },
    );
  }

  /** Reasons of the events about an object of this namespace, oldest first. */
  async eventReasons(involvedName: string): Promise<string[]> {
    const { items } = await api().list(CORE_EVENTS, {
      namespace: this.name,
      fieldSelector: `involvedObject.name=${involvedName}`,
    });
    return items.map((event) => event.reason ?? '');
  }

  /** Waits until a workload (`deployment/web`) is rolled out, as `kubectl rollout status` sees it. */
  async rolledOut(workload: string, seconds = 90): Promise<void> {
    await kubectl(['-n', this.name, 'rollout', 'status', workload, `--timeout=${seconds}s`], {
      timeoutMs: (seconds + 10) * 1000,
    });
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return kubectl(['-n', this.name, ...args]);
  }

  /** Deletes the namespace and waits until its pods are gone, so that the next test finds the nodes free. */
  async [Symbol.asyncDispose](): Promise<void> {
    await api().delete(NAMESPACES, { name: this.name });
    await eventually(
      `namespace ${this.name} is gone`,
      async () => {
        try {
          await api().get(NAMESPACES, { name: this.name });
        } catch (err) {
          if (isNotFound(err)) return;
          throw err;
        }
        throw new Error(`pods left: ${(await this.pods()).map((pod) => describePod(pod)).join('; ')}`);
      },
      { timeoutMs: 90_000 },
    );
  }
}

export function isReady(pod: Pod): boolean {
  const ready = pod.status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready?.status === 'True' && pod.metadata.deletionTimestamp === undefined;
}

/** One line about a pod, for failures. */
export function describePod(pod: Pod): string {
  const states = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].map(
    ({ name, state, restartCount }) => `${name} ${JSON.stringify(state)} restarts=${restartCount}`,
  );
  const refused = pod.status?.conditions
    ?.filter((condition) => condition.status === 'False' && condition.message !== undefined)
    .map((condition) => `${condition.type}: ${condition.message}`);
  return [
    `pod ${pod.metadata.name}`,
    pod.status?.phase ?? 'without a phase',
    `on ${pod.spec.nodeName ?? 'no node'}`,
    ...(pod.metadata.deletionTimestamp === undefined ? [] : ['being deleted']),
    ...states,
    ...(refused ?? []),
  ].join(', ');
}

/** What must not change when nothing restarts: ids and restart counts of all containers, by pod. */
export function containerIdentities(pods: readonly Pod[]): Record<string, readonly string[]> {
  return Object.fromEntries(
    pods.map((pod) => [
      pod.metadata.uid ?? pod.metadata.name,
      (pod.status?.containerStatuses ?? []).map(
        ({ name, containerID, restartCount }) => `${name} ${containerID ?? '-'} ${restartCount}`,
      ),
    ]),
  );
}

export function nameOf(object: KubeObject): string {
  return object.metadata.name;
}
