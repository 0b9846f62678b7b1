/** Images that critest wants: older ones than the end-to-end suite of this release does. */
import { busybox } from '../../test/conformance/images/busybox/image.ts';
import { nginx } from '../../test/conformance/images/nginx/image.ts';
import { nonewprivs } from '../../test/conformance/images/nonewprivs/image.ts';
import { pause } from '../../test/conformance/images/pause/image.ts';
import type { ImageRecipe } from '../../test/conformance/images/recipe.ts';

function refOf({ repository, tags }: ImageRecipe): string {
  return `${repository}:${tags[0] ?? ''}`;
}

/** For `-test-images-file`, which is YAML (and so may be JSON). */
export const TEST_IMAGES = JSON.stringify({
  defaultTestContainerImage: refOf(busybox),
  webServerTestImage: refOf(nginx),
});

/** Further names for images that are in the node: what critest names itself. */
export const FURTHER_NAMES: ReadonlyMap<string, string> = new Map([
  [`${busybox.repository}:1.29-2`, refOf(busybox)],
  [`${nginx.repository}:1.14-2`, refOf(nginx)],
  // Any web server at port 80 does.
  ['registry.k8s.io/e2e-test-images/httpd:2.4.39-4', refOf(nginx)],
  [`${nonewprivs.repository}:1.3`, refOf(nonewprivs)],
  [`${pause.repository}:3.9`, refOf(pause)],
]);
