/** Whether two pieces of plain JSON have the same members in the same order: at most so is their text the same. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  if (keys.length !== others.length) return false;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] ?? '';
    if (key !== others[i] || !sameJson(Reflect.get(a, key), Reflect.get(b, key))) return false;
  }
  return true;
}

/** The text of plain JSON, where it is mostly the same as the last time. */
export class LastText {
  #value: unknown;
  #text = '';

  of(value: object): string {
    if (!sameJson(value, this.#value)) {
      this.#text = JSON.stringify(value);
      this.#value = value;
    }
    return this.#text;
  }
}
