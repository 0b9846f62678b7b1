/** The cluster as the checks see it. */
import { createApi, field, listAt } from '../../cluster/api.ts';
import type { Json } from '../../cluster/api.ts';
import { apiserverUrl } from '../../cluster/control_plane.ts';
import { readPair } from '../../cluster/pki/cluster_pki.ts';
import { CLUSTER } from '../cluster.ts';
import { eventually } from './machine.ts';

const { node, paths, plan } = CLUSTER;
const [authority, admin] = [readPair(paths.pki, 'ca'), readPair(paths.pki, 'bootstrap')];
if (authority === undefined || admin === undefined) throw new Error(`${paths.pki}: certificates are missing`);
export const api = createApi(apiserverUrl(plan), authority.certificate, admin);

const PODS = '/api/v1/namespaces/default/pods';

export interface Resources {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}

export interface PodOptions {
  readonly resources?: Resources;
  /** A line of shell. Default: sleeps. */
  readonly script?: string;
  readonly spec?: Readonly<Record<string, unknown>>;
  /** Of the container, beyond what is said above. */
  readonly container?: Readonly<Record<string, unknown>>;
}

/** Makes a pod of one container `c`, bound to the node: there is no scheduler and nobody who makes tokens. */
export async function createPod(name: string, options: PodOptions = {}): Promise<void> {
  const {
    resources = {},
    script = 'trap "exit 0" TERM; while :; do sleep 1 & wait $!; done',
    spec,
    container,
  } = options;
  await api.call('POST', PODS, {
    type: 'application/json',
    content: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: {
        nodeName: node.name,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 10,
        tolerations: [{ operator: 'Exists' }],
        containers: [
          {
            name: 'c',
            image: 'ts-kubernetes.local/busybox:dev',
            imagePullPolicy: 'Never',
            command: ['sh', '-c', script],
            resources,
            ...container,
          },
        ],
        ...spec,
      },
    },
  });
}

/** What is looked at of a pod. */
export interface PodView {
  readonly uid: string;
  readonly phase: string;
  readonly reason: string;
  readonly message: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** Of container `c`, without the runtime's name. */
  readonly containerId: string;
  readonly json: Json;
}

export function podView(json: Json): PodView {
  const text = (...keys: readonly (string | number)[]): string => {
    const value = field(json, ...keys);
    return typeof value === 'string' ? value : '';
  };
  const conditions = listAt(json, 'status', 'conditions');
  return {
    uid: text('metadata', 'uid'),
    phase: text('status', 'phase'),
    reason: text('status', 'reason'),
    message: text('status', 'message'),
    ready: conditions.some((one) => field(one, 'type') === 'Ready' && field(one, 'status') === 'True'),
    restarts: Number(field(json, 'status', 'containerStatuses', 0, 'restartCount') ?? 0),
    containerId: text('status', 'containerStatuses', 0, 'containerID').replace(/^.*:\/\//, ''),
    json,
  };
}

export async function getPod(name: string): Promise<PodView> {
  return podView(await api.call('GET', `${PODS}/${name}`));
}

/** Waits until a pod is as wanted; tells what it is when it never becomes so. */
export async function awaitPod(
  name: string,
  what: string,
  holds: (pod: PodView) => boolean,
  seconds = 300,
): Promise<PodView> {
  let last: PodView | undefined;
  return eventually(
    `pod ${name} ${what}`,
    async () => {
      last = await getPod(name);
      return holds(last) ? last : undefined;
    },
    seconds,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}: it has ${JSON.stringify(field(last?.json, 'status'))}`, {
      cause: error,
    });
  });
}

export const isReady = (pod: PodView): boolean => pod.phase === 'Running' && pod.ready;

/** Deletes pods and waits until they are gone. */
export async function deletePods(...names: readonly string[]): Promise<void> {
  for (const name of names) await api.call('DELETE', `${PODS}/${name}?gracePeriodSeconds=1`);
  for (const name of names)
    await eventually(`pod ${name} goes`, async () => {
      const left = listAt(await api.call('GET', `${PODS}?fieldSelector=metadata.name=${name}`), 'items');
      return left.length === 0 ? true : undefined;
    });
}

export async function resizePod(name: string, resources: Resources): Promise<void> {
  await api.call('PATCH', `${PODS}/${name}/resize`, {
    type: 'application/strategic-merge-patch+json',
    content: { spec: { containers: [{ name: 'c', resources }] } },
  });
}

/** Reason and message of the events about an object. */
export async function eventsOf(name: string): Promise<readonly string[]> {
  const list = await api.call('GET', `/api/v1/events?fieldSelector=involvedObject.name=${name}`);
  return listAt(list, 'items').map(
    (one) => `${String(field(one, 'reason'))}: ${String(field(one, 'message'))}`,
  );
}

/** Status and reason of a condition of the node, `True KubeletReady` and the like. */
export async function nodeCondition(type: string): Promise<{ status: string; message: string }> {
  const found = listAt(await api.call('GET', `/api/v1/nodes/${node.name}`), 'status', 'conditions').find(
    (one) => field(one, 'type') === type,
  );
  return { status: String(field(found, 'status')), message: String(field(found, 'message')) };
}

export async function awaitNodeReady(): Promise<void> {
  await eventually('the node is Ready', async () =>
    (await nodeCondition('Ready')).status === 'True' ? true : undefined,
  );
}

/** Waits for the API, and makes what a controller manager would: the service account that pods have by default. */
export async function awaitApi(): Promise<void> {
  await eventually(
    'the apiserver is ready',
    async () => {
      await api.call('GET', '/api/v1/namespaces/default');
      return true;
    },
    420,
  );
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  if (listAt(await api.call('GET', accounts), 'items').length > 0) return;
  await api.call('POST', accounts, {
    type: 'application/json',
    content: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } },
  });
}
