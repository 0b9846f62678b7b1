/** What the page asks for and is told; shared with its script in the browser. Types alone. */
import type { PacketExplanation } from '../explain/explanation.ts';

/** `GET /ui/data` */
export interface UiOverview {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly version: string;
  readonly node: string;
  readonly mode: string;
  readonly totals: UiTotals;
  readonly families: readonly UiFamily[];
  /** Latest first. */
  readonly syncs: readonly UiSync[];
}

export interface UiTotals {
  readonly services: number;
  readonly ports: number;
  readonly endpoints: number;
  /** Service ports without any endpoint. */
  readonly withoutEndpoints: number;
}

export interface UiFamily {
  readonly family: string;
  /** Rules in force, by table. */
  readonly rules: Readonly<Record<string, number>>;
  /** An address of the node at which node ports answer; empty: none is known. */
  readonly nodeAddress: string;
}

/** One time that changes were brought into force, or could not be. */
export interface UiSync {
  /** Its end, milliseconds since the epoch. */
  readonly at: number;
  readonly family: string;
  readonly milliseconds: number;
  /** Everything was compared with the kernel's own list. */
  readonly full: boolean;
  /** Rules sent, all tables together. */
  readonly sent: number;
  /** What was unusual, in words; empty: nothing. */
  readonly note: string;
  readonly failed: boolean;
  /** Service ports that the kernel refused. */
  readonly refused: readonly string[];
}

/** `GET /ui/services?search=` */
export interface UiServices {
  readonly rows: readonly UiServiceRow[];
  /** Of all rows that the search finds. */
  readonly found: number;
}

export interface UiServiceRow {
  /** `namespace/name` */
  readonly service: string;
  /** Name of the port, or its number when it has none. */
  readonly port: string;
  readonly family: string;
  readonly protocol: string;
  /** Where it answers, most important first. */
  readonly places: readonly string[];
  readonly endpoints: number;
  readonly local: number;
  readonly leftOut: number;
  /** What is wrong or unusual; empty: nothing. */
  readonly note: string;
}

/** `GET /ui/packet?destination=&protocol=&source=` */
export type UiPacket = { readonly problem: string } | { readonly explanation: PacketExplanation };
