/** Pods as the page shows them. Pure. */
import type { ContainerState, ContainerStatus, Node, Pod, PodStatus } from '../../api/types.ts';
import type { Timeline, TimelineEntry } from '../contracts.ts';
import { isSidecar } from '../runtime/restart_policy.ts';
import { waitsFor } from '../explain/waits_for.ts';
import { podUid } from '../runtime/runtime_names.ts';
import type { UiContainer, UiPod, UiPodRow } from './page_data.ts';

type Known = ReturnType<Timeline['latest']>[number];

/** Gone pods beyond so many are left out. */
const MAX_GONE = 50;

export function podRows(
  pods: readonly Pod[],
  statusOf: (uid: string) => PodStatus | undefined,
  known: readonly Known[],
): readonly UiPodRow[] {
  const byUid = new Map(known.map((k) => [k.pod.uid, k]));
  const rows = pods.map((pod) => podRow(pod, statusOf(podUid(pod)) ?? pod.status, byUid.get(podUid(pod))));
  const here = new Set(pods.map(podUid));
  const gone = known.filter(({ pod }) => !here.has(pod.uid)).map(goneRow);
  const newest = (a: UiPodRow, b: UiPodRow): number => b.lastAt - a.lastAt || (a.pod < b.pod ? -1 : 1);
  const waits = (row: UiPodRow): number => (row.waitsFor === '' ? 1 : 0);
  return [
    ...rows.sort((a, b) => waits(a) - waits(b) || newest(a, b)),
    ...gone.sort(newest).slice(0, MAX_GONE),
  ];
}

export function podRow(pod: Pod, status: PodStatus | undefined, known: Known | undefined): UiPodRow {
  const { name, namespace = 'default', deletionTimestamp } = pod.metadata;
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map((c) => c.name);
  const counted = [
    ...(status?.initContainerStatuses ?? []).filter((c) => sidecars.includes(c.name)),
    ...(status?.containerStatuses ?? []),
  ];
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return {
    pod: `${namespace}/${name ?? ''}`,
    state: deletionTimestamp === undefined ? (status?.phase ?? 'Pending') : 'Terminating',
    readyContainers: counted.filter(({ ready }) => ready).length,
    containers: pod.spec.containers.length + sidecars.length,
    restarts: all.reduce((sum, { restartCount }) => sum + restartCount, 0),
    waitsFor: waitsFor(pod, status, known?.waitingFor),
    ...lastOf(known),
  };
}

export function goneRow(known: Known): UiPodRow {
  const { namespace, name } = known.pod;
  return {
    pod: `${namespace}/${name}`,
    state: 'Gone',
    readyContainers: 0,
    containers: 0,
    restarts: 0,
    waitsFor: '',
    ...lastOf(known),
  };
}

function lastOf(known: Known | undefined): Pick<UiPodRow, 'last' | 'lastAt'> {
  const last = known?.last;
  if (last === undefined) return { last: '', lastAt: 0 };
  return { last: entryText(last), lastAt: Date.parse(last.lastAt ?? last.at) };
}

function entryText({ what, container, why, error }: TimelineEntry): string {
  const because = error ?? why;
  return `${what}${container === undefined ? '' : ` ${container}`}${because === undefined ? '' : `: ${because}`}`;
}

export function podDetail(
  row: UiPodRow,
  uid: string,
  pod: Pod | undefined,
  status: PodStatus | undefined,
  entries: readonly TimelineEntry[],
): UiPod {
  const reason = status?.reason ?? '';
  return {
    row,
    uid,
    ip: status?.podIP ?? '',
    qosClass: status?.qosClass ?? '',
    message: [reason, status?.message ?? ''].filter((text) => text !== '').join(': '),
    containers: pod === undefined ? [] : containersOf(pod, status),
    conditions: (status?.conditions ?? []).map((c) => ({
      type: c.type,
      status: c.status,
      why: [c.reason ?? '', c.message ?? ''].filter((text) => text !== '').join(': '),
      since: c.lastTransitionTime ?? '',
    })),
    entries,
  };
}

function containersOf(pod: Pod, status: PodStatus | undefined): readonly UiContainer[] {
  const sidecars = new Set((pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const shown = (kind: string, list: readonly ContainerStatus[] | undefined): readonly UiContainer[] =>
    (list ?? []).map((c) => ({
      name: c.name,
      kind: sidecars.has(c.name) ? 'sidecar' : kind,
      state: stateText(c.state),
      ready: c.ready,
      restarts: c.restartCount,
      last: stateText(c.lastState),
    }));
  return [
    ...shown('init', status?.initContainerStatuses),
    ...shown('', status?.containerStatuses),
    ...shown('ephemeral', status?.ephemeralContainerStatuses),
  ];
}

function stateText(state: ContainerState | undefined): string {
  const { running, terminated, waiting } = state ?? {};
  if (running !== undefined) return `running since ${running.startedAt ?? ''}`;
  if (terminated !== undefined)
    return `${terminated.reason ?? 'ended'}, exit code ${terminated.exitCode}${terminated.message === undefined ? '' : `: ${terminated.message}`}`;
  if (waiting === undefined) return '';
  return `${waiting.reason ?? 'waiting'}${waiting.message === undefined ? '' : `: ${waiting.message}`}`;
}

/** Conditions of the node that are not as they should be. */
export function nodeProblems(node: Node | undefined): readonly string[] {
  return (node?.status?.conditions ?? [])
    .filter(({ type, status }) => status !== (type === 'Ready' ? 'True' : 'False'))
    .map(({ type, status, message }) => `${type} is ${status}: ${message ?? ''}`);
}
