/** Which cluster has which slot (see address_plan.ts): one small file in the state root, changed under its lock. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MAX_SLOTS } from './address_plan.ts';
import { lockFile } from './lock.ts';

/** Slot of each cluster, by its name. */
export type SlotTable = Readonly<Record<string, number>>;

/**
 * The slot of `name`: its own if it has one, else the lowest that is nobody's and not `taken` by something else.
 * `undefined` when all are in use.
 */
export function chooseSlot(
  table: SlotTable,
  name: string,
  taken: (slot: number) => boolean,
): number | undefined {
  const own = Object.hasOwn(table, name) ? table[name] : undefined;
  if (own !== undefined) return own;
  const used = new Set(Object.values(table));
  return Array.from({ length: MAX_SLOTS }, (_, slot) => slot).find((slot) => !used.has(slot) && !taken(slot));
}

/** Validates the text of the slot file. */
export function parseSlotTable(text: string): SlotTable {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TypeError('slots: not JSON', { cause: error });
  }
  if (typeof value !== 'object' || value === null) throw new TypeError('slots: want an object');
  return Object.fromEntries(
    Object.entries(value).map(([name, slot]) => {
      if (!Number.isInteger(slot) || slot < 0 || slot >= MAX_SLOTS)
        throw new TypeError(`slots: ${name}: got ${String(slot)}, want 0 to ${MAX_SLOTS - 1}`);
      return [name, Number(slot)];
    }),
  );
}

const slotFile = (stateRoot: string): string => path.join(stateRoot, 'slots.json');

export function readSlots(stateRoot: string): SlotTable {
  const file = slotFile(stateRoot);
  return existsSync(file) ? parseSlotTable(readFileSync(file, 'utf8')) : {};
}

/** Changes the table under the state root's lock and gives back what `change` gives. */
export async function withSlots<T>(
  stateRoot: string,
  change: (table: SlotTable) => Promise<{ table: SlotTable; result: T }>,
): Promise<T> {
  mkdirSync(stateRoot, { recursive: true });
  const lock = await lockFile(path.join(stateRoot, 'slots.lock'));
  try {
    const { table, result } = await change(readSlots(stateRoot));
    const file = slotFile(stateRoot);
    if (Object.keys(table).length === 0) rmSync(file, { force: true });
    else {
      writeFileSync(`${file}.new`, `${JSON.stringify(table, undefined, 2)}\n`);
      renameSync(`${file}.new`, file);
    }
    return result;
  } finally {
    await lock.release();
  }
}
