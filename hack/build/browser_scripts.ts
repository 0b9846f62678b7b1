/**
 * Bundles what runs in browsers (`lib/<part>/ui/browser/<name>_page.ts`) into text that the daemons serve
 * (`lib/<part>/ui/generated/<name>_page.ts`). Usage, after a change there:
 *
 *     npm run build:pages              # --check: only says whether they are up to date
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');
const check = process.argv.includes('--check');
let stale = 0;

for (const part of readdirSync(join(root, 'lib'))) {
  const folder = join(root, 'lib', part, 'ui');
  if (!existsSync(join(folder, 'browser'))) continue;
  for (const file of readdirSync(join(folder, 'browser')).filter((f) => f.endsWith('_page.ts'))) {
    const target = join(folder, 'generated', file);
    const text = await generated(join(folder, 'browser', file));
    if (existsSync(target) && readFileSync(target, 'utf8') === text) continue;
    if (check) {
      stale++;
      console.error(`${relative(root, target)} is not up to date: npm run build:pages`);
      continue;
    }
    mkdirSync(join(folder, 'generated'), { recursive: true });
    writeFileSync(target, text);
    console.log(relative(root, target));
  }
}
process.exit(stale > 0 ? 1 : 0);

async function generated(source: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [source],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2023',
    minifySyntax: true,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  });
  const name = source.replace(/^.*\/(.*)\.ts$/, '$1').toUpperCase();
  const text = JSON.stringify(outputFiles[0]?.text ?? '').replaceAll('\\n', '\\n\\\n');
  return `/** Made by hack/build/browser_scripts.ts from ${relative(root, source)}. */\nexport const ${name}_SCRIPT =\n  ${text};\n`;
}
