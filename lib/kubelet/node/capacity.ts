/** Capacity and allocatable of the node. Pure. */
import { parseQuantity } from '../../api/quantity.ts';
import type { KubeletConfig } from '../config/kubelet_config.ts';
import type { Machine } from './machine.ts';

/** Resource name to quantity text, as `node.status.capacity`. */
export type ResourceTexts = Readonly<Record<string, string>>;

export type Reservations = Pick<
  KubeletConfig,
  | 'maxPods'
  | 'podsPerCore'
  | 'systemReserved'
  | 'kubeReserved'
  | 'evictionHard'
  | 'localStorageCapacityIsolation'
>;

/** What the machine has. */
export function nodeCapacity(machine: Machine, config: Reservations): ResourceTexts {
  const { podsPerCore, maxPods } = config;
  const pods = podsPerCore > 0 ? Math.min(podsPerCore * machine.cpus, maxPods) : maxPods;
  return {
    cpu: String(machine.cpus),
    ...(config.localStorageCapacityIsolation
      ? { 'ephemeral-storage': binary(BigInt(machine.nodeFsBytes)) }
      : {}),
    ...Object.fromEntries(
      [...machine.hugePages].map(([size, count]) => [
        `hugepages-${pageSizeName(size)}`,
        binary(BigInt(size) * BigInt(count)),
      ]),
    ),
    memory: binary(BigInt(machine.memoryBytes)),
    pods: String(pods),
  };
}

/**
 * What pods can have of it: capacity less what is reserved for the system and the kubelet, less the hard eviction
 * thresholds of memory and node file system; huge pages are taken from memory. Never below 0.
 */
export function nodeAllocatable(machine: Machine, config: Reservations): ResourceTexts {
  const capacity = nodeCapacity(machine, config);
  let hugePageBytes = 0n;
  for (const [size, count] of machine.hugePages) hugePageBytes += BigInt(size) * BigInt(count);
  const allocatable: Record<string, string> = {};
  for (const [name, text] of Object.entries(capacity)) {
    const left = amount(name, text) - kept(name, machine, config) - (name === 'memory' ? hugePageBytes : 0n);
    allocatable[name] = format(name, left < 0n ? 0n : left);
  }
  return allocatable;
}

/** What is kept of more than the machine has, `undefined` when everything is within. */
export function reservationProblem(machine: Machine, config: Reservations): string | undefined {
  const problems = Object.entries(nodeCapacity(machine, config)).flatMap(([name, text]) => {
    const reserved = kept(name, machine, config);
    return reserved <= amount(name, text)
      ? []
      : [
          `Resource "${name}" has a reservation of ${format(name, reserved)} but capacity of ${text}. Expected capacity >= reservation.`,
        ];
  });
  return problems.length === 0 ? undefined : `invalid Node Allocatable configuration. ${problems.join(' ')}`;
}

/** What of a resource is not for pods: reserved, and up to the hard eviction threshold. */
function kept(name: string, machine: Machine, config: Reservations): bigint {
  const { evictionHard, kubeReserved, systemReserved } = config;
  const reserved = amount(name, systemReserved[name]) + amount(name, kubeReserved[name]);
  if (name === 'memory')
    return reserved + threshold(evictionHard['memory.available'], BigInt(machine.memoryBytes));
  return name === 'ephemeral-storage'
    ? reserved + threshold(evictionHard['nodefs.available'], BigInt(machine.nodeFsBytes))
    : reserved;
}

/** CPU in milli-CPU, everything else in units. */
function amount(name: string, text: string | undefined): bigint {
  if (text === undefined) return 0n;
  const quantity = parseQuantity(text);
  return name === 'cpu' ? quantity.milliValue() : quantity.value();
}

/** An eviction threshold in bytes: a quantity, or a percentage of the capacity. */
function threshold(text: string | undefined, capacity: bigint): bigint {
  if (text === undefined) return 0n;
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent === undefined) return parseQuantity(text).value();
  return (capacity * BigInt(Math.round(Number(percent) * 10_000))) / 1_000_000n;
}

function format(name: string, value: bigint): string {
  if (name === 'cpu') return canonical(`${value}m`);
  return name === 'pods' ? String(value) : binary(value);
}

/** As the API server writes it back: what we compare with later. */
function canonical(text: string): string {
  return parseQuantity(text).toString();
}

function binary(value: bigint): string {
  return canonical(value % 1024n === 0n ? `${value / 1024n}Ki` : String(value));
}

function pageSizeName(size: number): string {
  return binary(BigInt(size));
}
