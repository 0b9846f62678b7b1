/**
 * Cost: prefers nodes that cost less, by the hour and for what the pod asks of them.
 *
 *     pluginConfig: [{ name: CostAware, args: { label: example.com/hourly-price, fallback: 1 } }]
 */
import type { Pod } from 'ts-kubernetes-node/scheduler-plugin';
import { argsObject, definePlugin, MAX_NODE_SCORE } from 'ts-kubernetes-node/scheduler-plugin';

interface Args {
  /** Node label that holds the price per hour. */
  readonly label?: string;
  /** Price of nodes without that label. Default: as the dearest. */
  readonly fallback?: number;
}

export default definePlugin({
  name: 'CostAware',
  create(args) {
    const { label = 'example.com/hourly-price', fallback = Number.POSITIVE_INFINITY } = decode(args);
    return {
      score(_state, _pod, node) {
        const price = Number(node.labels[label] ?? fallback);
        // A finite number is wanted: what has no price is put beyond every price.
        return Number.isFinite(price) && price >= 0 ? price : Number.MAX_SAFE_INTEGER;
      },
      // The cheapest 100, the dearest 0.
      normalize(price, lowest, highest) {
        if (highest === lowest) return MAX_NODE_SCORE;
        return Math.round((MAX_NODE_SCORE * (highest - price)) / (highest - lowest));
      },
      // The score is the same for every pod, so that answers can be kept.
      signPod: (_pod: Pod) => '',
    };
  },
});

function decode(args: unknown): Args {
  const { label, fallback } = argsObject(args);
  if (label !== undefined && typeof label !== 'string') throw new TypeError('label: want a string');
  if (fallback !== undefined && typeof fallback !== 'number') throw new TypeError('fallback: want a number');
  return { ...(label === undefined ? {} : { label }), ...(fallback === undefined ? {} : { fallback }) };
}
