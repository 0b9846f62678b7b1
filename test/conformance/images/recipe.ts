/**
 * What an image of the conformance suite is made of, as data: each folder beside this file holds one in `image.ts`.
 * Nothing here is built; `content.ts` turns a recipe into layers.
 */
import type { ImageConfig } from '../../../hack/images/image.ts';
import type { LayerEntry } from '../../../hack/images/layer.ts';

/** A file, directory or link whose content stands in the recipe itself. */
export type InlineEntry = Extract<LayerEntry, { type: 'directory' | 'symlink' }> | InlineFile;

export interface InlineFile {
  readonly type: 'file';
  readonly path: string;
  readonly mode?: number;
  readonly content: string;
}

/**
 * busybox with a link for each of its commands, bash as `sh`, `/tmp`, and the accounts `root`, `nobody` and those given.
 * Debian's busybox shell would not do: it takes its own commands before those on PATH (its `nc` knows no `-v`), and it
 * drops variables whose names no shell can use, which specs look for in `env`.
 */
export interface ShellLayer {
  readonly kind: 'shell';
  readonly accounts?: readonly Account[];
}

/** A user with a group of the same name and number, and groups that it belongs to besides. */
export interface Account {
  readonly name: string;
  readonly id: number;
  readonly groups?: readonly { readonly name: string; readonly id: number }[];
}

/** Programs of Debian packages with their shared libraries, and other files of them as they are. */
export interface DebianLayer {
  readonly kind: 'debian';
  readonly packages: readonly [string, ...string[]];
  /** Dynamically linked programs and libraries that are loaded at run time. */
  readonly programs: readonly string[];
  readonly files?: readonly string[];
  readonly links?: Readonly<Record<string, string>>;
}

/** Files that are the recipe's own. */
export interface FilesLayer {
  readonly kind: 'files';
  readonly entries: readonly InlineEntry[];
}

/** Stock programs, at the version that `hack/stock` pins: place in the image by name. */
export interface StockLayer {
  readonly kind: 'stock';
  readonly programs: Readonly<Record<string, string>>;
}

/** A Go program without dependencies; `source` is its folder in the checkout. */
export interface GoLayer {
  readonly kind: 'go';
  readonly source: string;
  readonly path: string;
  readonly mode?: number;
}

/** A certificate for `localhost`, signed by itself, and its key; made once and kept in the cache. */
export interface CertificateLayer {
  readonly kind: 'certificate';
  readonly certificate: string;
  readonly key: string;
}

/** Images laid out below `folder` as agnhost's registry server serves them: recipe by `name:tag`. */
export interface RegistryLayer {
  readonly kind: 'registry';
  readonly folder: string;
  readonly images: Readonly<Record<string, ImageRecipe>>;
}

export type RecipeLayer =
  ShellLayer | DebianLayer | FilesLayer | StockLayer | GoLayer | CertificateLayer | RegistryLayer;

export interface ImageRecipe {
  /** Reference without tag, e.g. `registry.k8s.io/e2e-test-images/agnhost`. */
  readonly repository: string;
  /** Each tag is an image of its own, told apart by its version label: specs compare image IDs. */
  readonly tags: readonly [string, ...string[]];
  /** Lowest first. Recipes that share layers should share the arrays: they are written once. */
  readonly layers: readonly RecipeLayer[];
  readonly config: Omit<ImageConfig, 'labels'>;
}
