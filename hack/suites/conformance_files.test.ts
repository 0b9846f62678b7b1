import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stockCatalogue } from '../cluster/stock_catalogue.ts';
import { ConformanceFiles } from './conformance_files.ts';
import { worse } from './markdown.ts';

const repo = path.resolve();
const files = new ConformanceFiles(repo);
const [stock, ours] = [files.recorded('conformance', 'stock'), files.recorded('conformance', 'ours')];

test('docs/conformance.md is what the recorded tables say: hack/conformance --render writes it', () => {
  const kubernetes = stockCatalogue(repo, '/cache').version('e2e.test');
  expect(readFileSync(path.join(repo, 'docs/conformance.md'), 'utf8')).toBe(files.renderPage(kubernetes));
});

test('the stock table is of the whole suite, ours of specs in it', () => {
  expect(stock?.size).toBe(446);
  expect([...(ours?.keys() ?? [])].filter((name) => stock?.has(name) !== true)).toEqual([]);
});

test('the slice names specs of the suite, each once, of every SIG', () => {
  const slice = files.slice();
  expect(new Set(slice).size).toBe(slice.length);
  expect(slice.filter((name) => stock?.has(name) !== true)).toEqual([]);
  const sigs = (names: Iterable<string>): string[] => [
    ...new Set([...names].map((name) => /\[(sig-[a-z-]+)\]/.exec(name)?.[1] ?? '')),
  ];
  expect(sigs(slice).sort()).toEqual(sigs(stock?.keys() ?? []).sort());
});

test('a reason is given for what stock fails, and for nothing else', () => {
  const failing = [...(stock ?? [])].filter(([, outcome]) => outcome === 'failed').map(([name]) => name);
  expect([...files.known().keys()].sort()).toEqual(failing.sort());
});

test('what ours fails and stock passes is in the page', () => {
  const page = readFileSync(path.join(repo, 'docs/conformance.md'), 'utf8');
  for (const name of worse(stock, ours)) expect(page).toContain(`- \`${name}\``);
});
