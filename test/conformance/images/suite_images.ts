/** The list of images that the suite says it wants, as `e2e.test --list-images` prints it. */

const REFERENCE = /^[a-z0-9.-]+(?::\d+)?(?:\/[a-z0-9._-]+)+:[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/**
 * References in the output of `e2e.test --list-images`, sorted.
 *
 * @throws Error when a line is no reference with a tag
 */
export function suiteImages(output: string): string[] {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  for (const line of lines)
    if (!REFERENCE.test(line)) throw new Error(`list of images: ${JSON.stringify(line)} names no image`);
  return [...new Set(lines)].sort();
}
