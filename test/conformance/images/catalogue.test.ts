import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { STOCK_NAMES } from '../../../hack/cluster/stock_catalogue.ts';
import { orderedEntries } from '../../../hack/images/layer.ts';
import { LEFT_OUT, leftOutReason, RECIPES, recipeImages } from './catalogue.ts';
import { debianPackages, stockPrograms } from './content.ts';
import { suiteImages } from './suite_images.ts';

const suite = suiteImages(readFileSync(join(__dirname, 'suite-images.txt'), 'utf8'));
const built = recipeImages().map(({ ref }) => ref);

test('every image of the suite is built, or left out for a reason', () => {
  expect(suite.filter((ref) => !built.includes(ref) && leftOutReason(ref) === undefined)).toEqual([]);
});

test('nothing is built that the suite does not name, nothing twice, and nothing that is left out', () => {
  expect(built.filter((ref) => !suite.includes(ref))).toEqual([]);
  expect(new Set(built).size).toBe(built.length);
  expect(built.filter((ref) => leftOutReason(ref) !== undefined)).toEqual([]);
});

test('every reason speaks of an image that the suite names', () => {
  const unused = Object.keys(LEFT_OUT).filter(
    (key) => !suite.some((ref) => (key.endsWith('/') ? ref.startsWith(key) : ref === key)),
  );
  expect(unused).toEqual([]);
});

test('the recipes want stock programs and sources that there are', () => {
  expect(stockPrograms(RECIPES).filter((name) => !STOCK_NAMES.includes(name))).toEqual([]);
  const sources = RECIPES.flatMap(({ layers }) => layers).flatMap((layer) =>
    layer.kind === 'go' ? [layer.source] : [],
  );
  expect(sources).not.toEqual([]);
  for (const source of sources) expect(existsSync(join(__dirname, '../../..', source, 'main.go'))).toBe(true);
  expect(debianPackages(RECIPES)).toEqual([...new Set(debianPackages(RECIPES))].sort());
});

test.each(recipeImages().map(({ ref, recipe }) => [ref, recipe] as const))(
  '%s is described completely',
  (ref, { layers, config }) => {
    expect(ref).toMatch(/^registry\.k8s\.io\//);
    expect([...(config.entrypoint ?? []), ...(config.cmd ?? [])].length).toBeGreaterThan(0);
    for (const layer of layers) {
      if (layer.kind === 'files') expect(orderedEntries(layer.entries).length).toBeGreaterThan(0);
      if (layer.kind === 'debian')
        for (const place of [...layer.programs, ...Object.keys(layer.links ?? {})])
          expect(place).toMatch(/^\/usr\//); // the root is merged: /bin and /lib are links
    }
  },
);

test.each([
  ['registry.k8s.io/a/b:1\n\n registry.k8s.io/c:2-x \n', ['registry.k8s.io/a/b:1', 'registry.k8s.io/c:2-x']],
  ['localhost:5000/pause:testing', ['localhost:5000/pause:testing']],
  ['', []],
])('the list %p', (output, want) => {
  expect(suiteImages(output)).toEqual(want);
});

test.each(['no image', 'registry.k8s.io/untagged', 'I1121 08:00:00 log line'])('%p is no image', (line) => {
  expect(() => suiteImages(`registry.k8s.io/a:1\n${line}\n`)).toThrow(/names no image/);
});
