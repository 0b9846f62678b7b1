/** Grants that must survive the kubelet: what each pod was allocated, and what its containers were last set to. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/atomic_file.ts';
import { errorCode, errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { setAside } from '../../base/set_aside.ts';
import type { Allocation, Granted } from './allocation.ts';

export interface ResizeState {
  /** By UID of the pod. */
  readonly allocated: ReadonlyMap<string, Allocation>;
  readonly actuated: ReadonlyMap<string, Allocation>;
  /** Resizes that are not known to be in force yet, by UID of the pod. */
  readonly resizing: ReadonlyMap<string, Resizing>;
}

export interface Resizing {
  /** Of the pod, as it was granted. */
  readonly generation?: number | undefined;
  /** A timestamp of the API. */
  readonly since: string;
  /** Why it could not be set when that was last tried. */
  readonly error?: string;
}

/** Of a kubelet that has not granted anything yet. */
export const NO_RESIZES: ResizeState = { allocated: new Map(), actuated: new Map(), resizing: new Map() };

const FILE = 'ts_kubelet_resize_state';
/** Stock's own, read once when this kubelet takes over from it. */
const STOCK = { allocated: 'allocated_pods_state', actuated: 'actuated_pods_state' } as const;

/**
 * What was saved last; nothing where there is no file. A file that cannot be understood is set aside and reported: pods
 * then have what their specs ask for.
 */
export async function loadResizeState(rootDir: string, log: Pick<Log, 'error'>): Promise<ResizeState> {
  const path = join(rootDir, FILE);
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'));
    const version = fieldOf(parsed, 'version');
    const read = version === 1 ? ofContainers : allocationOf;
    return {
      allocated: entriesAt(parsed, 'allocated', read),
      actuated: entriesAt(parsed, 'actuated', read),
      resizing: version === 1 ? new Map() : entriesAt(parsed, 'resizing', resizingOf),
    };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return loadStock(rootDir, log);
    await setAside(path, error, 'The checkpoint of resizes', log);
    return NO_RESIZES;
  }
}

export async function saveResizeState(rootDir: string, state: ResizeState): Promise<void> {
  const text = JSON.stringify({
    version: 2,
    allocated: Object.fromEntries(state.allocated),
    actuated: Object.fromEntries(state.actuated),
    resizing: Object.fromEntries(state.resizing),
  });
  await writeFileAtomic(join(rootDir, FILE), text, { mode: 0o600 });
}

async function loadStock(rootDir: string, log: Pick<Log, 'error'>): Promise<ResizeState> {
  const load = async (name: string): Promise<Map<string, Allocation>> => {
    try {
      const outer: unknown = JSON.parse(await readFile(join(rootDir, name), 'utf8'));
      const inner: unknown = JSON.parse(textOf(outer, 'data'));
      const pods = objectAt(inner, 'entries');
      return new Map(
        Object.entries(pods).map(([uid, entry]) => [
          uid,
          {
            ...ofContainers(fieldOf(entry, 'ContainerResources')),
            pod: grantOf(fieldOf(entry, 'PodLevelResources') ?? {}),
          },
        ]),
      );
    } catch (error) {
      if (errorCode(error) !== 'ENOENT')
        log.error(error, 'The checkpoint of the kubelet before cannot be read', { name });
      return new Map();
    }
  };
  return {
    allocated: await load(STOCK.allocated),
    actuated: await load(STOCK.actuated),
    resizing: new Map(),
  };
}

/** A field of the checkpoint is not what it should be. */
class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textOf(value: unknown, name: string): string {
  const field = fieldOf(value, name);
  if (typeof field !== 'string') throw new CheckpointError(`field "${name}": want a string`);
  return field;
}

function objectAt(value: unknown, name: string): object {
  const field = fieldOf(value, name);
  if (typeof field !== 'object' || field === null)
    throw new CheckpointError(`field "${name}": got ${errorMessage(field)}, want an object`);
  return field;
}

function entriesAt<T>(value: unknown, name: string, read: (entry: unknown) => T): Map<string, T> {
  return new Map(Object.entries(objectAt(value, name)).map(([uid, entry]) => [uid, read(entry)]));
}

function allocationOf(value: unknown): Allocation {
  const pod = fieldOf(value, 'pod');
  return {
    ...ofContainers(objectAt(value, 'containers')),
    ...(pod === undefined ? {} : { pod: grantOf(pod) }),
  };
}

function ofContainers(value: unknown): Allocation {
  if (typeof value !== 'object' || value === null) throw new CheckpointError('an allocation: want an object');
  const containers = Object.entries(value).map(([name, entry]): [string, Granted] => [name, grantOf(entry)]);
  return { containers: Object.fromEntries(containers) };
}

function resizingOf(value: unknown): Resizing {
  const [generation, error] = [fieldOf(value, 'generation'), fieldOf(value, 'error')];
  return {
    since: textOf(value, 'since'),
    ...(typeof generation === 'number' ? { generation } : {}),
    ...(typeof error === 'string' ? { error } : {}),
  };
}

function grantOf(value: unknown): Granted {
  const read = (name: 'limits' | 'requests'): Record<string, string> | undefined => {
    const amounts = fieldOf(value, name);
    if (amounts === undefined || amounts === null) return undefined;
    if (typeof amounts !== 'object') throw new CheckpointError(`field "${name}": want an object`);
    return Object.fromEntries(
      Object.entries(amounts).map(([resource, amount]): [string, string] => {
        if (typeof amount !== 'string') throw new CheckpointError(`"${name}.${resource}": want a quantity`);
        return [resource, amount];
      }),
    );
  };
  const [limits, requests] = [read('limits'), read('requests')];
  return { ...(limits === undefined ? {} : { limits }), ...(requests === undefined ? {} : { requests }) };
}
