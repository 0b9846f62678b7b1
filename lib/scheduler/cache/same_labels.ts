interface Labelled {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
}

export function sameLabels(a: Labelled, b: Labelled): boolean {
  const left = a.metadata.labels ?? {};
  const right = b.metadata.labels ?? {};
  if (left === right) return true;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => left[key] === right[key]);
}
