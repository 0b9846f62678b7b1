/** Keeps Services and EndpointSlices as the API last had them, and which Services changed since rules were made. */
import type { EndpointSlice, Service } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import type { Family } from '../model/address.ts';
import type { Endpoint, ServicePort } from '../model/service_port.ts';
import type { SliceEndpoints } from './endpoint_slices.ts';
import { endpointsOf, readSlice } from './endpoint_slices.ts';
import type { InputProblem } from './service_ports.ts';
import { servicePortsOf } from './service_ports.ts';

/** What changed since the last {@link ServiceTracker.take}. */
export interface ChangeSet {
  /** `namespace/name` of Services of which a rule may have changed, gone ones included. */
  readonly services: ReadonlySet<string>;
  /** Changes of Services and of slices that came in. */
  readonly serviceChanges: number;
  readonly endpointChanges: number;
  /** When the changes of endpoints of each family began, milliseconds since the epoch; those of slices that say so. */
  readonly triggerTimes: Readonly<Record<Family, readonly number[]>>;
}

/** Told of objects that are partly unusable. Called once per change of the object. */
export type OnProblems = (object: Service | EndpointSlice, problems: readonly InputProblem[]) => void;

export interface TrackerOptions {
  readonly nodeName: string;
  readonly onProblems?: OnProblems;
}

interface Entry {
  ports: readonly ServicePort[];
  readonly slices: Map<string, SliceEndpoints>;
}

interface Pending {
  services: Set<string>;
  serviceChanges: number;
  endpointChanges: number;
  triggerTimes: Record<Family, number[]>;
}

export class ServiceTracker {
  readonly #nodeName: string;
  readonly #onProblems: OnProblems;
  readonly #entries = new Map<string, Entry>();
  readonly #serviceOfSlice = new Map<string, string>();
  #pending: Pending = nothing();

  constructor(options: TrackerOptions) {
    this.#nodeName = options.nodeName;
    this.#onProblems = options.onProblems ?? ((): void => undefined);
  }

  /** A Service is new or changed. */
  setService(service: Service): void {
    const { ports, problems } = servicePortsOf(service);
    if (problems.length > 0) this.#onProblems(service, problems);
    const key = keyOf(service);
    const known = this.#entries.get(key);
    this.#pending.serviceChanges++;
    if (known === undefined && ports.length === 0) return;
    this.#entry(key).ports = ports;
    this.#changed(key);
  }

  /** A Service is gone. */
  deleteService(service: Service): void {
    const key = keyOf(service);
    this.#pending.serviceChanges++;
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.ports = [];
    this.#changed(key);
  }

  /** A slice is new or changed. */
  setSlice(slice: EndpointSlice): void {
    const key = keyOf(slice);
    const read = readSlice(slice);
    this.#pending.endpointChanges++;
    const before = this.#serviceOfSlice.get(key);
    // The label that names the Service may have been changed by hand.
    if (before !== undefined && before !== read?.serviceKey) this.#dropSlice(key, before);
    if (read === undefined) return;
    if (read.problems.length > 0) this.#onProblems(slice, read.problems);
    this.#serviceOfSlice.set(key, read.serviceKey);
    const { slices } = this.#entry(read.serviceKey);
    const { changeBegan, family } = read;
    // The same time again: something else of the slice was changed, and nobody said when.
    if (changeBegan !== undefined && changeBegan !== slices.get(key)?.changeBegan)
      this.#pending.triggerTimes[family].push(changeBegan);
    slices.set(key, read);
    this.#changed(read.serviceKey);
  }

  /** A slice is gone. */
  deleteSlice(slice: EndpointSlice): void {
    const key = keyOf(slice);
    this.#pending.endpointChanges++;
    const service = this.#serviceOfSlice.get(key);
    if (service !== undefined) this.#dropSlice(key, service);
  }

  /** The ports of a Service in one family; empty when there is no such Service. */
  ports(serviceKey: string, family: Family): readonly ServicePort[] {
    return this.#entries.get(serviceKey)?.ports.filter((port) => port.family === family) ?? [];
  }

  /** The endpoints of a Service port, usable or not. */
  endpoints(port: ServicePort): Endpoint[] {
    const slices = this.#entries.get(`${port.namespace}/${port.name}`)?.slices.values() ?? [];
    return endpointsOf(port, slices, this.#nodeName);
  }

  /** `namespace/name` of all Services known. */
  services(): IterableIterator<string> {
    return this.#entries.keys();
  }

  get pendingServiceChanges(): number {
    return this.#pending.serviceChanges;
  }

  get pendingEndpointChanges(): number {
    return this.#pending.endpointChanges;
  }

  /** The changes since the last call, which the caller now has to bring into force. */
  take(): ChangeSet {
    const taken = this.#pending;
    this.#pending = nothing();
    return taken;
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { ports: [], slices: new Map() };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #changed(key: string): void {
    this.#pending.services.add(key);
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.ports.length === 0 && entry.slices.size === 0) this.#entries.delete(key);
  }

  #dropSlice(key: string, service: string): void {
    this.#serviceOfSlice.delete(key);
    this.#entries.get(service)?.slices.delete(key);
    this.#changed(service);
  }
}

function nothing(): Pending {
  return { services: new Set(), serviceChanges: 0, endpointChanges: 0, triggerTimes: { IPv4: [], IPv6: [] } };
}
