import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeConfig, encodeConfig, loadConfigFile, parseDocument } from './document.ts';
import { duration, integer, object, withDefault } from './schema.ts';

const kinds = [
  {
    apiVersion: 'test.config/v1',
    kind: 'TestConfiguration',
    schema: object({ port: withDefault(integer(), 80), wait: withDefault(duration(), 1000) }),
  },
];

const head = 'apiVersion: test.config/v1\nkind: TestConfiguration\n';

function load(text: string): unknown {
  return decodeConfig(parseDocument(text, 'test config'), 'test config', kinds);
}

test.each([
  ['YAML', `${head}port: 5\n`, { port: 5, wait: 1000 }],
  [
    'JSON',
    '{"apiVersion":"test.config/v1","kind":"TestConfiguration","wait":"2s"}',
    { port: 80, wait: 2000 },
  ],
  ['comments and one empty document beside', `# hello\n---\n${head}---\n`, { port: 80, wait: 1000 }],
  ['octal and hexadecimal numbers', `${head}port: 0x10\n`, { port: 16, wait: 1000 }],
])('%s', (_, text, want) => {
  expect(load(text)).toEqual(want);
});

test.each([
  ['empty text', '', 'test config: is empty'],
  ['only comments', '# nothing\n', 'test config: is empty'],
  ['a list', '[1]', 'test config: want a YAML or JSON object'],
  ['two documents', `${head}---\n${head}`, 'test config: holds several documents, want one'],
  ['bad syntax', 'a: [', 'test config: Flow sequence'],
  ['a repeated key', `${head}port: 1\nport: 2\n`, 'test config: Map keys must be unique at line 4'],
  ['an unknown anchor', 'a: *b', 'test config: '],
  ['an alias bomb', bomb(), 'test config: Excessive alias count'],
  [
    'no apiVersion',
    'kind: TestConfiguration',
    'test config: field "apiVersion" is required: want apiVersion "test.config/v1" with kind "TestConfiguration"',
  ],
  ['no kind', 'apiVersion: test.config/v1', 'test config: field "kind" is required'],
  [
    'another version',
    'apiVersion: test.config/v2\nkind: TestConfiguration',
    'test config: no kind "TestConfiguration" in apiVersion "test.config/v2": want',
  ],
  [
    'an unknown field',
    `${head}prot: 1`,
    'test config (TestConfiguration): field "prot": unknown field, did you mean "port"?',
  ],
  ['a base-60 number', `${head}port: 1:30`, 'field "port": got "1:30", want a whole number'],
])('%s is refused', (_, text, message) => {
  expect(() => load(text)).toThrow(message);
});

function bomb(): string {
  const levels = ['a: &a [x,x]'];
  for (const [from, to] of ['ab', 'bc', 'cd', 'de'].map((p) => [p.charAt(0), p.charAt(1)]))
    levels.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(',')}]`);
  return levels.join('\n');
}

describe('files', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tsk-config-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test('are named in errors', () => {
    const path = join(dir, 'config.yaml');
    writeFileSync(path, `${head}port: x\n`);
    expect(() => loadConfigFile(path, kinds)).toThrow(
      `${path} (TestConfiguration): field "port": got "x", want a whole number`,
    );
  });

  test('that cannot be read say so', () => {
    expect(() => loadConfigFile(join(dir, 'none'), kinds)).toThrow(
      /config file .*none: cannot be read: ENOENT/,
    );
  });
});

test('encoding gives a document that decodes to the same', () => {
  const [kind] = kinds;
  if (kind === undefined) throw new Error('no kind');
  const value = { port: 1, wait: 90_000 };
  const document = encodeConfig(value, kind);
  expect(document).toEqual({
    apiVersion: 'test.config/v1',
    kind: 'TestConfiguration',
    port: 1,
    wait: '1m30s',
  });
  expect(decodeConfig(document, 'again', kinds)).toEqual(value);
});
