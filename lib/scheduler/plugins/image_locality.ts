import { allContainers } from '../../api/pod.ts';
import type { Pod } from '../../api/types.ts';
import type { SchedulerCache } from '../cache/cache.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import type { RowSet } from '../cache/row_set.ts';
import type { ColumnPlugin, ScoreColumn, ScorePlugin } from '../framework/plugin.ts';
import { MAX_NODE_SCORE } from '../framework/plugin.ts';

const MIB = 1024 * 1024;
/** Below this sum, images are as good as not there; per container above it there is nothing more to gain. */
const MIN_BYTES = 23 * MIB;
const MAX_BYTES_PER_CONTAINER = 1000 * MIB;

/** Prefers nodes that have the pod's images, the larger and the wider spread the image the more. */
export function imageLocality({ cache }: { readonly cache: SchedulerCache }): ScorePlugin & ColumnPlugin {
  const score = (images: readonly string[], node: NodeInfo): number => {
    let sum = 0;
    for (const name of images) {
      const image = node.images.has(name) ? cache.image(name) : undefined;
      // An image that few nodes have would draw all pods of its kind there: it counts by how many have it.
      if (image !== undefined) sum += Math.floor(image.bytes * (image.nodes / cache.nodes().length));
    }
    const most = MAX_BYTES_PER_CONTAINER * images.length;
    const clamped = Math.min(Math.max(sum, MIN_BYTES), most);
    return Math.floor((MAX_NODE_SCORE * (clamped - MIN_BYTES)) / (most - MIN_BYTES));
  };
  return {
    name: 'ImageLocality',
    score: (_state, pod, node) => score(imagesOf(pod), node),
    signPod({ spec }) {
      let images = '';
      for (const { image = '' } of spec.initContainers ?? []) images += `${image} `;
      for (const { image = '' } of spec.containers) images += `${image} `;
      return images;
    },
    columns: (pod) => ({ score: new ImageColumn(imagesOf(pod), cache, score) }),
  };
}

/** Scores that change all together when an image comes to be on more nodes or on fewer. */
class ImageColumn implements ScoreColumn {
  readonly isIdle = false;
  readonly #images: readonly string[];
  readonly #cache: SchedulerCache;
  readonly #score: (images: readonly string[], node: NodeInfo) => number;
  #spread = '';

  constructor(
    images: readonly string[],
    cache: SchedulerCache,
    score: (images: readonly string[], node: NodeInfo) => number,
  ) {
    this.#images = images;
    this.#cache = cache;
    this.#score = score;
  }

  update(dirty: RowSet, touched: RowSet): void {
    let spread = '';
    for (const name of this.#images) {
      const image = this.#cache.image(name);
      spread += image === undefined ? '-' : `${image.bytes}/${image.nodes} `;
    }
    if (spread !== this.#spread) touched.isAll = true;
    this.#spread = spread;
    for (let i = 0; i < dirty.size; i++) touched.add(dirty.at(i));
  }

  score(row: number): number {
    const node = this.#cache.nodeAt(row);
    return node === undefined ? 0 : this.#score(this.#images, node);
  }
}

function imagesOf(pod: Pod): readonly string[] {
  return allContainers(pod).map((container) => normalized(container.image ?? ''));
}

/** With a tag, as nodes report images. */
function normalized(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') && !image.includes('@') ? `${image}:latest` : image;
}
