import { allContainers } from '../../api/pod.ts';
import type { SchedulerCache } from '../cache/cache.ts';
import type { ScorePlugin } from '../framework/plugin.ts';
import { MAX_NODE_SCORE } from '../framework/plugin.ts';

const MIB = 1024 * 1024;
/** Below this sum, images are as good as not there; per container above it there is nothing more to gain. */
const MIN_BYTES = 23 * MIB;
const MAX_BYTES_PER_CONTAINER = 1000 * MIB;

/** Prefers nodes that have the pod's images, the larger and the wider spread the image the more. */
export function imageLocality({ cache }: { readonly cache: SchedulerCache }): ScorePlugin {
  return {
    name: 'ImageLocality',
    score(_state, pod, node) {
      const containers = allContainers(pod);
      let sum = 0;
      for (const container of containers) {
        const name = normalized(container.image ?? '');
        const image = node.images.has(name) ? cache.image(name) : undefined;
        // An image that few nodes have would draw all pods of its kind there: it counts by how many have it.
        if (image !== undefined) sum += Math.floor(image.bytes * (image.nodes / cache.nodes().length));
      }
      const most = MAX_BYTES_PER_CONTAINER * containers.length;
      const clamped = Math.min(Math.max(sum, MIN_BYTES), most);
      return Math.floor((MAX_NODE_SCORE * (clamped - MIN_BYTES)) / (most - MIN_BYTES));
    },
  };
}

/** With a tag, as nodes report images. */
function normalized(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') && !image.includes('@') ? `${image}:latest` : image;
}
