import { isAbort } from '../../base/errors.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';

export interface ListedImage {
  readonly names: readonly string[];
  readonly sizeBytes: number;
}

/** Short: the node's status must tell of a runtime that hangs, and not hang with it. */
const TIMEOUT_MS = 3000;

/** The images on the node, for its status; while the runtime does not answer, those that it had last. */
export class ImageList {
  readonly #cri: Pick<RuntimeClient, 'listImages'>;
  #last: readonly ListedImage[] = [];

  constructor(cri: Pick<RuntimeClient, 'listImages'>) {
    this.#cri = cri;
  }

  async read(signal: AbortSignal): Promise<readonly ListedImage[]> {
    try {
      const { images } = await this.#cri.listImages({}, { signal, timeoutMs: TIMEOUT_MS });
      this.#last = images.map(({ repoTags, repoDigests, size }) => ({
        names: [...repoDigests, ...repoTags],
        sizeBytes: Number(size),
      }));
    } catch (error) {
      // That the runtime is down is reported by its health check.
      if (isAbort(error, signal)) throw error;
    }
    return this.#last;
  }
}
