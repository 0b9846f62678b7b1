/**
 * Licences: so many pods that use a product may run at a time. A pod gets its licence when its node is reserved and gives it
 * back when that comes to nothing, or when it has gone. Without a free licence it waits at Permit for a while, its place kept,
 * and is taken back if none comes free.
 *
 *     Pod: metadata.labels["licence.example.com/product"] = "cad"
 *     pluginConfig: [{ name: LicenceCount, args: { licences: { cad: 2 }, waitSeconds: 60 } }]
 */
import type { Pod } from 'ts-kubernetes-node/scheduler-plugin';
import { argsObject, definePlugin, podId, unresolvable } from 'ts-kubernetes-node/scheduler-plugin';

const PRODUCT = 'licence.example.com/product';
const NAME = 'LicenceCount';

interface Args {
  readonly licences: ReadonlyMap<string, number>;
  readonly waitMs: number;
}

export default definePlugin({
  name: NAME,
  create(args, handle) {
    const { licences, waitMs } = decode(args);
    /** Pods with a reserved place, in the order in which they came: the first ones have the licences. */
    const reserved = new Map<string, Map<string, Pod>>();

    const productOf = (pod: Pod): string | undefined => pod.metadata.labels?.[PRODUCT];
    /** Running pods, and reserved ones that the API does not show on their node yet. */
    const holders = (product: string): readonly string[] => {
      const ids = new Set(
        handle.cache
          .nodes()
          .flatMap((node) => [...node.pods()])
          .filter((pod) => productOf(pod) === product)
          .map(podId),
      );
      const waiting = reserved.get(product) ?? new Map<string, Pod>();
      // Those that wait hold a place but no licence: they come last.
      const first = [...ids].filter((id) => !waiting.has(id));
      return [...first, ...waiting.keys()];
    };
    const hasLicence = (pod: Pod, product: string): boolean =>
      holders(product).indexOf(podId(pod)) < (licences.get(product) ?? 0);
    let isLooking = false;
    /** Lets those go on that have a licence now, and looks again in a second while any are left. */
    const handOut = (): void => {
      isLooking = false;
      for (const waiting of handle.waiting.list()) {
        const product = productOf(waiting.pod);
        if (product === undefined || !waiting.pendingPlugins().includes(NAME)) continue;
        if (hasLicence(waiting.pod, product)) waiting.allow(NAME);
        else lookAgain();
      }
    };
    const lookAgain = (): void => {
      if (isLooking) return;
      isLooking = true;
      handle.clock.setTimer(1000, handOut);
    };

    return {
      preFilter(_state, pod) {
        const product = productOf(pod);
        if (product === undefined || licences.has(product)) return undefined;
        return unresolvable(`no licence for product "${product}" is configured`);
      },
      reserve(_state, pod) {
        const product = productOf(pod);
        if (product === undefined) return undefined;
        const pods = reserved.get(product) ?? new Map<string, Pod>();
        reserved.set(product, pods.set(podId(pod), pod));
        return undefined;
      },
      unreserve(_state, pod) {
        reserved.get(productOf(pod) ?? '')?.delete(podId(pod));
      },
      permit(_state, pod) {
        const product = productOf(pod);
        if (product === undefined || hasLicence(pod, product)) return undefined;
        lookAgain();
        return { code: 'Wait', timeoutMs: waitMs };
      },
      postBind(_state, pod) {
        reserved.get(productOf(pod) ?? '')?.delete(podId(pod)); // it counts as a pod of its node now
      },
      // A pod that ends gives its licence to one that is in the queue for want of it.
      eventsToRegister: () => [
        {
          event: 'AssignedPodDelete',
          hint: (waiting, { old }) => old?.metadata.labels?.[PRODUCT] === productOf(waiting),
        },
      ],
    };
  },
});

function decode(args: unknown): Args {
  const { licences, waitSeconds = 60 } = argsObject(args);
  if (typeof licences !== 'object' || licences === null)
    throw new TypeError('licences: want an object from product to count');
  if (typeof waitSeconds !== 'number' || !(waitSeconds > 0))
    throw new TypeError('waitSeconds: want a number above 0');
  const counts = Object.entries(argsObject(licences)).map(([product, count]): [string, number] => {
    if (typeof count !== 'number' || !Number.isInteger(count) || count < 0)
      throw new TypeError(`licences.${product}: want a whole number from 0`);
    return [product, count];
  });
  return { licences: new Map(counts), waitMs: waitSeconds * 1000 };
}
