/** `--image-credential-provider-config`: which plugins give credentials for which images. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfigKind, ConfigError, loadConfigFile } from '../../component/config/document.ts';
import {
  boolean,
  choice,
  duration,
  type Infer,
  list,
  object,
  optional,
  refine,
  string,
  withDefault,
} from '../../component/config/schema.ts';

export const PROTOCOL = 'credentialprovider.kubelet.k8s.io/v1';

const provider = object({
  name: refine(
    string(),
    'the name of a program, without slashes',
    (name) => /^[^/\s]+$/.test(name) && !/^\.\.?$/.test(name),
  ),
  matchImages: refine(list(string()), 'at least one image pattern', (images) => images.length > 0),
  defaultCacheDuration: duration({ min: 0 }),
  apiVersion: choice([PROTOCOL]),
  args: withDefault(list(string()), []),
  env: withDefault(list(object({ name: string(), value: string() })), []),
  tokenAttributes: optional(
    object({
      serviceAccountTokenAudience: refine(string(), 'an audience', (audience) => audience !== ''),
      cacheType: choice(['ServiceAccount', 'Token']),
      requireServiceAccount: boolean(),
      requiredServiceAccountAnnotationKeys: withDefault(list(string()), []),
      optionalServiceAccountAnnotationKeys: withDefault(list(string()), []),
    }),
  ),
});

export type CredentialProvider = Infer<typeof provider>;

const KIND: ConfigKind<{ readonly providers: readonly CredentialProvider[] }> = {
  apiVersion: 'kubelet.config.k8s.io/v1',
  kind: 'CredentialProviderConfig',
  schema: object({ providers: refine(list(provider), 'at least one provider', (all) => all.length > 0) }),
};

/**
 * @param path a file, or a folder whose `.yaml`, `.yml` and `.json` files are read in the order of their names
 * @throws ConfigError naming the file and the field
 */
export function loadCredentialProviders(path: string): readonly CredentialProvider[] {
  const providers = filesAt(path).flatMap((file) => loadConfigFile(file, [KIND]).providers);
  const names = new Set<string>();
  for (const { name } of providers) {
    if (names.has(name)) {
      const message = `provider ${JSON.stringify(name)} is there twice`;
      throw new ConfigError(path, [{ path: 'providers', message }]);
    }
    names.add(name);
  }
  return providers;
}

function filesAt(path: string): readonly string[] {
  let folder: boolean;
  try {
    folder = statSync(path).isDirectory();
  } catch {
    return [path]; // reading it says what is wrong
  }
  if (!folder) return [path];
  const files = readdirSync(path)
    .filter((name) => /\.(?:ya?ml|json)$/.test(name))
    .sort();
  if (files.length === 0) {
    throw new ConfigError(path, [{ path: '', message: 'no .yaml, .yml or .json file in the folder' }]);
  }
  return files.map((name) => join(path, name));
}
