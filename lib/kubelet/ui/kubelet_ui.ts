/** `/ui` of the kubelet: the pods of the node, what each waits for, and the timeline of each. */
import type { Clock } from '../../base/clock.ts';
import type { Routes } from '../../component/serving/routes.ts';
import { installPage } from '../../component/ui/page_server.ts';
import { KUBERNETES_VERSION } from '../../component/version.ts';
import { podUid } from '../runtime/runtime_names.ts';
import type { KubeletView } from '../server/view.ts';
import { KUBELET_PAGE_SCRIPT } from './generated/kubelet_page.ts';
import type { UiOverview, UiPod, UiPodRow } from './page_data.ts';
import { goneRow, nodeProblems, podDetail, podRow, podRows } from './pod_rows.ts';

export type UiSources = Pick<KubeletView, 'nodeName' | 'pods' | 'timeline' | 'node'> & {
  readonly clock: Clock;
};

/** However many look, the pods are gone through no more often than that. */
const FRESH_MS = 1000;

export function installUi(routes: Routes, sources: UiSources): void {
  const { clock, nodeName, pods, timeline } = sources;
  let known: { readonly at: number; readonly rows: readonly UiPodRow[] } | undefined;
  const rows = (): readonly UiPodRow[] => {
    const now = clock.monotonic();
    if (known === undefined || now - known.at > FRESH_MS)
      known = { at: now, rows: podRows(pods.pods(), (uid) => pods.status(uid), timeline.latest()) };
    return known.rows;
  };
  installPage(routes, {
    path: '/ui',
    title: 'ts-kubelet',
    script: KUBELET_PAGE_SCRIPT,
    data: {
      data: (): UiOverview => {
        const node = sources.node();
        return {
          now: clock.now(),
          node: nodeName,
          version: KUBERNETES_VERSION,
          problems: nodeProblems(node),
          maxPods: node?.status?.allocatable?.['pods'] ?? '',
          pods: rows(),
        };
      },
      pod: ([namespace = '', name = '']): UiPod | undefined => {
        const pod = pods.podByName(namespace, name);
        const explained = timeline.explain(namespace, name);
        if (pod === undefined && explained === undefined) return undefined;
        const uid = pod === undefined ? (explained?.pod.uid ?? '') : podUid(pod);
        // A pod of that name before this one has its own timeline.
        const own = explained?.pod.uid === uid ? explained : undefined;
        const last = own?.entries.at(-1);
        const latest = {
          pod: { uid, namespace, name },
          ...(own?.waitingFor === undefined ? {} : { waitingFor: own.waitingFor }),
          ...(last === undefined ? {} : { last }),
        };
        const status = pod === undefined ? undefined : (pods.status(uid) ?? pod.status);
        const row = pod === undefined ? goneRow(latest) : podRow(pod, status, latest);
        return podDetail(row, uid, pod, status, own?.entries ?? []);
      },
    },
  });
}
