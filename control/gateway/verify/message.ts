/**
 * One protobuf message, read field by field. Who reads it says which fields he knows; `done` names the others. That is what makes the
 * world closed: a field that nobody asked for is *not understood*, whatever it does.
 */
import type { Findings, Level } from "./findings.js";
import { snake, typeName, type Value } from "./value.js";

export interface Where {
  readonly found: Findings;
  /** Listener, chain, virtual host and route, as far as there is one: the last part of each finding's name. */
  readonly scope: string;
}

export const inside = (where: Where, part: string): Where => ({
  ...where,
  scope: where.scope === "" ? part : `${where.scope}/${part}`,
});

export class Message {
  private readonly read = new Set<string>(["@type"]);

  private constructor(
    readonly value: Value | undefined,
    /** The message's own name: `HttpConnectionManager`. */
    readonly about: string,
    readonly where: Where,
    private readonly fields: ReadonlyMap<string, Value>,
  ) {}

  static of(value: Value | undefined, about: string, where: Where): Message {
    const fields = new Map<string, Value>();
    const twice: Value[] = [];
    for (const [name, field] of value?.map ?? []) {
      if (field.data === null) continue; // Protobuf's JSON: null is absent.
      const plain = name.startsWith("@") ? name : snake(name);
      if (fields.has(plain)) twice.push(field);
      fields.set(plain, field);
    }
    const message = new Message(value, about, where, fields);
    for (const field of twice) message.strange("", "a field stands in both spellings", field);
    if (value !== undefined && value.map === undefined && value.data !== null)
      message.strange("", "this should be a message with fields");
    return message;
  }

  get exists(): boolean {
    return this.value !== undefined && this.value.data !== null;
  }

  get line(): number {
    return this.value?.line ?? 1;
  }

  add(level: Level, name: string, message: string, mend: string, at: Value | undefined = this.value): void {
    this.where.found.add(level, at, `${name}@${this.where.scope}`, message, mend);
  }

  danger(name: string, message: string, mend: string, at?: Value): void {
    this.add("danger", name, message, mend, at);
  }

  warn(name: string, message: string, mend: string, at?: Value): void {
    this.add("warning", name, message, mend, at);
  }

  unknown(name: string, message: string, at?: Value): void {
    this.add("not understood", name, message, "look at it, then accept it by its name, or take it out", at);
  }

  strange(field: string, what: string, at?: Value): void {
    const name = field === "" ? this.about : `${this.about}.${field}`;
    this.unknown(`value:${name}`, `${name}: ${what}; Envoy refuses it or reads it otherwise`, at);
  }

  has(name: string): boolean {
    return this.fields.has(name);
  }

  take(name: string): Value | undefined {
    this.read.add(name);
    return this.fields.get(name);
  }

  /** The value of a field that is there, for findings. */
  at(name: string): Value | undefined {
    return this.fields.get(name) ?? this.value;
  }

  harmless(...names: readonly string[]): this {
    for (const name of names) this.read.add(name);
    return this;
  }

  text(name: string): string | undefined {
    const value = this.take(name);
    if (value !== undefined && value.text === undefined) this.strange(name, "this should be text", value);
    return value?.text;
  }

  texts(name: string): string[] {
    return this.values(name).flatMap((value) => {
      if (value.text === undefined) this.strange(name, "this should be a list of texts", value);
      return value.text ?? [];
    });
  }

  number(name: string): number | undefined {
    const value = this.take(name);
    if (value === undefined) return undefined;
    const wrapped = value.map?.get("value") ?? value;
    const number = Number(wrapped.text ?? Number.NaN);
    if (Number.isFinite(number)) return number;
    this.strange(name, "this should be a number", value);
    return undefined;
  }

  /** Booleans and BoolValue. What is neither counts as set. */
  flag(name: string): boolean | undefined {
    const value = this.take(name);
    if (value === undefined) return undefined;
    const text = (value.map?.get("value") ?? value).text;
    if (text === "true" || text === "false") return text === "true";
    this.strange(name, "this should be true or false", value);
    return true;
  }

  /** An enum by name, by number, by number as text. @param names by number, from 0 */
  choice(name: string, names: readonly string[]): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = /^\d+$/.test(text) ? names[Number(text)] : names.find((known) => known === text);
    if (found === undefined) this.strange(name, `${text} is none of ${names.join(", ")}`, this.at(name));
    return found ?? text;
  }

  message(name: string, about = `${this.about}.${name}`): Message {
    return Message.of(this.take(name), about, this.where);
  }

  /** A repeated field; one value alone counts as a list of one. */
  values(name: string): readonly Value[] {
    const value = this.take(name);
    return value === undefined ? [] : (value.list ?? [value]);
  }

  messages(name: string, about = `${this.about}.${name}`): Message[] {
    return this.values(name).map((value) => Message.of(value, about, this.where));
  }

  /** A protobuf map: its keys are the operator's own. */
  entries(name: string): [string, Value][] {
    const value = this.take(name);
    if (value !== undefined && value.map === undefined) this.strange(name, "this should be a map", value);
    return [...(value?.map ?? [])];
  }

  /** A google.protobuf.Any. */
  any(name: string): Typed {
    return openAny(this.take(name), this.where);
  }

  /** An extension: `name` and `typed_config`. */
  extension(name: string): Extension {
    return openExtension(Message.of(this.take(name), `${this.about}.${name}`, this.where));
  }

  extensions(name: string): Extension[] {
    return this.messages(name).map(openExtension);
  }

  inScope(part: string): Message {
    return Message.of(this.value, this.about, inside(this.where, part));
  }

  /** Names what nobody asked for. */
  done(): void {
    for (const [name, value] of this.fields) {
      if (this.read.has(name)) continue;
      this.unknown(`field:${this.about}.${name}`, `the field ${name} of ${this.about} is not known here`, value);
    }
  }
}

export interface Typed {
  /** `envoy.extensions....v3.X`; empty where there is none. */
  readonly type: string;
  readonly message: Message;
}

export interface Extension extends Typed {
  readonly name: string;
  /** The name and its fields beside `typed_config`. */
  readonly outer: Message;
}

const STRUCTS = new Set(["xds.type.v3.TypedStruct", "udpa.type.v1.TypedStruct"]);

/** An Any; a TypedStruct is what it stands for. */
export function openAny(value: Value | undefined, where: Where): Typed {
  const url = value?.map?.get("@type")?.text ?? "";
  const type = typeName(url);
  if (STRUCTS.has(type)) {
    const inner = value?.map?.get("type_url") ?? value?.map?.get("typeUrl");
    const innerType = typeName(inner?.text ?? "");
    return { type: innerType, message: Message.of(value?.map?.get("value"), lastPart(innerType), where) };
  }
  return { type, message: Message.of(value, lastPart(type), where) };
}

const lastPart = (type: string): string => type.slice(type.lastIndexOf(".") + 1) || "typed_config";

export function openExtension(outer: Message): Extension {
  const name = outer.text("name") ?? "";
  return { name, outer, ...outer.any("typed_config") };
}
