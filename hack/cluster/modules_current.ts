/** Exits 0 when node_modules is what package-lock.json wants; run by the shell part of hack/up before anything else. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

const repo = path.resolve(import.meta.dirname, '../..');

/** Versions by path, as an npm lock file lists them; packages for other platforms are optional and may be missing. */
function packages(file: string): Map<string, { version: unknown; optional: boolean }> {
  const lock: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const listed = typeof lock === 'object' && lock !== null && 'packages' in lock ? lock.packages : {};
  return new Map(
    Object.entries(listed ?? {}).flatMap(([name, entry]: [string, unknown]) => {
      if (name === '' || typeof entry !== 'object' || entry === null) return [];
      const version = 'version' in entry ? entry.version : undefined;
      return [[name, { version, optional: 'optional' in entry || 'devOptional' in entry }]];
    }),
  );
}

try {
  const installed = packages(path.join(repo, 'node_modules/.package-lock.json'));
  for (const [name, { version, optional }] of packages(path.join(repo, 'package-lock.json')))
    if (installed.get(name)?.version !== version && !(optional && !installed.has(name))) process.exitCode = 1;
} catch {
  process.exitCode = 1; // Nothing installed, or torn.
}
