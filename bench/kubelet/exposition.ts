/** Reads figures off a page of metrics. */

interface Sample {
  readonly labels: string;
  readonly value: number;
}

function samples(page: string, name: string): Sample[] {
  return page.split('\n').flatMap((line) => {
    const match = /^([a-zA-Z_:]\w*)(?:\{(.*)\})? (\S+)/.exec(line);
    return match?.[1] === name ? [{ labels: match[2] ?? '', value: Number(match[3]) }] : [];
  });
}

/** All series of a counter added up. */
export function counterOf(page: string, name: string): number {
  return samples(page, name).reduce((sum, { value }) => sum + value, 0);
}

/** The largest series of a gauge. */
export function gaugeOf(page: string, name: string): number {
  return Math.max(...samples(page, name).map(({ value }) => value));
}

/**
 * The upper bound of the bucket that holds a share (0 to 1) of what a histogram observed between two pages.
 */
export function quantileBetween(before: string, after: string, name: string, share: number): number {
  const buckets = bucketsOf(after, name);
  for (const [bound, count] of bucketsOf(before, name)) buckets.set(bound, (buckets.get(bound) ?? 0) - count);
  const wanted = (buckets.get(Infinity) ?? NaN) * share;
  const bounds = [...buckets].filter(([, count]) => count >= wanted).map(([bound]) => bound);
  return Math.min(...bounds);
}

function bucketsOf(page: string, name: string): Map<number, number> {
  const buckets = new Map<number, number>();
  for (const { labels, value } of samples(page, `${name}_bucket`)) {
    const text = /le="([^"]+)"/.exec(labels)?.[1] ?? '';
    const bound = text === '+Inf' ? Infinity : Number(text);
    buckets.set(bound, (buckets.get(bound) ?? 0) + value);
  }
  return buckets;
}
