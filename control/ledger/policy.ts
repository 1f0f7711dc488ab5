/**
 * C2SP tlog-policy: which logs' checkpoints count, which witnesses there are, and how many of whom must have cosigned. A file of
 * octets: names are compared as such, so nothing depends on a version of Unicode.
 */

import { messageOf, UserError } from "../base/errors.js";
import { readBytes } from "../base/files.js";
import { visible } from "../base/text.js";
import { COSIGNATURE, type Cosignature, cosignaturesOf } from "./cosignature.js";
import { ED25519, keyIdOf, type Note, parseNote, parseVkey, type Vkey, verifyNote } from "./tlog/note.js";

/** The specification asks for 32 of each; nobody reads longer files. */
const MAX_OF_A_KIND = 64;
const MAX_BYTES = 256 * 1024;
const MAX_NAME_BYTES = 256;
const MAX_URL_BYTES = 2048;
/** The type of an ML-DSA-44 cosignature, which is known and not checked here. */
const ML_DSA = 0x06;

export interface PolicyLog {
  readonly key: Vkey;
  readonly url: string | undefined;
}

export interface PolicyWitness {
  /** Within the file. */
  readonly name: string;
  readonly key: Vkey;
  /** Its submission prefix. */
  readonly url: string | undefined;
}

/** A group has witnessed where `least` of its members have. A tree: each name is in one group at most. */
interface Group {
  readonly name: string;
  readonly least: number;
  readonly members: readonly Member[];
}
type Member = PolicyWitness | Group;

export interface Policy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  /** Undefined: `quorum none`. */
  readonly quorum: Member | undefined;
}

const isGroup = (member: Member): member is Group => "members" in member;

/** A name of the file, for a person. */
const shown = (octets: string): string => visible(Buffer.from(octets, "latin1").toString("utf8").slice(0, 80));

class Reader {
  private readonly logs: PolicyLog[] = [];
  private readonly witnesses: PolicyWitness[] = [];
  private readonly groups: Group[] = [];
  private readonly named = new Map<string, Member>();
  /** Member -> the group that has it. */
  private readonly placed = new Map<string, string>();
  private quorum: { readonly member: Member | undefined } | undefined;
  private line = 0;

  /** @param file its name, for errors */
  constructor(private readonly file: string) {}

  private refuse(what: string, hint?: string): UserError {
    return new UserError(`${visible(this.file)}:${this.line}: ${what}.`, hint === undefined ? {} : { hint });
  }

  read(bytes: Buffer): Policy {
    const lines = bytes.toString("latin1").split("\n");
    for (const text of lines) {
      this.line += 1;
      if (text.endsWith("\r"))
        throw this.refuse("the line ends with a carriage return", "Save it with Unix line ends.");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the file may not have.
      if (/[\x00-\x08\x0b-\x1f\x7f]/.test(text)) throw this.refuse("there is a control character");
      const words = text.split(/[ \t]+/).filter((word) => word !== "");
      const [keyword = "", ...rest] = words;
      if (keyword === "" || keyword.startsWith("#")) continue;
      this.readLine(keyword, rest);
    }
    if (this.quorum === undefined)
      throw new UserError(`${visible(this.file)} has no quorum line.`, {
        hint: "A policy without witnesses says so: `quorum none`.",
      });
    return { logs: this.logs, witnesses: this.witnesses, quorum: this.quorum.member };
  }

  private readLine(keyword: string, words: readonly string[]): void {
    if (keyword === "log") this.readLog(words);
    else if (keyword === "witness") this.readWitness(words);
    else if (keyword === "group") this.readGroup(words);
    else if (keyword === "quorum") this.readQuorum(words);
    else throw this.refuse(`"${shown(keyword)}" begins no line of a policy`, "It is log, witness, group or quorum.");
  }

  private readLog([vkey, url, ...more]: readonly string[]): void {
    if (vkey === undefined || more.length > 0) throw this.refuse("a log is `log VKEY [URL]`");
    this.count(this.logs, "logs");
    const key = this.key(vkey, ED25519, "a log");
    this.mustBeOnce(key, [...this.logs, ...this.witnesses]);
    this.logs.push({ key, url: this.url(url) });
  }

  private readWitness([name, vkey, url, ...more]: readonly string[]): void {
    if (name === undefined || vkey === undefined || more.length > 0)
      throw this.refuse("a witness is `witness NAME VKEY [URL]`");
    this.count(this.witnesses, "witnesses");
    const key = this.key(vkey, COSIGNATURE, "a witness");
    // Nobody witnesses himself.
    this.mustBeOnce(key, [...this.witnesses, ...this.logs]);
    const witness = { name, key, url: this.url(url) };
    this.define(witness);
    this.witnesses.push(witness);
  }

  private readGroup([name, least, ...names]: readonly string[]): void {
    if (name === undefined || least === undefined || names.length === 0)
      throw this.refuse("a group is `group NAME all|any|NUMBER MEMBER...`");
    this.count(this.groups, "groups");
    const members = names.map((member) => this.memberOf(name, member));
    const group = { name, least: this.least(least, members.length), members };
    this.define(group);
    this.groups.push(group);
  }

  private readQuorum([name, ...more]: readonly string[]): void {
    if (name === undefined || more.length > 0) throw this.refuse("the quorum is `quorum NAME`, or `quorum none`");
    if (this.quorum !== undefined) throw this.refuse("this is the second quorum line");
    this.quorum = { member: name === "none" ? undefined : this.defined(name) };
  }

  private count(already: readonly unknown[], what: string): void {
    if (already.length >= MAX_OF_A_KIND) throw this.refuse(`there are more than ${MAX_OF_A_KIND} ${what}`);
  }

  private key(text: string, type: number, whose: string): Vkey {
    let key: Vkey;
    try {
      key = parseVkey(Buffer.from(text, "latin1").toString("utf8"));
    } catch (error) {
      throw this.refuse(messageOf(error).replace(/\.$/, ""));
    }
    if (type === COSIGNATURE && key.algorithm === ML_DSA) return key;
    if (key.algorithm !== type)
      throw this.refuse(
        `${shown(key.name)} is a key of type 0x${key.algorithm.toString(16).padStart(2, "0")}, and ${whose} has 0x0${type}`,
        type === COSIGNATURE ? "A witness has one verifier key for notes and another for cosignatures." : undefined,
      );
    if (key.publicKey.length !== 32) throw this.refuse(`the Ed25519 key of ${shown(key.name)} has not 32 bytes`);
    if (!keyIdOf(key.name, key.algorithm, key.publicKey).equals(key.keyId))
      throw this.refuse(`the id of ${shown(key.name)} is not that of its name and key`);
    return key;
  }

  private mustBeOnce({ publicKey }: Vkey, others: readonly { readonly key: Vkey }[]): void {
    const same = others.find(({ key }) => key.publicKey.equals(publicKey));
    if (same !== undefined) throw this.refuse(`the key is that of ${shown(same.key.name)} once more`);
  }

  private url(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    const { protocol } = URL.canParse(text) ? new URL(text) : { protocol: undefined };
    if (text.length > MAX_URL_BYTES || (protocol !== "https:" && protocol !== "http:"))
      throw this.refuse(`"${shown(text)}" is no http:// or https:// URL`);
    return text;
  }

  private define(member: Member): void {
    const { name } = member;
    if (name === "none") throw this.refuse("the name none has a meaning of its own");
    if (name.length > MAX_NAME_BYTES) throw this.refuse(`a name is longer than ${MAX_NAME_BYTES} bytes`);
    if (this.named.has(name)) throw this.refuse(`the name ${shown(name)} is taken`);
    this.named.set(name, member);
  }

  private defined(name: string): Member {
    const member = this.named.get(name);
    if (member === undefined)
      throw this.refuse(
        `${shown(name)} is not defined above`,
        "Define a witness or group before the line that uses it.",
      );
    return member;
  }

  private memberOf(group: string, name: string): Member {
    const member = this.defined(name);
    const other = this.placed.get(name);
    if (other !== undefined) throw this.refuse(`${shown(name)} is a member of ${shown(other)} already`);
    this.placed.set(name, group);
    return member;
  }

  private least(text: string, members: number): number {
    if (text === "all") return members;
    if (text === "any") return 1;
    const least = /^[1-9][0-9]{0,3}$/.test(text) ? Number(text) : Number.NaN;
    if (!(least <= members))
      throw this.refuse(`"${shown(text)}" is none of all, any, and the numbers from 1 to ${members}`);
    return least;
  }
}

/** @param file its name, for errors */
export const parsePolicy = (bytes: Buffer, file: string): Policy => new Reader(file).read(bytes);

export const readPolicy = (file: string): Policy =>
  parsePolicy(readBytes(file, "the policy", { max: MAX_BYTES }), file);

const hasWitnessed = (member: Member, keys: ReadonlySet<Vkey>): boolean =>
  isGroup(member)
    ? member.members.filter((inner) => hasWitnessed(inner, keys)).length >= member.least
    : keys.has(member.key);

/** What is missing, for a person: `2 of X1, X2, X3`. */
function wanted(member: Member, keys: ReadonlySet<Vkey>): string {
  if (!isGroup(member)) return shown(member.name);
  const open = member.members.filter((inner) => !hasWitnessed(inner, keys));
  const least = member.least - (member.members.length - open.length);
  const names = open.map((inner) => (isGroup(inner) ? `(${wanted(inner, keys)})` : shown(inner.name))).join(", ");
  return open.length === 1 ? names : `${least} of ${names}`;
}

export interface Judgement {
  /** The log of the policy that signed it; undefined only where the policy has none. */
  readonly log: PolicyLog | undefined;
  readonly cosignatures: readonly Cosignature[];
  /** The quorum of the policy has cosigned. */
  readonly isMet: boolean;
  /** Whose cosignatures are wanted; empty where it is met. */
  readonly wanted: string;
}

/**
 * A checkpoint under a policy.
 * @throws where no log of the policy signed it as its own, and where a signature of a key that the policy knows does not verify
 */
export function judge(policy: Policy, checkpoint: string): Judgement {
  const note: Note = parseNote(checkpoint);
  const [origin = ""] = note.text.split("\n", 1);
  const logs = policy.logs.filter(({ key }) => key.name === origin);
  if (policy.logs.length > 0 && logs.length === 0)
    throw new UserError(`The policy has no log ${visible(origin)}.`, { exitCode: 1 });
  const [signer] =
    logs.length === 0
      ? []
      : verifyNote(
          checkpoint,
          logs.map(({ key }) => key),
        ).keys;
  const cosignatures = cosignaturesOf(
    note,
    policy.witnesses.map(({ key }) => key),
  );
  const keys = new Set(cosignatures.map(({ key }) => key));
  const isMet = policy.quorum === undefined || hasWitnessed(policy.quorum, keys);
  return {
    log: logs.find(({ key }) => key === signer),
    cosignatures,
    isMet,
    wanted: isMet || policy.quorum === undefined ? "" : wanted(policy.quorum, keys),
  };
}
