/**
 * Which images the kubelet pulled, and with whose credentials: kept below `<root-dir>/image_manager` in the files that
 * stock keeps there, so that either takes over from the other.
 *
 *     pulling/sha256-<of the name>    a pull is under way (or was, when the kubelet ended)
 *     pulled/sha256-<of the image>    who has pulled it, by name
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/atomic_file.ts';
import type { Clock } from '../../base/clock.ts';
import { errorCode } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { setAside } from '../../base/set_aside.ts';
import type { CredentialOwner } from '../runtime/pull_credentials.ts';
import { isRecord } from '../runtime/pull_credentials.ts';
import {
  hasPulled,
  mustVerify,
  type PulledBy,
  pulledAlsoBy,
  recordFile,
  type VerificationPolicy,
} from './pull_verification.ts';

export interface PullRecordsOptions {
  /** `<root-dir>/image_manager`. */
  readonly dir: string;
  readonly verification: VerificationPolicy;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Log, 'error'>;
  /** Told of what came out whenever it was asked whether a present image may be used. */
  readonly observe?: (result: AccessResult) => void;
}

/** Why a present image may be used as it is, or that the pod has to show that it could pull it. */
export type AccessResult = 'credentialPolicyAllowed' | 'credentialRecordFound' | 'mustAuthenticate';

interface PulledImage {
  readonly updatedAtMs: number;
  readonly byName: ReadonlyMap<string, PulledBy>;
}

const API_VERSION = 'kubelet.config.k8s.io/v1beta1';

export class PullRecords {
  readonly #options: PullRecordsOptions;
  readonly #images = new Map<string, PulledImage>();
  /** Names under which a pull was begun, and how many are under way; 0: left by a kubelet before this one. */
  readonly #pulling = new Map<string, number>();

  private constructor(options: PullRecordsOptions) {
    this.#options = options;
  }

  /** Reads what is there. Files that cannot be understood are set aside and reported. */
  static async load(options: PullRecordsOptions): Promise<PullRecords> {
    const records = new PullRecords(options);
    for (const folder of ['pulling', 'pulled'] as const) {
      const dir = join(options.dir, folder);
      await mkdir(dir, { recursive: true, mode: 0o700 });
      for (const file of (await readdir(dir)).filter((name) => /^sha256-[0-9a-f]{64}$/.test(name))) {
        const path = join(dir, file);
        try {
          const parsed: unknown = JSON.parse(await readFile(path, 'utf8'));
          if (folder === 'pulling') records.#pulling.set(textAt(parsed, 'image'), 0);
          else records.#images.set(textAt(parsed, 'imageRef'), pulledImage(parsed));
        } catch (error) {
          await setAside(path, error, 'A record of image pulls', options.log);
        }
      }
    }
    return records;
  }

  /**
   * Whether a pod with these credentials may use an image that is present as it is.
   *
   * @param image as the pod names it, without tag and digest
   * @param id what the runtime calls it
   */
  mayUse(image: string, reference: string, id: string, owners: readonly CredentialOwner[]): boolean {
    const result = this.#access(image, reference, id, owners);
    this.#options.observe?.(result);
    return result !== 'mustAuthenticate';
  }

  /** Whether {@link mayUse} depends on credentials, which cost something to gather. */
  asks(image: string, reference: string, id: string): boolean {
    const result = this.#access(image, reference, id, []);
    // Otherwise it is asked once more, with credentials.
    if (result !== 'mustAuthenticate') this.#options.observe?.(result);
    return result === 'mustAuthenticate';
  }

  /** How many records there are. */
  get counts(): { readonly pulled: number; readonly pulling: number } {
    return { pulled: this.#images.size, pulling: this.#pulling.size };
  }

  #access(image: string, reference: string, id: string, owners: readonly CredentialOwner[]): AccessResult {
    const record = this.#images.get(id);
    const byKubelet = record !== undefined || this.#pulling.has(reference);
    if (!mustVerify(this.#options.verification, image, byKubelet)) return 'credentialPolicyAllowed';
    const pulled = record?.byName.get(image);
    return pulled !== undefined && hasPulled(pulled, owners) ? 'credentialRecordFound' : 'mustAuthenticate';
  }

  /** Before a pull: an image that turns up although the kubelet ended meanwhile counts as pulled by it. */
  async pulling(reference: string): Promise<void> {
    const underWay = this.#pulling.get(reference);
    this.#pulling.set(reference, (underWay ?? 0) + 1);
    if (underWay !== undefined) return;
    await this.#write('pulling', reference, {
      kind: 'ImagePullIntent',
      apiVersion: API_VERSION,
      image: reference,
    });
  }

  async pullFailed(reference: string): Promise<void> {
    await this.#pullEnded(reference);
  }

  /** @param owner whose credential it was pulled with; `undefined`: without any */
  async pulled(
    image: string,
    reference: string,
    id: string,
    owner: CredentialOwner | undefined,
  ): Promise<void> {
    const before = this.#images.get(id);
    const byName = new Map(before?.byName);
    byName.set(image, pulledAlsoBy(byName.get(image), owner));
    const record = { updatedAtMs: this.#options.clock.now(), byName };
    this.#images.set(id, record);
    await this.#write('pulled', id, recordJson(id, record));
    await this.#pullEnded(reference);
  }

  /** Forgets images that are gone; one pulled after the list was taken is no such. */
  async prune(present: ReadonlySet<string>, listedAtMs: number): Promise<void> {
    for (const [id, { updatedAtMs }] of this.#images) {
      if (present.has(id) || updatedAtMs >= listedAtMs) continue;
      this.#images.delete(id);
      await rm(join(this.#options.dir, 'pulled', recordFile(id)), { force: true });
    }
  }

  async #pullEnded(reference: string): Promise<void> {
    const left = (this.#pulling.get(reference) ?? 1) - 1;
    if (left > 0) {
      this.#pulling.set(reference, left);
      return;
    }
    this.#pulling.delete(reference);
    await rm(join(this.#options.dir, 'pulling', recordFile(reference)), { force: true });
  }

  /** A full disk must not keep pods from starting: what cannot be kept is verified again after a restart. */
  async #write(folder: 'pulling' | 'pulled', of: string, record: object): Promise<void> {
    const path = join(this.#options.dir, folder, recordFile(of));
    try {
      await writeFileAtomic(path, JSON.stringify(record), { mode: 0o600 });
    } catch (error) {
      this.#options.log.error(error, 'Cannot write a record of image pulls', { path, err: errorCode(error) });
    }
  }
}

function recordJson(imageRef: string, { updatedAtMs, byName }: PulledImage): object {
  return {
    kind: 'ImagePulledRecord',
    apiVersion: API_VERSION,
    lastUpdatedTime: new Date(updatedAtMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    imageRef,
    credentialMapping: Object.fromEntries(
      [...byName].map(([name, { everybody, secrets, serviceAccounts }]) => [
        name,
        {
          ...(everybody ? { nodePodsAccessible: true } : {}),
          ...(secrets.length === 0
            ? {}
            : {
                kubernetesSecrets: secrets.map(({ hash, ...object }) => ({
                  ...object,
                  credentialHash: hash,
                })),
              }),
          ...(serviceAccounts.length === 0 ? {} : { kubernetesServiceAccounts: serviceAccounts }),
        },
      ]),
    ),
  };
}

function pulledImage(parsed: unknown): PulledImage {
  if (!isRecord(parsed)) throw new TypeError('not an object');
  const updatedAtMs = Date.parse(textAt(parsed, 'lastUpdatedTime'));
  const mapping = parsed['credentialMapping'] ?? {};
  if (!isRecord(mapping)) throw new TypeError('credentialMapping is no object');
  const byName = new Map(
    Object.entries(mapping).map(([name, value]): [string, PulledBy] => {
      if (!isRecord(value)) throw new TypeError(`credentialMapping of ${name} is no object`);
      return [
        name,
        {
          everybody: value['nodePodsAccessible'] === true,
          secrets: listAt(value, 'kubernetesSecrets').map((entry) => ({
            ...objectOf(entry),
            hash: textAt(entry, 'credentialHash'),
          })),
          serviceAccounts: listAt(value, 'kubernetesServiceAccounts').map(objectOf),
        },
      ];
    }),
  );
  return { updatedAtMs: Number.isNaN(updatedAtMs) ? 0 : updatedAtMs, byName };
}

function objectOf(entry: unknown): { uid: string; namespace: string; name: string } {
  return { uid: textAt(entry, 'uid'), namespace: textAt(entry, 'namespace'), name: textAt(entry, 'name') };
}

function textAt(value: unknown, key: string): string {
  const text = isRecord(value) ? value[key] : undefined;
  if (typeof text !== 'string' || text === '') throw new TypeError(`${key} is no text`);
  return text;
}

function listAt(value: Readonly<Record<string, unknown>>, key: string): readonly unknown[] {
  const list = value[key] ?? [];
  if (!Array.isArray(list)) throw new TypeError(`${key} is no list`);
  return list;
}
