import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DBusMessage } from '../dbus/dbus_message.ts';
import { type BusAnswer, FakeBus, NOTHING } from '../testing/fake_bus.ts';
import { systemdSlices, unitProperties } from './slices.ts';

const UNLIMITED = 18_446_744_073_709_551_615n;

test.each([
  [{ 'memory.max': '1048576' }, [['MemoryMax', 1_048_576n]]],
  [{ 'memory.max': 'max' }, [['MemoryMax', UNLIMITED]]],
  [
    { 'memory.min': '4096', 'memory.high': '8192' },
    [
      ['MemoryMin', 4096n],
      ['MemoryHigh', 8192n],
    ],
  ],
  [
    { 'cpu.weight': '4', 'pids.max': '100' },
    [
      ['CPUWeight', 4n],
      ['TasksMax', 100n],
    ],
  ],
  [
    { 'cpu.max': '150000 100000' },
    [
      ['CPUQuotaPerSecUSec', 1_500_000n],
      ['CPUQuotaPeriodUSec', 100_000n],
    ],
  ],
  [
    { 'cpu.max': 'max 50000' },
    [
      ['CPUQuotaPerSecUSec', UNLIMITED],
      ['CPUQuotaPeriodUSec', 50_000n],
    ],
  ],
  [{ 'memory.oom.group': '1' }, []],
] as const)('systemd has %j as %j', (settings, want) => {
  expect(unitProperties(settings)).toEqual(want.map(([name, uint64]) => [name, { uint64 }]));
});

/** A systemd that knows some units. */
class SystemdBus extends FakeBus {
  readonly units = new Set<string>();
  refuses = false;

  protected override answer({ member, body: [unit] }: DBusMessage): BusAnswer {
    const name = String(unit);
    const error = (text: string): BusAnswer => ({ error: `org.freedesktop.systemd1.${text}`, text });
    if (this.refuses) return { error: 'org.freedesktop.DBus.Error.AccessDenied', text: 'not you' };
    if (member === 'StartTransientUnit' && this.units.has(name)) return error('UnitExists');
    if (member !== 'StartTransientUnit' && !this.units.has(name)) return error('NoSuchUnit');
    if (member === 'StartTransientUnit') this.units.add(name);
    if (member === 'StopUnit') this.units.delete(name);
    return NOTHING;
  }
}

let dir: string;
let bus: SystemdBus;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tsk-slices-'));
  bus = new SystemdBus(join(dir, 'bus'));
});
afterEach(async () => {
  await bus.close();
  await rm(dir, { recursive: true, force: true });
});
const slices = (name = 'bus') =>
  systemdSlices({ busPath: join(dir, name), signal: new AbortController().signal });
const ACCOUNTING =
  '[DefaultDependencies false] [CPUAccounting true] [IOAccounting true] [MemoryAccounting true] [TasksAccounting true]';

test('a slice is made with what it may have, set when it is there, and stopped', async () => {
  await slices().start('a.slice', { 'memory.max': '4096' });
  await slices().start('a.slice', { 'memory.max': '8192' });
  await slices().start('a.slice', {});
  await slices().set('a.slice', { 'memory.max': 'max' });
  await slices().stop(['none.slice', 'a.slice']);
  const start = (limits: string): string =>
    `StartTransientUnit(a.slice, replace, [[Description Pods of Kubernetes] ${ACCOUNTING}${limits}], [])`;
  expect(bus.calls.filter((call) => call !== 'Hello()')).toEqual([
    start(' [MemoryMax 4096]'),
    start(' [MemoryMax 8192]'),
    'SetUnitProperties(a.slice, true, [[MemoryMax 8192]])',
    start(''),
    `SetUnitProperties(a.slice, true, [[MemoryMax ${UNLIMITED}]])`,
    'StopUnit(none.slice, replace)',
    'StopUnit(a.slice, replace)',
  ]);
  expect(bus.units.size).toBe(0);
});

test('a refusal is told', async () => {
  bus.refuses = true;
  await expect(slices().start('a.slice', {})).rejects.toThrow('AccessDenied: not you');
  await expect(slices().set('a.slice', { 'cpu.weight': '1' })).rejects.toThrow('AccessDenied');
  await expect(slices().stop(['a.slice'])).rejects.toThrow('AccessDenied');
});

test('without a bus', async () => {
  await expect(slices('none').start('a.slice', {})).rejects.toThrow('ENOENT');
});
