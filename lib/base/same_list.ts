/** Whether both are there and have the same values in the same order. */
export function sameList<T>(a: readonly T[] | undefined, b: readonly T[]): boolean {
  return a !== undefined && a.length === b.length && a.every((value, i) => value === b[i]);
}
