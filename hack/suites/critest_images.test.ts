import { recipeImages } from '../../test/conformance/images/catalogue.ts';
import { FURTHER_NAMES, TEST_IMAGES } from './critest_images.ts';

test('critest is given images that are built, under names that are not', () => {
  const built = recipeImages().map(({ ref }) => ref);
  const given = TEST_IMAGES.match(/[^"]+:[\d.-]+/g) ?? [];
  expect(given).toHaveLength(2);
  for (const ref of [...given, ...FURTHER_NAMES.values()]) expect(built).toContain(ref);
  for (const ref of FURTHER_NAMES.keys()) expect(built).not.toContain(ref);
});
