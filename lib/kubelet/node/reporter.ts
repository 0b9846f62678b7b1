import { hostname as machineHostname } from 'node:os';
import type { Node } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { ApiClient } from '../../client/client.ts';
import { isAlreadyExists, isNotFound } from '../../client/errors.ts';
import type { createInformer, Informer } from '../../client/informer.ts';
import { NODES } from '../../client/resource.ts';
import type { KubeletEvents, NodeFacts, NodeReporter } from '../contracts.ts';
import type { KubeletConfig, KubeletFlags } from '../config/kubelet_config.ts';
import type { StartupObserver } from '../metrics/startup_metrics.ts';
import { type Reservations, reservationProblem } from './capacity.ts';
import {
  type AddressFacts,
  chooseNodeIPs,
  NodeAddressError,
  readAddressFacts,
  reportedAddresses,
  waitsForProvider,
} from './addresses.ts';
import { NO_PRESSURE, nodeConditions, type Pressure } from './conditions.ts';
import { ensureCsiNode } from './csi_node.ts';
import { keepNodeLease } from './lease.ts';
import { readMachine, type Machine } from './machine.ts';
import { initialNode, reconcilePatch, type RegistrationInput } from './registration.ts';
import { nodeStatus, statusChanged, statusPatch, type OwnStatus } from './status.ts';

/** The parts of the kubelet's options that are read here. */
export interface ReporterSettings {
  readonly nodeName: string;
  readonly config: Reservations &
    Pick<
      KubeletConfig,
      | 'registerNode'
      | 'registerWithTaints'
      | 'providerID'
      | 'enableControllerAttachDetach'
      | 'port'
      | 'nodeStatusMaxImages'
      | 'nodeStatusUpdateFrequency'
      | 'nodeStatusReportFrequency'
      | 'nodeLeaseDurationSeconds'
    >;
  readonly flags: Pick<
    KubeletFlags,
    'nodeIPs' | 'nodeLabels' | 'hostnameOverride' | 'cloudProvider' | 'rootDir'
  >;
}

export interface NodeReporterOptions {
  readonly client: ApiClient;
  readonly createInformer: typeof createInformer;
  readonly options: ReporterSettings;
  readonly facts: NodeFacts;
  readonly events: Pick<KubeletEvents, 'node'>;
  /** `v1.36.3` */
  readonly kubeletVersion: string;
  readonly clock: Clock;
  readonly log: Log;
  /** For `node.status.declaredFeatures`; default none. */
  readonly declaredFeatures?: readonly string[];
  /** What the node is short of; default nothing. */
  readonly pressure?: () => Pressure;
  /** Told how the start of a new node goes on. */
  readonly startup?: StartupObserver;
  /** For tests; default: this machine. */
  readonly readMachine?: () => Promise<Machine>;
  readonly readAddresses?: () => Promise<AddressFacts>;
}

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 7000;
/** Pokes that come together become one report. */
const POKE_SETTLE_MS = 50;

/**
 * Reads the machine and makes the reporter; nothing is sent before {@link NodeReporter.run}. A machine that has no address
 * yet (its network comes up later) runs static pods all the same: it is looked for again with each report.
 *
 * @throws Error when the machine cannot be read, or more is to be kept of it than it has
 */
export async function createNodeReporter(options: NodeReporterOptions): Promise<NodeReporter> {
  const { nodeName, flags } = options.options;
  const machine = await (options.readMachine ?? (() => readMachine({ rootDir: flags.rootDir })))();
  const problem = reservationProblem(machine, options.options.config);
  if (problem !== undefined) throw new Error(problem);
  const facts = await (options.readAddresses ?? (() => readAddressFacts(nodeName, flags.nodeIPs)))();
  return new Reporter(options, machine, addressesNow(flags.nodeIPs, facts, options.log));
}

function addressesNow(requested: readonly string[], facts: AddressFacts, log: Log): readonly string[] {
  try {
    return chooseNodeIPs(requested, facts);
  } catch (err) {
    if (!(err instanceof NodeAddressError)) throw err;
    log.error(err, 'The node has no address yet; looking for one with each report');
    return [];
  }
}

class Reporter implements NodeReporter {
  readonly #options: NodeReporterOptions;
  #machine: Machine;
  #ips: readonly string[];
  readonly #registration: RegistrationInput;
  readonly #nodes: Informer<Node>;
  /** As last read from or written to the API. */
  #known: Node | undefined;
  #wake: (() => void) | undefined;
  #poked = false;
  #reportedAt = -Infinity;
  #bootSeen = false;
  #unschedulable = false;
  /** UID of the Node whose CSINode is known to be there. */
  #csiNodeOf: string | undefined;

  constructor(options: NodeReporterOptions, machine: Machine, ips: readonly string[]) {
    const { nodeName, config, flags } = options.options;
    this.#options = options;
    this.#machine = machine;
    this.#ips = ips;
    this.#registration = {
      nodeName,
      hostname:
        flags.hostnameOverride === '' ? machineHostname().trim().toLowerCase() : flags.hostnameOverride,
      architecture: machine.architecture,
      config,
      flags,
    };
    this.#nodes = options.createInformer(options.client, NODES, {
      fieldSelector: `metadata.name=${nodeName}`,
      clock: options.clock,
      onError: (err) => options.log.v(2).info('Watching the own Node failed', { err: errorMessage(err) }),
    });
  }

  node(): Node {
    return this.#known ?? this.#provisional();
  }

  #provisional(): Node {
    const fresh = initialNode(this.#registration, this.#ownStatus(undefined, [], this.#now()).status);
    return { ...fresh, metadata: { ...fresh.metadata, name: this.#options.options.nodeName } };
  }

  hostIPs(): readonly string[] {
    const known = this.#known?.status?.addresses
      ?.filter((a) => a.type === 'InternalIP')
      .map((a) => a.address);
    if (known !== undefined && known.length > 0) return known;
    return waitsForProvider(this.#options.options.flags) ? [] : this.#ips;
  }

  poke(): void {
    this.#poked = true;
    this.#wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { client, options, clock, log } = this.#options;
    const remove = this.#nodes.addHandler({
      add: (node) => this.#observed(node),
      update: (_old, node) => this.#observed(node),
      delete: () => {
        log.warn('The Node object was deleted; registering again');
        this.#known = undefined;
        this.poke();
      },
    });
    const lease = keepNodeLease(
      {
        client,
        nodeName: options.nodeName,
        durationSeconds: options.config.nodeLeaseDurationSeconds,
        nodeUid: () => this.#known?.metadata.uid,
        clock,
        log,
      },
      signal,
    );
    const watching = this.#nodes.run(signal);
    await Promise.all([this.#reportLoop(signal), lease, watching.catch(rethrowUnlessAborted(signal))]);
    remove();
  }

  #observed(node: Node): void {
    const before = this.#known;
    // An answer to our own write may be newer than what the watch tells.
    if (before !== undefined && before.metadata.uid === node.metadata.uid && isOlder(node, before)) return;
    this.#known = node;
    this.#announceSchedulable(node);
  }

  /** A kubelet that starts on a cordoned node says so, one that starts on another says nothing. */
  #announceSchedulable(node: Node): void {
    const unschedulable = node.spec?.unschedulable === true;
    if (unschedulable === this.#unschedulable) return;
    this.#unschedulable = unschedulable;
    this.#announceStatus(unschedulable ? 'NodeNotSchedulable' : 'NodeSchedulable');
  }

  async #reportLoop(signal: AbortSignal): Promise<void> {
    const { log, options } = this.#options;
    let retry = FIRST_RETRY_MS;
    while (!signal.aborted) {
      let wait = options.config.nodeStatusUpdateFrequency;
      this.#poked = false;
      try {
        await this.#report(signal);
        retry = FIRST_RETRY_MS;
      } catch (err) {
        if (signal.aborted) return;
        log.error(err, 'Could not update the node status; trying again', {
          node: options.nodeName,
          inMs: retry,
        });
        wait = retry;
        retry = Math.min(retry * 2, LAST_RETRY_MS);
      }
      await this.#pause(wait, signal);
    }
  }

  /** Until the time is over or a poke came; never rejects. */
  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    if (!this.#poked) {
      await new Promise<void>((resolve) => {
        const timer = clock.setTimer(ms, () => done());
        const done = (): void => {
          timer.cancel();
          signal.removeEventListener('abort', done);
          this.#wake = undefined;
          resolve();
        };
        this.#wake = done;
        signal.addEventListener('abort', done, { once: true });
        if (signal.aborted) done();
      });
    }
    if (this.#poked && !signal.aborted) await clock.sleep(POKE_SETTLE_MS, signal).catch(() => undefined);
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { client, options, facts, clock } = this.#options;
    await this.#refreshFacts();
    const images = await facts.images(signal).catch((err: unknown) => {
      // The runtime is away: the conditions tell; the images from before stand.
      this.#options.log.v(2).info('Could not list images for the node status', { err: errorMessage(err) });
      return this.#knownImages();
    });
    if (this.#known === undefined && !(await this.#register(images, signal))) return;
    const node = this.#known;
    if (node === undefined) return;
    const { status, events } = this.#ownStatus(node, images, this.#now());
    const due = clock.monotonic() - this.#reportedAt >= options.config.nodeStatusReportFrequency;
    if (due || statusChanged(node, status)) {
      try {
        this.#known = await client.patch(NODES, { name: options.nodeName }, statusPatch(node, status), {
          type: 'strategic-merge',
          subresource: 'status',
          signal,
        });
        this.#reportedAt = clock.monotonic();
      } catch (err) {
        if (isNotFound(err)) {
          this.#known = undefined;
          this.poke();
        }
        throw err;
      }
      this.#announce(node, events);
    }
    const uid = node.metadata.uid ?? '';
    if (uid !== this.#csiNodeOf) {
      await ensureCsiNode(client, { name: options.nodeName, uid }, signal);
      this.#csiNodeOf = uid;
    }
  }

  #announce(before: Node, events: readonly string[]): void {
    const { nodeName } = this.#options.options;
    const bootId = before.status?.nodeInfo?.bootID ?? '';
    if (!this.#bootSeen) {
      this.#bootSeen = true;
      if (bootId !== '' && bootId !== this.#machine.bootId) {
        const message = `Node ${nodeName} has been rebooted, boot id: ${this.#machine.bootId}`;
        this.#options.events.node('Warning', 'Rebooted', message);
      }
    }
    for (const reason of events) {
      this.#announceStatus(reason);
      if (reason === 'NodeReady') this.#options.startup?.ready();
    }
  }

  #announceStatus(reason: string): void {
    const message = `Node ${this.#options.options.nodeName} status is now: ${reason}`;
    this.#options.events.node('Normal', reason, message);
  }

  #knownImages(): Awaited<ReturnType<NodeFacts['images']>> {
    return (this.#known?.status?.images ?? []).map((i) => ({
      names: i.names ?? [],
      sizeBytes: i.sizeBytes ?? 0,
    }));
  }

  /** Addresses and capacity may change while running (DHCP, hot plug). What cannot be read stays as it was. */
  async #refreshFacts(): Promise<void> {
    const { options, log } = this.#options;
    try {
      this.#machine = await (
        this.#options.readMachine ?? (() => readMachine({ rootDir: options.flags.rootDir }))
      )();
      const facts = await (
        this.#options.readAddresses ?? (() => readAddressFacts(options.nodeName, options.flags.nodeIPs))
      )();
      this.#ips = chooseNodeIPs(options.flags.nodeIPs, facts);
    } catch (err) {
      if (err instanceof NodeAddressError) log.warn('Keeping the node addresses', { err: err.message });
      else log.error(err, 'Could not read the facts of this machine');
    }
  }

  /** False: not registered, and not to be (`registerNode: false`) or to be tried again. */
  async #register(images: Awaited<ReturnType<NodeFacts['images']>>, signal: AbortSignal): Promise<boolean> {
    const { client, options, log } = this.#options;
    const existing = await client.get(NODES, { name: options.nodeName }, { signal }).catch((err: unknown) => {
      if (isNotFound(err)) return undefined;
      throw err;
    });
    if (existing !== undefined) {
      this.#known = await this.#reconcile(existing, signal);
      return true;
    }
    if (!options.config.registerNode) {
      log.warn('There is no Node object and registerNode is off: waiting for one', {
        node: options.nodeName,
      });
      return false;
    }
    const { status, events } = this.#ownStatus(undefined, images, this.#now());
    this.#options.startup?.registering();
    try {
      const node = await client.create(NODES, initialNode(this.#registration, status), { signal });
      this.#known = node;
      this.#reportedAt = this.#options.clock.monotonic();
      log.info('Registered the node', { node: options.nodeName });
      this.#options.startup?.registered();
      this.#announce(node, events);
      return true;
    } catch (err) {
      if (!isAlreadyExists(err)) throw err;
      this.poke(); // somebody was faster; the next round reads it
      return false;
    }
  }

  async #reconcile(node: Node, signal: AbortSignal): Promise<Node> {
    const patch = reconcilePatch(node, this.#registration);
    if (patch === undefined) return node;
    return this.#options.client.patch(NODES, { name: node.metadata.name }, patch, {
      type: 'strategic-merge',
      signal,
    });
  }

  #ownStatus(
    before: Node | undefined,
    images: Awaited<ReturnType<NodeFacts['images']>>,
    now: string,
  ): { status: OwnStatus; events: readonly string[] } {
    const { facts, options, kubeletVersion, pressure } = this.#options;
    const { conditions, events } = nodeConditions(
      before?.status?.conditions ?? [],
      pressure?.() ?? NO_PRESSURE,
      facts.health().problems,
      now,
    );
    const status = nodeStatus({
      machine: this.#machine,
      config: options.config,
      addresses: reportedAddresses({
        flags: options.flags,
        hostname: this.#registration.hostname,
        ips: this.#ips,
        known: before?.status?.addresses ?? [],
      }),
      kubeletVersion,
      runtimeVersion: facts.runtimeVersion(),
      images,
      runtimeHandlers: facts.runtimeHandlers(),
      features: facts.runtimeFeatures?.(),
      volumesInUse: facts.volumesInUse(),
      conditions,
      knownCapacity: before?.status?.capacity,
      declaredFeatures: this.#options.declaredFeatures ?? [],
    });
    return { status, events };
  }

  /** Times of the API have whole seconds. */
  #now(): string {
    return new Date(this.#options.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}

/** By resourceVersion, which the API lets compare as a number (KEP-5504). */
function isOlder(a: Node, b: Node): boolean {
  const [x, y] = [a.metadata.resourceVersion ?? '', b.metadata.resourceVersion ?? ''];
  return x.length !== y.length ? x.length < y.length : x < y;
}

function rethrowUnlessAborted(signal: AbortSignal): (err: unknown) => void {
  return (err) => {
    if (!signal.aborted) throw err;
  };
}
