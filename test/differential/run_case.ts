/** One generated case through the stock scheduler and ours; what differs is told in words. */
import { getCondition } from '../../lib/api/conditions.ts';
import type { KubeObject, Pod } from '../../lib/api/types.ts';
import { keyOf } from '../../lib/api/types.ts';
import type { ApiClient, NewObject } from '../../lib/client/client.ts';
import { isNotFound } from '../../lib/client/errors.ts';
import type { ResourceType } from '../../lib/client/resource.ts';
import * as resources from '../../lib/client/resource.ts';
import { EXTENDER_RESOURCE } from './both_configs.ts';
import type { Case } from './generate.ts';
import { NAMESPACES, startTime } from './generate.ts';
import type { Store } from '../../lib/client/store.ts';
import type { OurDecision, OurHandle } from './our_scheduler.ts';
import { OurScheduler } from './our_scheduler.ts';
import type { ScoreLog, Scores } from './stock_scores.ts';
import { bindDecided } from './volume_controller.ts';

export interface CaseResult {
  readonly decided: number;
  readonly refused: number;
  readonly preempted: number;
  /** Pods that had to wait at a gate first. */
  readonly gated: number;
  readonly differences: readonly string[];
}

const POLL_MS = 4;
const PATIENCE_MS = 15_000;

export interface CaseOptions {
  readonly log: ScoreLog;
  /** How long the stock scheduler gets to see a new object; too short shows as a difference. */
  readonly settleMs: number;
  readonly extenderUrl: string;
  /** Feature gates that are on. */
  readonly gates?: readonly string[];
}

/** Makes the namespaces that every case uses. */
export async function createNamespaces(client: ApiClient): Promise<void> {
  for (const { name, labels } of NAMESPACES)
    await client.create(resources.NAMESPACES, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels },
    });
}

/**
 * Creates the cluster of the case, has each pod placed by the stock scheduler and asks ours about the same state.
 * Everything is deleted afterwards.
 */
export async function runCase(client: ApiClient, given: Case, options: CaseOptions): Promise<CaseResult> {
  const ours = new OurScheduler(options.extenderUrl, options.gates);
  try {
    return await compareOn(client, given, options, ours);
  } finally {
    await ours.close();
    await clean(client);
  }
}

async function compareOn(
  client: ApiClient,
  given: Case,
  { log, settleMs }: CaseOptions,
  ours: OurScheduler,
): Promise<CaseResult> {
  const { cache, objects } = ours.handle;
  for (const n of (await client.list(resources.NAMESPACES)).items) objects.namespaces.put(n);
  const make = <T extends KubeObject>(r: ResourceType<T>, wanted: readonly NewObject<T>[]): Promise<T[]> =>
    Promise.all(wanted.map((object) => createWithStatus(client, r, object)));
  for (const node of await make(resources.NODES, given.nodes)) cache.setNode(node);
  const { storage } = given;
  await make(resources.STORAGE_CLASSES, storage.classes);
  await make(resources.CSI_DRIVERS, storage.drivers);
  await make(resources.CSI_NODES, storage.csiNodes);
  await make(resources.CSI_STORAGE_CAPACITIES, storage.capacities);
  await make(resources.PERSISTENT_VOLUME_CLAIMS, storage.claims);
  await make(resources.PERSISTENT_VOLUMES, storage.volumes);
  const hasStorage = storage.claims.length > 0;
  if (hasStorage) await readStorage(client, ours.handle);
  for (const service of await make(resources.SERVICES, given.services)) objects.services.put(service);
  for (const budget of await make(resources.POD_DISRUPTION_BUDGETS, given.budgets))
    objects.podDisruptionBudgets.put(budget);
  for (const pod of await make(resources.PODS, given.placed)) cache.addPod(pod);
  await pause(settleMs);

  const result = { decided: 0, refused: 0, preempted: 0, gated: 0, differences: [] as string[] };
  const bound: Pod[] = [];
  for (const wanted of given.incoming) {
    log.skip();
    let pod = await client.create(resources.PODS, wanted);
    const where = `seed ${given.seed}, pod ${keyOf(pod)}`;
    if ((pod.spec.schedulingGates ?? []).length > 0) {
      result.gated++;
      await pause(settleMs);
      const isHeld = ours.isHeld(pod);
      const isHeldByStock = ((await client.get(resources.PODS, at(pod))).spec.nodeName ?? '') === '';
      if (!isHeld || !isHeldByStock)
        result.differences.push(`${where}: gates hold it in ours: ${isHeld}, in stock: ${isHeldByStock}`);
      pod = await client.patch(
        resources.PODS,
        at(pod),
        { spec: { schedulingGates: null } },
        { type: 'merge' },
      );
    }
    const expected = await ours.decide(pod);
    const outcome = await stockOutcome(client, pod);
    const node = outcome.spec.nodeName ?? '';
    // Room may have been made, and taken, between two looks: then only the victims are left to compare.
    const hasTaken = node !== '' && expected.candidates.some((candidate) => candidate.node === node);
    if (node !== '' && !hasTaken) {
      if (hasStorage) {
        await readStorage(client, ours.handle);
        await pause(settleMs);
      }
      bound.push(pod);
      result.decided++;
      const scores = log.read(keyOf(pod));
      for (const difference of compareChoice(expected, node, scores))
        result.differences.push(`${where}: ${difference}`);
      // As the kubelet would: by it, preemption tells pods of equal priority apart.
      const status = { startTime: startTime(1e7, result.decided) };
      cache.addPod(
        await client.patch(resources.PODS, at(pod), { status }, { type: 'merge', subresource: 'status' }),
      );
      if (result.differences.length > 0) break;
      continue;
    }
    result.refused++;
    const nominated = hasTaken ? node : (outcome.status?.nominatedNodeName ?? '');
    const message = getCondition(outcome.status?.conditions, 'PodScheduled')?.message ?? '';
    if (expected.decision.kind === 'node')
      result.differences.push(`${where}: ours takes ${expected.decision.node}, stock refuses: ${message}`);
    else if (!hasTaken && message !== expected.message)
      result.differences.push(`${where}: message\n  ours:  ${expected.message}\n  stock: ${message}`);
    if (nominated !== '' || expected.candidates.length > 0) {
      result.preempted++;
      const victims = await gone(client, [...given.placed, ...bound], settleMs);
      for (const difference of comparePreemption(expected, nominated, victims, isExtenders(pod)))
        result.differences.push(`${where}: ${difference}`);
      break; // what follows depends on chance
    }
    if (result.differences.length > 0) break;
    await remove(client, pod);
    await pause(Math.min(settleMs, 20));
  }
  return result;
}

function* compareChoice(
  { decision, best, message }: OurDecision,
  node: string,
  stock: Scores,
): Generator<string> {
  if (decision.kind !== 'node') {
    yield `ours refuses (${message}), stock takes ${node}`;
    return;
  }
  const { scores } = decision.diagnosis;
  if (stock.size > 0) {
    const ours = new Map(scores.map((s) => [s.node, s.byPlugin]));
    const names = new Set([...ours.keys(), ...stock.keys()]);
    for (const name of names) {
      const [a, b] = [ours.get(name), stock.get(name)];
      if (a === undefined || b === undefined) {
        yield `node ${name} passes ${a === undefined ? 'stock' : 'ours'} only`;
        continue;
      }
      for (const plugin of new Set([...Object.keys(a), ...Object.keys(b)])) {
        // The stock scheduler logs those of extenders apart.
        if (plugin.startsWith('http:')) continue;
        if ((a[plugin] ?? 0) !== (b[plugin] ?? 0))
          yield `score of ${plugin} on ${name}: ours ${a[plugin] ?? 'none'}, stock ${b[plugin] ?? 'none'}`;
      }
    }
  }
  if (!best.includes(node)) yield `stock takes ${node}, best of ours: ${best.join(', ')}`;
}

/** @param isRepeated the extender goes on refusing when there is room, so that stock may have made more since */
function* comparePreemption(
  { candidates }: OurDecision,
  nominated: string,
  victims: readonly string[],
  isRepeated: boolean,
) {
  const candidate = candidates.find((c) => c.node === nominated);
  if (candidate === undefined) {
    const ours = candidates.map((c) => `${c.node} (${c.victims.map(keyOf).join(', ')})`).join('; ');
    yield `stock nominates ${nominated === '' ? 'no node' : nominated} (${victims.join(', ')}), best of ours: ${ours === '' ? 'none' : ours}`;
    return;
  }
  const ours = candidate.victims.map(keyOf).sort();
  if (isRepeated ? !ours.every((victim) => victims.includes(victim)) : ours.join() !== victims.join())
    yield `victims on ${nominated}: ours ${ours.join(', ')}, stock ${victims.join(', ')}`;
}

function isExtenders({ spec }: Pod): boolean {
  return spec.containers.some(({ resources: wanted }) => wanted?.requests?.[EXTENDER_RESOURCE] !== undefined);
}

/** The pod as the stock scheduler leaves it: placed or refused. */
async function stockOutcome(client: ApiClient, pod: Pod): Promise<Pod> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const now = await client.get(resources.PODS, at(pod));
    if ((now.spec.nodeName ?? '') !== '') return now;
    const condition = getCondition(now.status?.conditions, 'PodScheduled');
    // The apiserver says so of gates.
    if (condition?.status === 'False' && condition.reason !== 'SchedulingGated') return now;
    if ((pod.spec.volumes ?? []).length > 0) await bindDecided(client, pod);
    if (Date.now() > end) throw new Error(`the stock scheduler said nothing on ${keyOf(pod)}`);
    await pause(POLL_MS);
  }
}

/** Which of the placed pods are gone or going, once that does not change any more. */
async function gone(
  client: ApiClient,
  placed: readonly NewObject<Pod>[],
  settleMs: number,
): Promise<string[]> {
  let last: string[] = [];
  for (let quiet = 0; quiet < 3;) {
    await pause(Math.max(20, settleMs / 2));
    const pods = (await client.list(resources.PODS)).items;
    const there = new Set(pods.filter((p) => p.metadata.deletionTimestamp === undefined).map(keyOf));
    const missing = placed
      .map((p) => `${p.metadata.namespace}/${p.metadata.name}`)
      .filter((key) => !there.has(key))
      .sort();
    quiet = missing.join() === last.join() ? quiet + 1 : 0;
    last = missing;
  }
  return last;
}

/** What is in the API now, and nothing else. */
async function readStorage(client: ApiClient, { objects }: OurHandle): Promise<void> {
  const read = async <T extends KubeObject>(r: ResourceType<T>, store: Store<T>): Promise<void> => {
    for (const key of Array.from(store.keys())) store.remove(key);
    for (const object of (await client.list(r)).items) store.put(object);
  };
  await Promise.all([
    read(resources.STORAGE_CLASSES, objects.storageClasses),
    read(resources.CSI_DRIVERS, objects.csiDrivers),
    read(resources.CSI_NODES, objects.csiNodes),
    read(resources.CSI_STORAGE_CAPACITIES, objects.csiStorageCapacities),
    read(resources.PERSISTENT_VOLUME_CLAIMS, objects.persistentVolumeClaims),
    read(resources.PERSISTENT_VOLUMES, objects.persistentVolumes),
  ]);
}

async function createWithStatus<T extends KubeObject>(
  client: ApiClient,
  r: ResourceType<T>,
  object: NewObject<T>,
): Promise<T> {
  const created = await client.create(r, object);
  const status: unknown = 'status' in object ? object.status : undefined;
  // Nodes keep the status that they are created with.
  if (status === undefined || r.plural === 'nodes' || r.plural === 'services') return created;
  const { namespace, name } = created.metadata;
  return await client.patch(r, { namespace, name }, { status }, { type: 'merge', subresource: 'status' });
}

function at({ metadata: { namespace, name } }: Pod) {
  return { namespace, name };
}

async function remove(client: ApiClient, pod: Pod): Promise<void> {
  try {
    await client.delete(resources.PODS, at(pod), { gracePeriodSeconds: 0 });
  } catch (err) {
    if (!isNotFound(err)) throw err;
  }
}

async function clean(client: ApiClient): Promise<void> {
  const wipe = (path: string): Promise<unknown> =>
    client.request({ method: 'DELETE', path, query: { gracePeriodSeconds: '0' } });
  // Pods that wait first, or the scheduler would bind them into the room of those that go.
  await Promise.all(NAMESPACES.map(({ name }) => wipe(`/api/v1/namespaces/${name}/pods`)));
  await wipe('/api/v1/nodes');
  for (const kind of ['storageclasses', 'csidrivers', 'csinodes'])
    await wipe(`/apis/storage.k8s.io/v1/${kind}`);
  await wipe('/apis/storage.k8s.io/v1/namespaces/team-a/csistoragecapacities');
  await Promise.all(NAMESPACES.map(({ name }) => wipe(`/api/v1/namespaces/${name}/persistentvolumeclaims`)));
  await wipe('/api/v1/persistentvolumes');
  for (const { name } of NAMESPACES) {
    await wipe(`/apis/policy/v1/namespaces/${name}/poddisruptionbudgets`);
    await wipe(`/api/v1/namespaces/${name}/services`);
  }
  // Bound between the two steps, perhaps.
  await Promise.all(NAMESPACES.map(({ name }) => wipe(`/api/v1/namespaces/${name}/pods`)));
}

function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}
