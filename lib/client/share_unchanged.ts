/**
 * Lets `fresh` share with `known` whatever of it is the same, so that most of what was parsed anew is short-lived garbage,
 * and what was there stays where it is.
 *
 * @param known plain JSON, is not changed
 * @param fresh plain JSON that nobody else holds yet; stays equal to what it was
 * @returns whether both are the same, the order of members aside
 */
export function shareUnchanged(known: object, fresh: object): boolean {
  if (Array.isArray(known) !== Array.isArray(fresh)) return false;
  const names = Object.keys(fresh);
  let same = names.length === Object.keys(known).length;
  for (const name of names) {
    const before: unknown = Reflect.get(known, name);
    const now: unknown = Reflect.get(fresh, name);
    if (before !== now && !(isTree(before) && isTree(now) && shareUnchanged(before, now))) same = false;
    // Equal strings are two until they are shared.
    else if (typeof now === 'object' || typeof now === 'string') Reflect.set(fresh, name, before);
  }
  return same;
}

function isTree(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
