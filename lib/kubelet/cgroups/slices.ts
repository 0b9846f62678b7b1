/**
 * Groups as slices of systemd (https://systemd.io/CGROUP_DELEGATION). Who sets a limit of a slice must tell systemd: at
 * its next turn (a unit started in the slice, a reload) it writes what it knows into the group's files.
 */
import { DBusConnection, DBusError, systemBusPath } from '../dbus/dbus_connection.ts';
import type { Argument, Property } from '../dbus/dbus_message.ts';

/** Values of a group by the kernel's names of the files: `{ 'memory.max': 'max' }`. */
export type GroupSettings = Readonly<Record<string, string>>;

export interface Slices {
  /** Makes a slice with settings, or sets those of one that is there. */
  start(unit: string, settings: GroupSettings): Promise<void>;
  /** Sets what a unit has, until the machine is booted again. */
  set(unit: string, settings: GroupSettings): Promise<void>;
  /** Stops slices; one that is not there is fine. What runs in one ends with it. */
  stop(units: readonly string[]): Promise<void>;
}

export interface SlicesOptions {
  /** Default: the system bus. */
  readonly busPath?: string;
  readonly signal: AbortSignal;
}

const MANAGER = {
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.systemd1.Manager',
} as const;
const EXISTS = 'org.freedesktop.systemd1.UnitExists';
const NONE = 'org.freedesktop.systemd1.NoSuchUnit';
const UNLIMITED = 2n ** 64n - 1n;
/** systemd keeps the controllers of what it accounts for enabled. */
const ACCOUNTING: readonly Property[] = [
  ['DefaultDependencies', { boolean: false }],
  ['CPUAccounting', { boolean: true }],
  ['IOAccounting', { boolean: true }],
  ['MemoryAccounting', { boolean: true }],
  ['TasksAccounting', { boolean: true }],
];
const BYTES_OR_TASKS: Readonly<Record<string, string>> = {
  'memory.max': 'MemoryMax',
  'memory.high': 'MemoryHigh',
  'memory.low': 'MemoryLow',
  'memory.min': 'MemoryMin',
  'pids.max': 'TasksMax',
  'cpu.weight': 'CPUWeight',
};

/** What systemd calls settings of cgroup v2 (systemd.resource-control(5)); files that it has no name for are left out. */
export function unitProperties(settings: GroupSettings): readonly Property[] {
  return Object.entries(settings).flatMap(([file, value]): Property[] => {
    const name = BYTES_OR_TASKS[file];
    if (name !== undefined) return [[name, { uint64: value === 'max' ? UNLIMITED : BigInt(value) }]];
    if (file !== 'cpu.max') return [];
    const [quota = 'max', period = '100000'] = value.split(' ');
    const perSecond = quota === 'max' ? UNLIMITED : (BigInt(quota) * 1_000_000n) / BigInt(period);
    return [
      ['CPUQuotaPerSecUSec', { uint64: perSecond }],
      ['CPUQuotaPeriodUSec', { uint64: BigInt(period) }],
    ];
  });
}

/** Slices of the machine's systemd, over the message bus. */
export function systemdSlices(options: SlicesOptions): Slices {
  const { signal, busPath = systemBusPath() } = options;
  const withBus = async (use: (bus: DBusConnection) => Promise<unknown>): Promise<void> => {
    const bus = await DBusConnection.connect(busPath, signal);
    try {
      await use(bus);
    } finally {
      bus.close();
    }
  };
  const call = (bus: DBusConnection, member: string, ...args: readonly Argument[]): Promise<unknown> =>
    bus.call({ ...MANAGER, member, args }, signal);
  const set = (bus: DBusConnection, unit: string, settings: GroupSettings): Promise<unknown> => {
    const properties = unitProperties(settings);
    // `true`: in /run.
    return call(bus, 'SetUnitProperties', { string: unit }, { boolean: true }, { properties });
  };
  return {
    start: (unit, settings) =>
      withBus(async (bus) => {
        const properties = [
          ['Description', { string: 'Pods of Kubernetes' }] as const,
          ...ACCOUNTING,
          ...unitProperties(settings),
        ];
        try {
          await call(
            bus,
            'StartTransientUnit',
            { string: unit },
            { string: 'replace' },
            { properties },
            { auxiliaryUnits: [] },
          );
        } catch (error) {
          if (!isBusError(error, EXISTS)) throw error;
          if (Object.keys(settings).length > 0) await set(bus, unit, settings);
        }
      }),
    set: (unit, settings) => withBus((bus) => set(bus, unit, settings)),
    stop: (units) =>
      withBus(async (bus) => {
        for (const unit of units) {
          try {
            await call(bus, 'StopUnit', { string: unit }, { string: 'replace' });
          } catch (error) {
            if (!isBusError(error, NONE)) throw error;
          }
        }
      }),
  };
}

function isBusError(error: unknown, name: string): boolean {
  return error instanceof DBusError && error.errorName === name;
}
