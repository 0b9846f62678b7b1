/**
 * Identifies what a plugin keeps between the extension points of one scheduling cycle. The key carries the type of its
 * value, so that reading needs no cast.
 */
export class StateKey<T> {
  readonly name: string;
  /** Only for the compiler: ties the key to the type of its value. Never set. */
  declare readonly _value?: T;

  constructor(name: string) {
    this.name = name;
  }
}

/** Data of one scheduling cycle of one pod, private to the plugin that holds the key. */
export class CycleState {
  readonly #values = new Map<StateKey<unknown>, unknown>();
  /** Plugins whose PreFilter answered Skip: their Filter is left out. */
  readonly skippedFilters = new Set<string>();

  write<T>(key: StateKey<T>, value: T): void {
    this.#values.set(key, value);
  }

  /** The value written under `key` in this cycle, or undefined. */
  read<T>(key: StateKey<T>): T | undefined {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- write() stored it under the same typed key
    return this.#values.get(key) as T | undefined;
  }
}
