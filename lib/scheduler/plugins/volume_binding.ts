/** Pods go where their volumes are, or can be bound or made; and are bound when their volumes are. */
import type { Quantity } from '../../api/quantity.ts';
import type { Node, PersistentVolume } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import { isConflict } from '../../client/errors.ts';
import { StateKey } from '../framework/cycle_state.ts';
import type {
  EnqueueExtensions,
  FilterPlugin,
  PreBindPlugin,
  PreFilterPlugin,
  PreScorePlugin,
  ReservePlugin,
  ScorePlugin,
  SignPlugin,
} from '../framework/plugin.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
import type { Outcome } from '../framework/status.ts';
import { errorStatus, SKIP, unresolvable } from '../framework/status.ts';
import { requestBindings, VolumeBindingError, waitForBindings } from '../volumes/bind_volumes.ts';
import { isUsableOn, matchVolume } from '../volumes/match_volume.ts';
import type { PodClaims } from '../volumes/pod_claims.ts';
import {
  claimKeys,
  hasClaims,
  podClaims,
  requestOf,
  SELECTED_NODE,
  storageClassName,
} from '../volumes/pod_claims.ts';
import type { ProvisioningProblem } from '../volumes/provisioning.ts';
import { provisioning } from '../volumes/provisioning.ts';
import { DEFAULT_STORAGE_SHAPE, storageScore } from '../volumes/storage_score.ts';
import type { VolumeDecision } from '../volumes/volume_decisions.ts';
import { VolumeDecisions } from '../volumes/volume_decisions.ts';
import type { ShapePoint } from './scoring_strategy.ts';

/** VolumeBindingArgs. */
export interface VolumeBindingArgs {
  /** How long PreBind waits for volumes. Default 600. */
  readonly bindTimeoutSeconds?: number;
  /** How good a node is by how full its storage would be; only with the gate {@link SCORING_GATE}. */
  readonly shape?: readonly ShapePoint[];
}

export const SCORING_GATE = 'StorageCapacityScoring';

interface State {
  readonly claims: PodClaims;
  readonly volumesByClass: ReadonlyMap<string, readonly PersistentVolume[]>;
  /** By node that passed. */
  readonly decisions: Map<string, VolumeDecision>;
}

const key = new StateKey<State>('VolumeBinding');

type PreBind = (...of: Parameters<PreBindPlugin['preBind']>) => Promise<Outcome>;

const NOT_THERE = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)';
const CONFLICT = "node(s) didn't match PersistentVolume's node affinity";
const NONE_FOUND = "node(s) didn't find available persistent volumes to bind";
const NO_ROOM = 'node(s) did not have enough free storage';

type VolumeBinding = PreFilterPlugin &
  FilterPlugin &
  ReservePlugin &
  PreBindPlugin &
  SignPlugin &
  EnqueueExtensions;

export function volumeBinding(
  handle: Pick<PluginHandle, 'cache' | 'client' | 'clock' | 'gates' | 'objects'>,
  { bindTimeoutSeconds = 600, shape = DEFAULT_STORAGE_SHAPE }: VolumeBindingArgs = {},
): VolumeBinding & Partial<PreScorePlugin & ScorePlugin> {
  const { cache, objects } = handle;
  const decided = new VolumeDecisions();

  /** What would happen to the delayed claims on the node, or why they cannot be had there. */
  const decide = ({ claims, volumesByClass }: State, node: Node): VolumeDecision | ProvisioningProblem => {
    const bindings: { volume: PersistentVolume; claim: (typeof claims.delayed)[number] }[] = [];
    const provisions: (typeof claims.delayed)[number][] = [];
    const chosen = new Set<string>();
    const open: (typeof claims.delayed)[number][] = [];
    for (const claim of claims.delayed) {
      const selected = decided.nodeOf(claim) ?? claim.metadata.annotations?.[SELECTED_NODE];
      // Else its provisioning is under way, for that node.
      if (selected === undefined) open.push(claim);
      else if (selected === node.metadata.name) provisions.push(claim);
      else return 'topology';
    }
    for (const claim of open) {
      const volumes = volumesByClass.get(storageClassName(claim)) ?? [];
      const isTaken = (volume: PersistentVolume): boolean =>
        chosen.has(volume.metadata.name) || decided.isPromised(volume);
      const volume = matchVolume(claim, node, volumes, isTaken);
      if (volume === undefined) {
        provisions.push(claim);
        continue;
      }
      chosen.add(volume.metadata.name);
      bindings.push({ volume, claim });
    }
    const rooms = new Map<string, Quantity>();
    for (const claim of provisions) {
      const made = provisioning(claim, node, objects);
      if (typeof made === 'string') return made;
      if (made.room !== undefined) rooms.set(keyOf(claim), made.room);
    }
    return { bindings, provisions, rooms };
  };

  const bindVolumes: PreBind = async (state, pod, nodeName, signal) => {
    const found = state.read(key);
    const decision = found?.decisions.get(nodeName);
    const node = cache.node(nodeName)?.node;
    if (found === undefined || decision === undefined) return undefined;
    if (node === undefined) return errorStatus(`node "${nodeName}" not found`);
    if (found.claims.delayed.length === 0) return undefined;
    try {
      await requestBindings(decision, nodeName, handle, signal);
      const provisioned = new Set(decision.provisions.map(keyOf));
      const timeoutMs = bindTimeoutSeconds * 1000;
      await waitForBindings(found.claims.delayed, node, handle, { timeoutMs, provisioned, signal });
      decided.forget(decision); // the API says it now
      return undefined;
    } catch (err) {
      if (!(err instanceof VolumeBindingError) && !isConflict(err)) throw err;
      return errorStatus(`binding volumes of pod ${keyOf(pod)}: ${errorMessage(err)}`, err);
    }
  };

  const byStorage: Omit<PreScorePlugin & ScorePlugin, 'name'> = {
    preScore: (state) => (state.read(key) === undefined ? SKIP : undefined),
    score(state, _pod, { name }) {
      const decision = state.read(key)?.decisions.get(name);
      return decision === undefined ? 0 : storageScore(shape, decision);
    },
  };

  return {
    ...(handle.gates?.enabled(SCORING_GATE) === true ? byStorage : {}),
    name: 'VolumeBinding',
    preFilter(state, pod) {
      if (claimKeys(pod).length === 0) return SKIP;
      const claims = podClaims(pod, objects);
      if (typeof claims === 'string') return unresolvable(claims);
      if (claims.immediate.length > 0)
        return unresolvable('pod has unbound immediate PersistentVolumeClaims');
      state.write(key, {
        // The smallest first, so that none takes a larger volume than it needs from another; as stock does.
        claims: { ...claims, delayed: claims.delayed.toSorted((a, b) => requestOf(a).cmp(requestOf(b))) },
        volumesByClass: byClass(claims, objects.persistentVolumes.list()),
        decisions: new Map(),
      });
      return undefined;
    },
    filter(state, _pod, { node, name }) {
      const found = state.read(key);
      if (found === undefined) return undefined;
      const reasons: string[] = [];
      const volumes = found.claims.bound.map((c) => objects.persistentVolumes.get(c.spec?.volumeName ?? ''));
      if (volumes.some((volume) => volume !== undefined && !isUsableOn(volume, node))) reasons.push(CONFLICT);
      const decision = decide(found, node);
      if (decision === 'topology') reasons.push(NONE_FOUND);
      if (decision === 'capacity') reasons.push(NO_ROOM);
      if (volumes.includes(undefined)) reasons.push(NOT_THERE);
      if (reasons.length > 0 || typeof decision === 'string') return unresolvable(...reasons);
      found.decisions.set(name, decision);
      return undefined;
    },
    reserve(state, _pod, nodeName) {
      const decision = state.read(key)?.decisions.get(nodeName);
      if (decision !== undefined) decided.assume(decision, nodeName);
      return undefined;
    },
    unreserve(state, _pod, nodeName) {
      const decision = state.read(key)?.decisions.get(nodeName);
      if (decision !== undefined) decided.forget(decision);
    },
    preBindPreFlight(state, _pod, nodeName) {
      const { bindings = [], provisions = [] } = state.read(key)?.decisions.get(nodeName) ?? {};
      return bindings.length + provisions.length > 0;
    },
    preBind: (state, pod, nodeName, signal) =>
      state.read(key) === undefined ? undefined : bindVolumes(state, pod, nodeName, signal),
    // What volumes there are and who uses them follows from much else.
    signPod: (pod) => (hasClaims(pod) ? undefined : ''),
    eventsToRegister: () => [
      'NodeAdd',
      'NodeLabelUpdate',
      'PersistentVolumeAdd',
      'PersistentVolumeUpdate',
      'PersistentVolumeClaimAdd',
      'PersistentVolumeClaimUpdate',
      'StorageClassAdd',
      'CSINodeAdd',
      'CSINodeUpdate',
      'CSIDriverUpdate',
      'CSIStorageCapacityUpdate',
    ],
  };
}

/** The volumes of the classes that the delayed claims want. */
function byClass(
  { delayed }: PodClaims,
  volumes: readonly PersistentVolume[],
): ReadonlyMap<string, readonly PersistentVolume[]> {
  const classes = new Map<string, PersistentVolume[]>(delayed.map((claim) => [storageClassName(claim), []]));
  if (classes.size === 0) return classes;
  for (const volume of volumes) classes.get(volume.spec?.storageClassName ?? '')?.push(volume);
  return classes;
}
