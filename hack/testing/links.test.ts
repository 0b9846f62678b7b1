import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const repo = join(__dirname, '../..');
const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: repo })];

test.each(pages)('%s links to what is there', (page) => {
  const text = readFileSync(join(repo, page), 'utf8');
  const targets = [...text.matchAll(/\]\((?!\w+:|#)([^)#]+)/g)].map((match) => match[1] ?? '');
  expect(targets.filter((target) => !existsSync(join(repo, dirname(page), target)))).toEqual([]);
});
