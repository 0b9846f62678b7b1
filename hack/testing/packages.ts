/** Installs what the tests and the clusters need of the distribution, as hack/up would. */
import { installPackages, locate, missingRequirements } from '../cluster/packages.ts';
import { createProgress } from '../cluster/progress.ts';

/** What the tests alone use. */
const OF_TESTS = [
  { program: 'openssl', packages: ['openssl'] },
  { program: 'mkfs.ext4', packages: ['e2fsprogs'] },
  { program: 'perl', packages: ['perl-base'] },
];

const missing = [
  ...missingRequirements(),
  ...OF_TESTS.filter(({ program }) => locate(program) === undefined),
];
if (missing.length > 0) {
  await installPackages(
    missing,
    createProgress((line) => console.log(line)),
    AbortSignal.timeout(600_000),
  );
} else console.log('every package is there');
