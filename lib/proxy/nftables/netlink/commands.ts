/**
 * The commands of transactions that come with every change of endpoints, as netlink messages: byte for byte what `nft`
 * sends for the same text (include/uapi/linux/netfilter/nf_tables.h). Pure. What is not among them is for `nft` to do.
 */
import type { Family } from '../../model/address.ts';
import { packAddress } from '../../model/address.ts';
import { CLUSTER_IPS, HAIRPIN_CONNECTIONS, NO_ENDPOINT_SERVICES, SERVICE_IPS, TABLE } from '../names.ts';
import { parseCommand } from '../transaction_text.ts';
import type { Attribute, NewMessage } from './message.ts';
import {
  NLM_F_ACK,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_DUMP,
  decodeAttributes,
  encodeMessage,
  hostU32,
  u16,
  u32,
  zeroTerminated,
} from './message.ts';

const NFTABLES = 10;
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
const of = (message: number): number => (NFTABLES << 8) | message;
const NEW_TABLE = of(0);
const GET_TABLE = of(1);
const NEW_CHAIN = of(3);
const GET_CHAIN = of(4);
const DELETE_CHAIN = of(5);
const NEW_RULE = of(6);
const GET_RULE = of(7);
const DELETE_RULE = of(8);
const NEW_ELEMENT = of(12);
const DELETE_ELEMENT = of(14);

const AF_INET = 2;
const AF_INET6 = 10;
const GOTO = -4;
const DROP = 0;
const VERDICT_REGISTER = 0;
const REGISTER_1 = 1;
const REGISTER_2 = 2;
const META_L4PROTO = 16;
const NUMGEN_RANDOM = 1;
const NAT_DESTINATION = 1;
const RANGE_HAS_PORTS = 2;
const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };
/** Shared sets and maps, by the parts of their keys. */
const KEYS: Readonly<Record<string, ReadonlyArray<'address' | 'protocol' | 'port'>>> = {
  [CLUSTER_IPS]: ['address'],
  [SERVICE_IPS]: ['address', 'protocol', 'port'],
  [NO_ENDPOINT_SERVICES]: ['address', 'protocol', 'port'],
  [HAIRPIN_CONNECTIONS]: ['address', 'address', 'protocol', 'port'],
};
const COMMENT = 0;
const CHAIN_HANDLE = 2;
const RULE_EXPRESSIONS = 4;
const COUNTER = zeroTerminated('counter');

const bytes = (type: number, content: Uint8Array): Attribute => ({ type, content });
const nest = (type: number, ...content: Attribute[]): Attribute => ({ type, content });
const number = (type: number, value: number): Attribute => bytes(type, u32(value));
const text = (type: number, value: string): Attribute => bytes(type, zeroTerminated(value));
const tableName = text(1, TABLE);

function familyNumber(family: Family): number {
  return family === 'IPv4' ? AF_INET : AF_INET6;
}

/**
 * A transaction as one batch, of which the last command is acknowledged; the numbers of its messages are those of its
 * lines, counted from 1. Undefined: there is something in it that is not known here.
 */
export function encodeTransaction(family: Family, transaction: string): Buffer | undefined {
  const lines = transaction.split('\n').filter((line) => line !== '');
  const messages: NewMessage[] = [];
  for (const line of lines) {
    const message = encodeLine(family, line);
    if (message === undefined) return undefined;
    messages.push(message);
  }
  const batch = { flags: 0, family: 0, resource: NFTABLES };
  const last = messages.length - 1;
  return Buffer.concat([
    encodeMessage({ ...batch, type: BATCH_BEGIN }, 0),
    ...messages.map((m, i) => encodeMessage(i === last ? { ...m, flags: m.flags | NLM_F_ACK } : m, i + 1)),
    encodeMessage({ ...batch, type: BATCH_END }, messages.length + 1),
  ]);
}

/** Asks for the proxy's table itself. */
export function encodeTableRequest(family: Family): Buffer {
  const attributes = [tableName];
  return encodeMessage({ type: GET_TABLE, flags: 0, family: familyNumber(family), attributes }, 1);
}

export function isTable(message: { readonly type: number }): boolean {
  return message.type === NEW_TABLE;
}

/** Asks for a chain itself. */
export function encodeChainRequest(family: Family, table: string, chain: string): Buffer {
  const attributes = [text(1, table), text(3, chain)];
  return encodeMessage({ type: GET_CHAIN, flags: 0, family: familyNumber(family), attributes }, 1);
}

/** The number that the kernel has given a chain; no other chain ever has it. */
export function chainNumber(attributes: Buffer): Buffer {
  return decodeAttributes(attributes).find(({ type }) => type === CHAIN_HANDLE)?.content ?? Buffer.alloc(0);
}

export function isChain(message: { readonly type: number }): boolean {
  return message.type === NEW_CHAIN;
}

/** Asks for the rules of a chain. */
export function encodeRulesRequest(family: Family, table: string, chain: string): Buffer {
  const attributes = [text(1, table), text(2, chain)];
  return encodeMessage({ type: GET_RULE, flags: NLM_F_DUMP, family: familyNumber(family), attributes }, 1);
}

/** The attributes of a rule but for what packets change in it. */
export function withoutCounters(rule: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (const { type, content } of decodeAttributes(rule)) {
    if (type !== RULE_EXPRESSIONS) kept.push(content);
    else
      for (const { content: expression } of decodeAttributes(content))
        if (!decodeAttributes(expression).some((e) => e.content.equals(COUNTER))) kept.push(expression);
  }
  return Buffer.concat(kept);
}

function encodeLine(family: Family, line: string): NewMessage | undefined {
  const command = parseCommand(line);
  if (command === undefined) return undefined;
  const { verb, name, rest } = command;
  const message = (type: number, flags: number, ...attributes: Attribute[]): NewMessage => ({
    type,
    flags,
    family: familyNumber(family),
    attributes: [tableName, ...attributes],
  });
  switch (verb) {
    case 'add chain':
      return rest === '' ? message(NEW_CHAIN, NLM_F_CREATE, text(3, name)) : undefined;
    case 'delete chain':
      return message(DELETE_CHAIN, 0, text(3, name));
    case 'flush chain':
      return message(DELETE_RULE, 0, text(2, name));
    case 'add rule': {
      const expressions = encodeRule(rest);
      if (expressions === undefined) return undefined;
      return message(
        NEW_RULE,
        NLM_F_CREATE | NLM_F_APPEND,
        text(2, name),
        nest(RULE_EXPRESSIONS, ...expressions),
      );
    }
    case 'add element':
    case 'delete element': {
      const element = encodeElement(name, rest);
      if (element === undefined) return undefined;
      const [type, flags] = verb === 'add element' ? [NEW_ELEMENT, NLM_F_CREATE] : [DELETE_ELEMENT, 0];
      return message(type, flags, text(2, name), nest(3, element));
    }
    default:
      return undefined;
  }
}

// `numgen random mod 3 0 meta l4proto tcp dnat to 10.0.0.1:80`, `goto chain`
function encodeRule(rule: string): Attribute[] | undefined {
  const [, modulus, what = ''] = /^(?:numgen random mod (\d+) 0 )?(.*)$/.exec(rule) ?? [];
  const choice =
    modulus === undefined
      ? []
      : [
          expression(
            'numgen',
            number(1, REGISTER_1),
            number(2, Number(modulus)),
            number(3, NUMGEN_RANDOM),
            number(4, 0),
          ),
          compare(hostU32(0)),
        ];
  const [, target] = /^goto (\S+)$/.exec(what) ?? [];
  if (target !== undefined) {
    const verdict = nest(2, nest(2, number(1, GOTO), text(2, target)));
    return [...choice, expression('immediate', number(1, VERDICT_REGISTER), verdict)];
  }
  const [, protocol = '', v6, v4, port] =
    /^meta l4proto (\w+) dnat to (?:\[([\da-f:.]+)\]|([\d.]+)):(\d+)$/.exec(what) ?? [];
  const address = packAddress(v6 ?? v4 ?? '');
  const l4proto = PROTOCOLS[protocol];
  if (address === undefined || l4proto === undefined) return undefined;
  return [
    ...choice,
    expression('meta', number(2, META_L4PROTO), number(1, REGISTER_1)),
    compare(Buffer.from([l4proto])),
    immediate(REGISTER_1, address),
    immediate(REGISTER_2, u16(Number(port))),
    expression(
      'nat',
      number(1, NAT_DESTINATION),
      number(2, v6 === undefined ? AF_INET : AF_INET6),
      number(3, REGISTER_1),
      number(5, REGISTER_2),
      number(7, RANGE_HAS_PORTS),
    ),
  ];
}

function expression(name: string, ...attributes: Attribute[]): Attribute {
  return nest(1, text(1, name), nest(2, ...attributes));
}

function compare(value: Uint8Array): Attribute {
  return expression('cmp', number(1, REGISTER_1), number(2, 0), nest(3, bytes(1, value)));
}

function immediate(register: number, value: Uint8Array): Attribute {
  return expression('immediate', number(1, register), nest(2, bytes(1, value)));
}

// `{ 10.0.0.1 . tcp . 80 comment "a/b:p" : goto chain }`
function encodeElement(container: string, rest: string): Attribute | undefined {
  const [, keyText = '', comment, verdict] =
    /^\{ ([^" ]+(?: \. [^" ]+)*)(?: comment "([^"]*)")?(?: : (.*))? \}$/.exec(rest) ?? [];
  const key = encodeKey(container, keyText);
  const data = verdict === undefined ? [] : encodeVerdict(verdict);
  if (key === undefined || data === undefined) return undefined;
  return nest(1, nest(1, bytes(1, key)), ...data, ...encodeComment(comment));
}

function encodeKey(container: string, keyText: string): Buffer | undefined {
  const kinds = KEYS[container];
  const parts = keyText.split(' . ');
  if (kinds === undefined || kinds.length !== parts.length) return undefined;
  const fields: Buffer[] = [];
  for (const [i, kind] of kinds.entries()) {
    const field = encodeField(kind, parts[i] ?? '');
    if (field === undefined) return undefined;
    // Each field of a concatenation takes whole registers of four bytes.
    fields.push(field, Buffer.alloc(-field.length & 3));
  }
  return Buffer.concat(fields);
}

function encodeField(kind: 'address' | 'protocol' | 'port', part: string): Buffer | undefined {
  if (kind === 'address') return packAddress(part);
  if (kind === 'port') return /^\d{1,5}$/.test(part) ? u16(Number(part)) : undefined;
  const protocol = PROTOCOLS[part];
  return protocol === undefined ? undefined : Buffer.from([protocol]);
}

function encodeVerdict(verdict: string): [Attribute] | undefined {
  if (verdict === 'drop') return [nest(2, nest(2, number(1, DROP)))];
  const [, target] = /^goto (\S+)$/.exec(verdict) ?? [];
  return target === undefined ? undefined : [nest(2, nest(2, number(1, GOTO), text(2, target)))];
}

function encodeComment(comment: string | undefined): Attribute[] {
  if (comment === undefined) return [];
  const said = zeroTerminated(comment);
  return [bytes(6, Buffer.concat([Buffer.from([COMMENT, said.length]), said]))];
}
