/** What runs the pods: their workers, and what these act through. */
import { join } from 'node:path';
import type { Pod } from '../../api/types.ts';
import { isConflict, isNotFound } from '../../client/errors.ts';
import { PODS } from '../../client/resource.ts';
import { nodeAdmission } from '../admission/admission.ts';
import { appArmorAdmission, hasAppArmor } from '../admission/app_armor.ts';
import { featureAdmission } from '../admission/features.ts';
import { preempting, Preemptions } from '../admission/preemption.ts';
import { ClassBalance } from '../cgroups/class_balance.ts';
import { expandVariables } from '../env/expansion.ts';
import { declaredFeatures } from '../node/declared_features.ts';
import { PodRemover } from '../podworkers/pod_remover.ts';
import type { PodVerdict } from '../podworkers/pod_worker.ts';
import { PodWorkers } from '../podworkers/pod_workers.ts';
import type { ProbeManager } from '../contracts.ts';
import { ContainerLogsDir } from '../runtime/container_logs_dir.ts';
import { ContainerStop } from '../runtime/container_stop.ts';
import { PodSync } from '../runtime/pod_sync.ts';
import { restartBackoff } from '../runtime/restart_backoff.ts';
import { podUid } from '../runtime/runtime_names.ts';
import { isStatic } from '../sources/pod_manager.ts';
import { TerminationMessages } from '../status/termination_message.ts';
import type { UserNamespaces } from '../userns/user_namespaces.ts';
import type { Base } from './base.ts';
import type { ContainerInputs } from './container_inputs.ts';
import type { ImageParts } from './images.ts';
import { countedParts } from './counted_parts.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { NodeParts } from './node.ts';
import { createResizes, type ResizeParts, resourceOptions } from './resizes.ts';
import type { Pods } from './pods.ts';
import type { Runtime } from './runtime.ts';

/** A reason why a pod cannot run on this node, or `undefined`. */
export type Admit = (pod: Pod) => PodVerdict | undefined;

export interface Workers {
  readonly workers: PodWorkers;
  readonly containerLogs: ContainerLogsDir;
  readonly containerStop: ContainerStop;
  /** Asked in order before anything is done for a pod; the first refusal stands. Parts add their own. */
  readonly admission: Admit[];
  /** Pods that were let in and have not ended: what they request is taken. */
  readonly activePods: () => readonly Pod[];
}

export function createWorkers(
  base: Base &
    KubeletMetrics &
    Runtime &
    Pods &
    NodeParts &
    ContainerInputs &
    ImageParts &
    ResizeParts & { readonly probes: ProbeManager; readonly userNamespaces: UserNamespaces },
): Workers {
  const { background, cache, cgroups, clock, config, cri, dirs, health, log, nodeName } = base;
  const { pods, probes, statuses } = base;
  const containerLogs = new ContainerLogsDir(dirs);
  const stop = new ContainerStop({ ...base });
  const sync = new PodSync({
    ...base,
    stop,
    logs: containerLogs,
    expand: expandVariables,
    security: { seccompRoot: join(dirs.root, 'seccomp'), seccompDefault: config.seccompDefault },
    resources: () => resourceOptions(base),
  });
  const activePods = (): readonly Pod[] =>
    workers
      .workers()
      .filter(({ state, admitted }) => admitted && (state === 'syncing' || state === 'terminating'))
      .flatMap(({ pod }) => (pod === undefined ? [] : [pod]));
  const preemptions = new Preemptions();
  const preempt = preempting(preemptions, {
    ...base,
    fail: (victim, verdict) => workers.worker(podUid(victim))?.fail(verdict, undefined),
    counted: (what) => base.lifecycle.preempted(what),
  });
  const admission: Admit[] = [
    appArmorAdmission(hasAppArmor()),
    nodeAdmission({ config, nodeName, node: () => base.reporter.node(), active: activePods, preempt }),
  ];
  const declares = base.gates.enabled('NodeDeclaredFeatures');
  const supports = featureAdmission(declares ? declaredFeatures(base.gates) : undefined);
  const take = (pod: Pod): void => workers.set(resizes.take(pod));
  const { resizes, resize, forget } = createResizes(base, {
    active: activePods,
    retake: (pod) => take(pods.pod(podUid(pod)) ?? pod),
  });
  const classes = new ClassBalance({
    clock,
    balance: () => cgroups.balance(pods.pods()),
    onError: background.onError('Balancing cgroups failed'),
  });
  classes.start(base.signal);
  const workers: PodWorkers = new PodWorkers({
    clock,
    worker: {
      ...base,
      ...countedParts(base, sync),
      stop,
      messages: new TerminationMessages(log),
      remover: new PodRemover({ cri, cache, clock, dirs, logs: containerLogs, stop }),
      backoff: restartBackoff(config.crashLoopBackOff.maxContainerRestartPeriod, base.gates),
      runtimeName: () => health.runtimeName,
      networkProblem: () => health.networkProblem,
      admit: (pod) => {
        for (const admit of admission) {
          const verdict = admit(pod);
          if (verdict === undefined) continue;
          base.lifecycle.rejected(verdict.reason);
          return verdict;
        }
        return undefined;
      },
      admitted: (pod) => {
        resizes.admitted(pod);
        classes.changed();
      },
      supports: (pod) => {
        const verdict = supports(pod);
        if (verdict !== undefined) base.lifecycle.rejected(verdict.reason);
        return verdict;
      },
      resize,
      deleteFromApi: (pod, signal) => deleteFromApi(base, pod, signal),
    },
    waitsForPlace: (pod) =>
      preemptions.waits(pod, (uid) => {
        const state = workers.worker(uid)?.state;
        return state === undefined || state === 'terminated' || state === 'removed';
      }),
    removed: (uid) => {
      preemptions.forget(uid);
      statuses.forget(uid);
      base.userNamespaces.release(uid);
      classes.changed();
      forget(uid);
    },
    wanted: (uid) => pods.pod(uid),
  });
  pods.listen({ pod: take, gone: (uid) => workers.gone(uid) });
  cache.onChange((uid) => workers.wake(uid));
  probes.onChange(({ uid }) => workers.wake(uid));
  health.onChange(() => workers.wakeAll());
  return { workers, containerLogs, containerStop: stop, admission, activePods };
}

/** Starts the workers and what cleans up behind them. */
export function runWorkers(kubelet: Base & Workers): void {
  const { background, config, signal, workers } = kubelet;
  background.start('Pod workers failed', workers.run(signal));
  background.every('Periodic sync failed', config.syncFrequency, () => workers.wakeAll());
}

/** Removes a deleted pod from the API for good; its containers, volumes and cgroup are gone. */
async function deleteFromApi({ client, pods }: Base & Pods, pod: Pod, signal: AbortSignal): Promise<void> {
  const target = isStatic(pod) ? pods.mirrorOf(pod) : pod;
  if (target?.metadata.deletionTimestamp === undefined) return;
  const { namespace, name, uid } = target.metadata;
  try {
    await client.delete(
      PODS,
      { namespace, name },
      { gracePeriodSeconds: 0, ...(uid === undefined ? {} : { preconditions: { uid } }), signal },
    );
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
