/**
 * Rules that match one destination address each, in a tree of chains by address, so that a packet meets some dozens of them
 * however many Services there are. Which chains there are depends on the rules alone, not on how they came: a range of
 * addresses has a chain of its own when more than a few rules are in it.
 */
import { createHash } from 'node:crypto';
import type { Family } from '../model/address.ts';
import { base32 } from './names.ts';

/** What the tree does to chains. */
export interface ChainEditor {
  create(chain: string): void;
  drop(chain: string): void;
  add(chain: string, rule: string): void;
  remove(chain: string, rule: string): void;
}

/** Up to that many rules stand in the first chain, where people and tools look for them. */
const FLAT_RULES = 64;
/** A range with up to that many rules has no chain of its own. */
const MAX_RULES = 8;
// Ends of ranges in hexadecimal digits. Service ranges are up to /12 in IPv4 and up to /108 in IPv6.
const LEVELS: Readonly<Record<Family, readonly number[]>> = {
  IPv4: [2, 4, 5, 6, 7],
  IPv6: [8, 16, 24, 26, 27, 28, 29, 30, 31],
};

interface Node {
  /** Leading hexadecimal digits of the addresses. */
  readonly prefix: string;
  readonly children: Map<string, Node>;
  /** Only of whole addresses. */
  readonly rules: Set<string>;
  count: number;
  /** Its chain, when it has one of its own. */
  chain: string | undefined;
}

export class DispatchTree {
  readonly #family: Family;
  readonly #root: Node;
  readonly #editor: ChainEditor;
  readonly #chainNames = new Set<string>();
  #isFlat = true;

  /** @param root chain in which every packet begins; it is there already */
  constructor(family: Family, root: string, editor: ChainEditor) {
    this.#family = family;
    this.#root = { ...emptyNode(''), chain: root };
    this.#editor = editor;
  }

  /** True for a chain of the tree, the first one included. */
  has(chain: string): boolean {
    return chain === this.#root.chain || this.#chainNames.has(chain);
  }

  /** The chain in which rules for the address are. */
  chainOf(ip: string): string {
    return this.#chainOf(hexDigits(ip));
  }

  add(ip: string, rule: string): void {
    this.#add(hexDigits(ip), rule);
  }

  remove(ip: string, rule: string): void {
    this.#remove(hexDigits(ip), rule);
  }

  #chainOf(digits: string): string {
    let chain = this.#root.chain ?? '';
    let node: Node | undefined = this.#root;
    for (const prefix of this.#prefixes(digits)) {
      node = node.children.get(prefix);
      if (node === undefined) break;
      chain = node.chain ?? chain;
    }
    return chain;
  }

  #add(digits: string, rule: string): void {
    if (this.#isFlat && this.#root.count === FLAT_RULES) this.#rebuild(false);
    this.#root.count++;
    let node = this.#root;
    let chain = node.chain ?? '';
    for (const prefix of this.#prefixes(digits)) {
      const child = node.children.get(prefix) ?? emptyNode(prefix);
      node.children.set(prefix, child);
      child.count++;
      if (child.chain === undefined && child.count > MAX_RULES && !this.#isFlat && !this.#isWhole(child)) {
        this.#split(child, chain);
      }
      chain = child.chain ?? chain;
      node = child;
    }
    node.rules.add(rule);
    this.#editor.add(chain, rule);
  }

  #remove(digits: string, rule: string): void {
    this.#editor.remove(this.#chainOf(digits), rule);
    const path: Node[] = [this.#root];
    for (const prefix of this.#prefixes(digits)) {
      const next = path.at(-1)?.children.get(prefix);
      if (next === undefined) return;
      path.push(next);
    }
    path.at(-1)?.rules.delete(rule);
    for (let i = path.length - 1; i > 0; i--) {
      const node = path[i];
      const parent = path[i - 1];
      if (node === undefined || parent === undefined) return;
      node.count--;
      if (node.chain !== undefined && node.count <= MAX_RULES) this.#merge(node, path.slice(0, i));
      if (node.count === 0) parent.children.delete(node.prefix);
    }
    this.#root.count--;
    if (!this.#isFlat && this.#root.count === FLAT_RULES) this.#rebuild(true);
  }

  #rebuild(flat: boolean): void {
    const all = [...placesUnder(this.#root)];
    if (flat) for (const { digits, rule } of all) this.#remove(digits, rule);
    else for (const { rule } of all) this.#editor.remove(this.#root.chain ?? '', rule);
    this.#root.children.clear();
    this.#root.count = 0;
    this.#isFlat = flat;
    for (const { digits, rule } of all) this.#add(digits, rule);
  }

  #split(node: Node, from: string): void {
    const range = this.#range(node.prefix);
    const chain = chainOfRange(range);
    node.chain = chain;
    this.#chainNames.add(chain);
    this.#editor.create(chain);
    for (const rule of rulesUnder(node)) {
      this.#editor.remove(from, rule);
      this.#editor.add(chain, rule);
    }
    this.#editor.add(from, jump(range, chain));
  }

  #merge(node: Node, ancestors: readonly Node[]): void {
    const { chain } = node;
    const to = ancestors.findLast((ancestor) => ancestor.chain !== undefined)?.chain;
    if (chain === undefined || to === undefined) return;
    node.chain = undefined;
    this.#chainNames.delete(chain);
    this.#editor.remove(to, jump(this.#range(node.prefix), chain));
    for (const rule of rulesUnder(node)) this.#editor.add(to, rule);
    this.#editor.drop(chain);
  }

  #isWhole(node: Node): boolean {
    return node.prefix.length === this.#width;
  }

  get #width(): number {
    return this.#family === 'IPv4' ? 8 : 32;
  }

  #prefixes(digits: string): string[] {
    return [...LEVELS[this.#family], this.#width].map((length) => digits.slice(0, length));
  }

  #range(prefix: string): string {
    const digits = prefix.padEnd(this.#width, '0');
    const bits = prefix.length * 4;
    if (this.#family === 'IPv4') {
      const parts = digits.match(/../g) ?? [];
      return `${parts.map((part) => Number.parseInt(part, 16)).join('.')}/${bits}`;
    }
    const text = (digits.match(/.{4}/g) ?? []).join(':');
    return `${new URL(`http://[${text}]/`).hostname.slice(1, -1)}/${bits}`;
  }
}

function emptyNode(prefix: string): Node {
  return { prefix, children: new Map(), rules: new Set(), count: 0, chain: undefined };
}

function* rulesUnder(node: Node): Generator<string> {
  for (const { rule } of placesUnder(node)) yield rule;
}

function* placesUnder(node: Node): Generator<{ readonly digits: string; readonly rule: string }> {
  for (const rule of node.rules) yield { digits: node.prefix, rule };
  for (const child of node.children.values()) yield* placesUnder(child);
}

function jump(range: string, chain: string): string {
  return `-d ${range} -j ${chain}`;
}

// A name as those of Services: a stock kube-proxy that takes over deletes the chain, as it does with Services gone.
function chainOfRange(range: string): string {
  return `KUBE-SVC-${base32(createHash('sha256').update(`destinations ${range}`).digest())}`;
}

/** All hexadecimal digits of an address in canonical text. */
function hexDigits(ip: string): string {
  if (!ip.includes(':')) {
    return ip
      .split('.')
      .map((part) => Number(part).toString(16).padStart(2, '0'))
      .join('');
  }
  const [head = '', tail] = ip.split('::');
  const groups = (text: string | undefined): string[] =>
    text === undefined || text === '' ? [] : text.split(':').map((group) => group.padStart(4, '0'));
  const [left, right] = [groups(head), groups(tail)];
  return [...left, ...Array<string>(8 - left.length - right.length).fill('0000'), ...right].join('');
}
