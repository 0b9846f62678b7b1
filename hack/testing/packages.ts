/** Installs what the tests and the clusters need of the distribution, as hack/up would. */
import { installPackages, missingRequirements } from '../cluster/packages.ts';
import { createProgress } from '../cluster/progress.ts';

const missing = missingRequirements();
if (missing.length > 0) {
  await installPackages(
    missing,
    createProgress((line) => console.log(line)),
    AbortSignal.timeout(600_000),
  );
} else console.log('every package is there');
