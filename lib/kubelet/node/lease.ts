import type { Lease, OwnerReference } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { ApiClient } from '../../client/client.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../client/errors.ts';
import { LEASES } from '../../client/resource.ts';

export interface NodeLeaseOptions {
  readonly client: ApiClient;
  readonly nodeName: string;
  /** `nodeLeaseDurationSeconds`; it is renewed four times in that time. */
  readonly durationSeconds: number;
  /** The Node's UID once it is known: owner of the Lease, so that it goes with it. */
  readonly nodeUid: () => string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const NAMESPACE = 'kube-node-lease';
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 7000;

/** Renews the node's Lease until the signal aborts; that the node is alive shows in nothing else so often. */
export async function keepNodeLease(options: NodeLeaseOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, durationSeconds } = options;
  const interval = (durationSeconds * 1000) / 4;
  let lease: Lease | undefined;
  let retry = FIRST_RETRY_MS;
  while (!signal.aborted) {
    const started = clock.monotonic();
    let wait: number;
    try {
      lease = await renew(options, lease, signal);
      retry = FIRST_RETRY_MS;
      // Whatever the call took: the rhythm is that of the Lease.
      wait = Math.max(0, interval * (1 + 0.04 * Math.random()) - (clock.monotonic() - started));
    } catch (err) {
      if (signal.aborted) return;
      lease = undefined;
      log.warn('Could not renew the node lease; trying again', { err: errorMessage(err), inMs: retry });
      wait = retry;
      retry = Math.min(retry * 2, LAST_RETRY_MS, interval);
    }
    try {
      await clock.sleep(wait, signal);
    } catch {
      return; // aborted
    }
  }
}

async function renew(
  options: NodeLeaseOptions,
  known: Lease | undefined,
  signal: AbortSignal,
): Promise<Lease> {
  const { client, nodeName, durationSeconds } = options;
  const key = { namespace: NAMESPACE, name: nodeName };
  const opts = { signal, timeoutMs: Math.max(1000, (durationSeconds * 1000) / 4) };
  let lease = known;
  for (let attempt = 0; ; attempt++) {
    try {
      lease ??= await client.get(LEASES, key, opts);
      return await client.update(LEASES, renewed(lease, options), opts);
    } catch (err) {
      lease = undefined;
      if (isNotFound(err)) {
        const fresh = renewed({ metadata: { namespace: NAMESPACE, name: nodeName } }, options);
        try {
          return await client.create(LEASES, fresh, opts);
        } catch (createErr) {
          if (!isAlreadyExists(createErr) || attempt >= 3) throw createErr;
        }
      } else if (!isConflict(err) || attempt >= 3) throw err;
    }
  }
}

function renewed(lease: Lease, { nodeName, durationSeconds, nodeUid, clock }: NodeLeaseOptions): Lease {
  const uid = nodeUid();
  const owner: OwnerReference | undefined =
    uid === undefined ? undefined : { apiVersion: 'v1', kind: 'Node', name: nodeName, uid };
  return {
    ...lease,
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    // An owner of an earlier Node of the same name would have the Lease collected as garbage.
    metadata: { ...lease.metadata, ...(owner === undefined ? {} : { ownerReferences: [owner] }) },
    spec: {
      ...lease.spec,
      holderIdentity: nodeName,
      leaseDurationSeconds: durationSeconds,
      // MicroTime: six digits.
      renewTime: new Date(clock.now()).toISOString().replace(/Z$/, '000Z'),
    },
  };
}
