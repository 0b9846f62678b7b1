import type { ApiClient } from '../../lib/client/client.ts';
import { LineSplitter } from '../../lib/client/line_splitter.ts';
import { PODS_IN_CLUSTER } from './pods.ts';

/** One watch event per pod, as the apiserver sends it, managedFields included. */
export async function recordFrames(client: ApiClient): Promise<readonly string[]> {
  const { body } = await client.stream({
    method: 'GET',
    path: '/api/v1/pods',
    query: { watch: true, resourceVersion: '0' },
  });
  const frames: string[] = [];
  const splitter = new LineSplitter();
  for await (const chunk of body) {
    splitter.push(chunk, (line) => frames.push(line));
    if (frames.length >= PODS_IN_CLUSTER) break;
  }
  return frames;
}
