import { isNotFound } from '../../../client/errors.ts';
import type { ApiClient } from '../../../client/client.ts';
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '../../../client/resource.ts';
import { errorMessage } from '../../../base/errors.ts';
import { ClaimError } from './claim.ts';
import type { ClaimReader } from './claim_plugin.ts';

/** Reads each time: a claim is looked at when a pod starts, and must be as it is then. */
export function apiClaimReader(client: Pick<ApiClient, 'get'>): ClaimReader {
  return {
    async claim(namespace, name, signal) {
      try {
        return await client.get(PERSISTENT_VOLUME_CLAIMS, { namespace, name }, { signal });
      } catch (error) {
        signal.throwIfAborted();
        const why = isNotFound(error) ? `persistentvolumeclaim "${name}" not found` : errorMessage(error);
        throw new ClaimError(
          `error processing PVC ${namespace}/${name}: failed to fetch PVC from API server: ${why}`,
          { cause: error },
        );
      }
    },
    async volume(name, signal) {
      try {
        return await client.get(PERSISTENT_VOLUMES, { name }, { signal });
      } catch (error) {
        signal.throwIfAborted();
        throw new ClaimError(`failed to fetch PV ${name} from API server: ${errorMessage(error)}`, {
          cause: error,
        });
      }
    },
  };
}
