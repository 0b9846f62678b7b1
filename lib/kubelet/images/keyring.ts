/** All credentials that a pod has for an image: its pull secrets, the plugins, the node's own docker config. */
import { readFile } from 'node:fs/promises';
import type { Pod, Secret } from '../../api/types.ts';
import { errorCode, isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeletEvents } from '../contracts.ts';
import {
  authsFor,
  credentialsFor,
  type ImageName,
  isRecord,
  type OwnedAuth,
} from '../runtime/pull_credentials.ts';
import type { CredentialPlugins } from './credential_plugins.ts';

export interface KeyringOptions {
  /** Reads a pull secret; rejects when it is not there. */
  readonly secret: (namespace: string, name: string, signal: AbortSignal) => Promise<Secret>;
  readonly plugins: Pick<CredentialPlugins, 'credentials'>;
  /** Docker config files of the node, the first that is there counts. */
  readonly nodeConfigs: readonly string[];
  readonly events: Pick<KubeletEvents, 'pod'>;
  readonly log: Pick<Log, 'error'>;
}

export class Keyring {
  readonly #options: KeyringOptions;

  constructor(options: KeyringOptions) {
    this.#options = options;
  }

  /** What applies to the image, in the order to try it. */
  async credentials(pod: Pod, image: ImageName, signal: AbortSignal): Promise<readonly OwnedAuth[]> {
    const secrets = await this.#secrets(pod, signal);
    return [
      ...credentialsFor(image, secrets).auths,
      ...(await this.#options.plugins.credentials(pod, image, signal)),
      ...(await this.#ofNode(image)),
    ];
  }

  async #secrets(pod: Pod, signal: AbortSignal): Promise<readonly Secret[]> {
    const secrets: Secret[] = [];
    const missing: string[] = [];
    for (const { name } of pod.spec.imagePullSecrets ?? []) {
      if (name === undefined || name === '') continue;
      try {
        secrets.push(await this.#options.secret(pod.metadata.namespace ?? '', name, signal));
      } catch (error) {
        if (isAbort(error, signal)) throw error;
        missing.push(name);
      }
    }
    if (missing.length > 0) {
      this.#options.events.pod(
        pod,
        'Warning',
        'FailedToRetrieveImagePullSecret',
        `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`,
      );
    }
    return secrets;
  }

  async #ofNode(image: ImageName): Promise<readonly OwnedAuth[]> {
    for (const path of this.#options.nodeConfigs) {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        if (errorCode(error) !== 'ENOENT')
          this.#options.log.error(error, 'Cannot read a docker config', { path });
        continue;
      }
      const auths = authsIn(text);
      if (auths !== undefined) return authsFor(image, auths, { kind: 'node' });
      // Without its text, which is secret.
      this.#options.log.error(undefined, 'A docker config is not JSON with auths', { path });
    }
    return [];
  }
}

function authsIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const auths = isRecord(parsed) ? parsed['auths'] : undefined;
    return isRecord(auths) ? auths : undefined;
  } catch {
    return undefined;
  }
}
