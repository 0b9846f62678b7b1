/** Every image that the suite names: those that are built, and why the others are not. */
import { agnhost } from './agnhost/image.ts';
import { busybox } from './busybox/image.ts';
import { distrolessIptables } from './distroless-iptables/image.ts';
import { etcd } from './etcd/image.ts';
import { glibcDnsTesting } from './glibc-dns-testing/image.ts';
import { ipcUtils } from './ipc-utils/image.ts';
import { kitten } from './kitten/image.ts';
import { nautilus } from './nautilus/image.ts';
import { nginx } from './nginx/image.ts';
import { nonewprivs } from './nonewprivs/image.ts';
import { nonroot } from './nonroot/image.ts';
import { pause } from './pause/image.ts';
import type { ImageRecipe } from './recipe.ts';
import { regressionIssue74839 } from './regression-issue-74839/image.ts';
import { resourceConsumer } from './resource-consumer/image.ts';
import { sampleApiserver } from './sample-apiserver/image.ts';

export const RECIPES: readonly ImageRecipe[] = [
  agnhost,
  busybox,
  distrolessIptables,
  etcd,
  glibcDnsTesting,
  ipcUtils,
  kitten,
  nautilus,
  nginx,
  nonewprivs,
  nonroot,
  pause,
  regressionIssue74839,
  resourceConsumer,
  sampleApiserver,
];

/** One image of a recipe: its reference and its tag. */
export interface RecipeImage {
  readonly ref: string;
  readonly tag: string;
  readonly recipe: ImageRecipe;
}

/** The images of `recipes`, one for each tag, in their order. */
export function recipeImages(recipes: readonly ImageRecipe[] = RECIPES): RecipeImage[] {
  return recipes.flatMap((recipe) =>
    recipe.tags.map((tag) => ({ ref: `${recipe.repository}:${tag}`, tag, recipe })),
  );
}

/** Images that the suite names and nobody builds here, each with the reason; a prefix ends with `/`. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  'invalid.registry.k8s.io/': 'must not exist: specs want its pull to fail',
  'gcr.io/k8s-authenticated-test/': 'lies in a private registry by intention; its specs need that registry',
  'registry.k8s.io/cloud-provider-gcp/': 'cloud only',
  'registry.k8s.io/sig-storage/':
    'CSI drivers and sidecars: the module proxy lacks the driver, and no conformance spec uses them',
  'registry.k8s.io/e2e-test-images/apparmor-loader:1.4': 'the kernel has no AppArmor',
  'registry.k8s.io/e2e-test-images/node-perf/':
    'performance loads of the node suite: no conformance spec uses them',
  'registry.k8s.io/e2e-test-images/perl:5.26': 'no spec of this release uses it',
  'registry.k8s.io/e2e-test-images/volume/': 'NFS and iSCSI servers: no conformance spec uses them',
};

/** Why `ref` is not built, or `undefined` when nothing says so. */
export function leftOutReason(ref: string): string | undefined {
  const key = Object.keys(LEFT_OUT).find((one) => (one.endsWith('/') ? ref.startsWith(one) : ref === one));
  return key === undefined ? undefined : LEFT_OUT[key];
}
