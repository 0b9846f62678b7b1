/** What brings images to the node, and with whose credentials. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SERVICE_ACCOUNTS } from '../../client/resource.ts';
import { CredentialPlugins } from '../images/credential_plugins.ts';
import { loadCredentialProviders } from '../images/credential_provider_config.ts';
import { Keyring } from '../images/keyring.ts';
import { PullRecords } from '../images/pull_records.ts';
import { imageMetrics } from '../metrics/image_metrics.ts';
import { Images } from '../runtime/images.ts';
import type { Base } from './base.ts';
import type { ContainerInputs } from './container_inputs.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { Pods } from './pods.ts';
import type { Runtime } from './runtime.ts';

export interface ImageParts {
  readonly images: Images;
  readonly pullRecords: PullRecords;
}

const TOKEN_SECONDS = 3600;

/** @throws ConfigError when the configuration of the credential plugins is wrong */
export async function createImages(
  base: Base & KubeletMetrics & Runtime & Pods & ContainerInputs,
): Promise<ImageParts> {
  const counted = imageMetrics(base.metrics);
  const { client, clock, config, cri, dirs, events, flags, log, objects, tokens } = base;
  const path = flags.imageCredentialProviderConfig;
  const plugins = new CredentialPlugins({
    providers: path === '' ? [] : loadCredentialProviders(path),
    binDir: flags.imageCredentialProviderBinDir,
    clock,
    log,
    serviceAccount: async (namespace, name, signal) => {
      const { metadata } = await client.get(SERVICE_ACCOUNTS, { namespace, name }, { signal });
      return { uid: metadata.uid ?? '', annotations: metadata.annotations ?? {} };
    },
    token: async (pod, audience, signal) =>
      (await tokens.token(pod, { audience, expirationSeconds: TOKEN_SECONDS }, signal)).token,
  });
  const pullRecords = await PullRecords.load({
    dir: join(dirs.root, 'image_manager'),
    verification: {
      policy: config.imagePullCredentialsVerificationPolicy,
      allowlist: config.preloadedImagesVerificationAllowlist,
    },
    observe: counted.checked,
    clock,
    log,
  });
  counted.follow(pullRecords);
  const images = new Images({
    cri,
    clock,
    events,
    maxParallelPulls: config.maxParallelImagePulls,
    pullRate: { qps: config.registryPullQPS, burst: config.registryBurst },
    keyring: new Keyring({
      secret: (namespace, name, signal) => objects.secret(namespace, name, signal),
      plugins,
      nodeConfigs: [join(dirs.root, 'config.json'), join(homedir(), '.docker', 'config.json')],
      events,
      log,
    }),
    records: pullRecords,
    observe: counted.requested,
  });
  return { images, pullRecords };
}
