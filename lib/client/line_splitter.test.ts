import * as fc from 'fast-check';
import { LineSplitter } from './line_splitter.ts';

function linesOf(chunks: readonly Uint8Array[]): string[] {
  const splitter = new LineSplitter();
  const lines: string[] = [];
  for (const chunk of chunks) splitter.push(chunk, (line) => lines.push(line));
  return lines;
}

test('lines come out whole wherever the chunks are cut, inside characters too', () => {
  const line = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((s) => !s.includes('\n') && s.isWellFormed());
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(400)), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((l) => `${l}\n`).join(''));
      const points = [0, ...cuts.map((c) => Math.min(c, bytes.length)).sort((a, b) => a - b), bytes.length];
      const chunks = points.slice(1).map((end, i) => bytes.subarray(points[i], end));
      expect(linesOf(chunks)).toEqual(lines);
    }),
  );
});

test.each([
  ['a line cut off by the end is no line', ['{"a":1}\n{"b"'], ['{"a":1}']],
  ['empty lines are skipped', ['\n\na\n\n'], ['a']],
  ['a newline alone completes the rest', ['a', '\n'], ['a']],
  ['nothing gives nothing', [''], []],
])('%s', (_name, chunks, lines) => {
  expect(linesOf(chunks.map((c) => Buffer.from(c)))).toEqual(lines);
});

test('a plain Uint8Array that is a view serves as well', () => {
  const bytes = new TextEncoder().encode('xxab\nyy');
  expect(linesOf([bytes.subarray(2, 5)])).toEqual(['ab']);
});
