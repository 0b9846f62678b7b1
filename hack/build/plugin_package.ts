/**
 * Writes `dist/plugin-package`: what authors of scheduler plugins install for their editor and tests, types included. Usage:
 *
 *     npm run build:plugin-package
 *     npm install --save-dev PATH/dist/plugin-package      # elsewhere
 *
 * ts-scheduler itself does not need it: it answers the import with its own copy.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');
const target = join(root, 'dist', 'plugin-package');
const entry = join('lib', 'scheduler', 'plugin_api');

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
await build({
  entryPoints: [join(root, `${entry}.ts`)],
  bundle: true,
  outfile: join(target, 'scheduler-plugin.mjs'),
  platform: 'node',
  target: 'node24',
  format: 'esm',
  legalComments: 'none',
  logLevel: 'warning',
});
// A project of its own: the checkout's does not emit.
const project = join(target, 'tsconfig.json');
writeFileSync(
  project,
  JSON.stringify({
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      rewriteRelativeImportExtensions: true,
      rootDir: root,
      outDir: join(target, 'types'),
    },
    include: [],
    files: [join(root, `${entry}.ts`)],
  }),
);
execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', project], {
  stdio: 'inherit',
});
rmSync(project);
const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { name, version, license, dependencies } = fieldsOf(manifest);
const content = {
  name,
  version,
  license,
  private: true,
  type: 'module',
  exports: {
    './scheduler-plugin': { types: `./types/${entry}.d.ts`, default: './scheduler-plugin.mjs' },
  },
  // The types of API objects come from there.
  dependencies: Object.fromEntries(
    Object.entries(fieldsOf(dependencies)).filter(([dependency]) => dependency === '@kubernetes/client-node'),
  ),
};
writeFileSync(join(target, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
console.log(target);

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(typeof value === 'object' && value !== null ? value : {}));
}
