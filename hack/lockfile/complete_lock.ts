/** Finds the optional packages that an npm lock file (version 3) should list and does not, and lists them. */

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Operating systems and processors as npm names them, by the words in a package's name. */
const OS: readonly string[] = [
  'darwin',
  'linux',
  'win32',
  'android',
  'freebsd',
  'openbsd',
  'netbsd',
  'sunos',
  'aix',
  'openharmony',
];
const CPU: Readonly<Record<string, string>> = {
  x64: 'x64',
  arm64: 'arm64',
  aarch64: 'arm64',
  arm: 'arm',
  armv7: 'arm',
  ia32: 'ia32',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  loong64: 'loong64',
};

/** What a package is for, read off its name; `undefined` when the name does not tell. */
export function platformOf(name: string): { os: string[]; cpu: string[]; libc?: string[] } | undefined {
  const words = name.split(/[/@-]/);
  const os = OS.find((word) => words.includes(word));
  const cpu = Object.keys(CPU).find((word) => words.includes(word));
  if (os === undefined || cpu === undefined) return undefined;
  const libc = words.some((word) => word.startsWith('musl'))
    ? 'musl'
    : words.includes('gnu')
      ? 'glibc'
      : undefined;
  return {
    os: [os],
    cpu: [CPU[cpu] ?? cpu],
    ...(libc === undefined || os !== 'linux' ? {} : { libc: [libc] }),
  };
}

/**
 * Returns the completed text and the names that were added. An added entry has a version and a platform but no
 * checksum: npm never fetches it on another platform.
 *
 * @throws Error when a missing package has no exact version, or a name that does not tell its platform
 */
export function completeLock(text: string): { text: string; added: string[] } {
  const lock: unknown = JSON.parse(text);
  if (!isFields(lock) || !isFields(lock['packages'])) throw new Error('package-lock.json: no packages');
  const packages: Fields = lock['packages'];
  const added: string[] = [];
  for (const [place, entry] of Object.entries(packages)) {
    if (!isFields(entry) || !isFields(entry['optionalDependencies'])) continue;
    for (const [name, version] of Object.entries(entry['optionalDependencies'])) {
      const nested = `${place}/node_modules/${name}`;
      const top = `node_modules/${name}`;
      if (nested in packages || top in packages) continue;
      if (typeof version !== 'string' || !/^\d+\.\d+\.\d+[\w.+-]*$/.test(version))
        throw new Error(
          `package-lock.json: ${place} wants ${name} ${String(version)}, which is no exact version`,
        );
      const platform = platformOf(name);
      if (platform === undefined)
        throw new Error(`package-lock.json: ${place} wants ${name}, for an unknown platform`);
      packages[top] = {
        version,
        ...platform,
        ...(entry['dev'] === true ? { dev: true } : {}),
        optional: true,
      };
      added.push(name);
    }
  }
  const sorted = Object.fromEntries(
    Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
  return { text: `${JSON.stringify({ ...lock, packages: sorted }, undefined, 2)}\n`, added };
}
