/** Bounds the values that the labels of a metric take (`--allow-metric-labels`), and so what the metric can grow to. */

/** Metric name to label name to the values that are shown. */
export type AllowedLabels = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

/** What stands for any other value, as in the stock components. */
const UNEXPECTED = 'unexpected';

/** The methods of metrics whose arguments are labels: an object, or values in the order of the label names. */
const LABELLED: ReadonlySet<string | symbol> = new Set([
  'inc',
  'dec',
  'set',
  'observe',
  'tally',
  'labels',
  'startTimer',
  'zero',
  'setToCurrentTime',
]);
const POSITIONAL: ReadonlySet<string | symbol> = new Set(['labels']);

/**
 * The metric as its users are to see it: what they count under a value that is not allowed is counted under
 * `unexpected`. A metric without limits is given back as it is.
 */
export function limitLabels<M extends object>(
  metric: M,
  labelNames: readonly string[],
  limits: ReadonlyMap<string, ReadonlySet<string>> | undefined,
): M {
  if (limits === undefined || limits.size === 0) return metric;
  const limited = (label: string, value: unknown): unknown => {
    const allowed = limits.get(label);
    if (allowed === undefined || (typeof value !== 'string' && typeof value !== 'number')) return value;
    return allowed.has(String(value)) ? value : UNEXPECTED;
  };
  return new Proxy(metric, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function' || !LABELLED.has(name)) return member;
      return (...args: unknown[]): unknown =>
        Reflect.apply(
          member,
          target,
          args.map((arg, i) => {
            if (typeof arg === 'object' && arg !== null)
              return Object.fromEntries(Object.entries(arg).map(([k, v]) => [k, limited(k, v)]));
            return POSITIONAL.has(name) ? limited(labelNames[i] ?? '', arg) : arg;
          }),
        );
    },
  });
}
