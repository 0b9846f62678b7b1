import { allContainers } from '../../api/pod.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import { StateKey } from '../framework/cycle_state.ts';
import type { PreScorePlugin, ScorePlugin } from '../framework/plugin.ts';
import { MAX_NODE_SCORE } from '../framework/plugin.ts';

const MIB = 1024 * 1024;
/** Below this sum, images are as good as not there; per container above it there is nothing more to gain. */
const MIN_BYTES = 23 * MIB;
const MAX_BYTES_PER_CONTAINER = 1000 * MIB;

interface Presence {
  /** Bytes of an image, scaled by the share of nodes that have it. */
  readonly weighted: ReadonlyMap<string, number>;
  readonly onNode: ReadonlyMap<string, ReadonlySet<string>>;
}

const presence = new StateKey<Presence>('ImageLocality.presence');

/** Prefers nodes that have the pod's images, the larger and the wider spread the image the more. */
export const imageLocality: PreScorePlugin & ScorePlugin = {
  name: 'ImageLocality',
  preScore(state, pod, nodes) {
    const wanted = new Set(allContainers(pod).map((c) => normalized(c.image ?? '')));
    const onNode = new Map<string, ReadonlySet<string>>();
    const seen = new Map<string, { bytes: number; nodes: number }>();
    for (const node of nodes) {
      const found = imagesOn(node, wanted);
      onNode.set(node.name, new Set(found.keys()));
      for (const [image, bytes] of found) {
        const entry = seen.get(image) ?? { bytes, nodes: 0 };
        entry.nodes++;
        seen.set(image, entry);
      }
    }
    const weighted = new Map<string, number>();
    for (const [image, entry] of seen)
      weighted.set(image, Math.floor((entry.bytes * entry.nodes) / nodes.length));
    state.write(presence, { weighted, onNode });
    return undefined;
  },
  score(state, pod, node) {
    const known = state.read(presence);
    const containers = allContainers(pod);
    let sum = 0;
    for (const container of containers) {
      const image = normalized(container.image ?? '');
      if (known?.onNode.get(node.name)?.has(image) === true) sum += known.weighted.get(image) ?? 0;
    }
    const most = MAX_BYTES_PER_CONTAINER * containers.length;
    const clamped = Math.min(Math.max(sum, MIN_BYTES), most);
    return Math.floor((MAX_NODE_SCORE * (clamped - MIN_BYTES)) / (most - MIN_BYTES));
  },
};

function imagesOn(node: NodeInfo, wanted: ReadonlySet<string>): Map<string, number> {
  const found = new Map<string, number>();
  for (const image of node.node.status?.images ?? []) {
    for (const name of image.names ?? []) if (wanted.has(name)) found.set(name, image.sizeBytes ?? 0);
  }
  return found;
}

/** With a tag, as nodes report images. */
function normalized(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') && !image.includes('@') ? `${image}:latest` : image;
}
