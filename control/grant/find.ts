/** Finds messages inside whatever a chat or mail program made of them, or says what it found instead. */
import { z } from "zod";
import { plural, visible } from "../base/text.js";
import { headerOf, jsonOf, kindNames, kindOf, type Message, SIGNATURE_LETTERS } from "./message.js";
import { decodeCarrier, otherTexts, type Plain, readings } from "./unwrap.js";

export interface Found {
  /** Each once, in order. */
  readonly messages: readonly Message[];
  /** Half-sentences about what is nearly one: "an ask, cut short: ...". */
  readonly remains: readonly string[];
}

/** A header names an algorithm, a thumbprint and a type: a few hundred letters are plenty. */
const MIN_HEADER_LETTERS = 16;
const MAX_HEADER_LETTERS = 1024;
/** Beginnings that are looked at: more stand in no chat, and a text that is made of them must not stall anybody. */
const MAX_ATTEMPTS = 10_000;
/** Twice what a gateway takes. */
const MAX_PAYLOAD_LETTERS = 16_384;
/** 64 octets leave four spare bits, which are zero. */
const LAST_LETTER = /[AQgw]/;
const LETTERS = /[\w-]*/y;
const MAX_REMAINS = 5;
/** Two without what stands before lines, and a mail has a body or two. */
const MAX_OTHER_TEXTS = 5;

/** A private key in any of its usual coats. */
const PRIVATE_KEY =
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----|"d\\?"\s*:\s*\\?"[\w-]{40}|"encrypted\\?"\s*:\s*\\?"eyJ|AGE-SECRET-KEY-1|^PuTTY-User-Key-File/m;

export const holdsPrivateKey = (text: string): boolean => PRIVATE_KEY.test(text);

const otherHeader = z.looseObject({ alg: z.string(), typ: z.string().optional() });

type Attempt =
  | { readonly message: Message; readonly end: number; readonly isSure: boolean }
  | { readonly remains: string };

class Scan {
  private readonly messages = new Map<string, Message>();
  private readonly remains = new Set<string>();
  /** Letters of messages of which the end is sure. */
  private sure = 0;
  private attempts = 0;

  constructor(private readonly plain: Plain) {}

  run(): Found & { readonly sure: number } {
    const { letters } = this.plain;
    let dot = -1;
    for (let at = letters.indexOf("eyJ"); at >= 0; ) {
      if (dot < at) dot = letters.indexOf(".", at);
      if (dot < 0 || this.attempts > MAX_ATTEMPTS) break;
      const length = dot - at;
      const isHeader = length >= MIN_HEADER_LETTERS && length <= MAX_HEADER_LETTERS;
      const attempt = isHeader ? this.attempt(at, dot) : undefined;
      let next = at + 1;
      if (attempt !== undefined && "message" in attempt) {
        this.messages.set(attempt.message.text, attempt.message);
        if (attempt.isSure) this.sure += attempt.message.text.length;
        next = attempt.end;
      } else if (attempt !== undefined) {
        this.remains.add(attempt.remains);
        next = dot;
      }
      at = letters.indexOf("eyJ", next);
    }
    return { messages: [...this.messages.values()], remains: [...this.remains].slice(0, MAX_REMAINS), sure: this.sure };
  }

  private lettersFrom(at: number): number {
    LETTERS.lastIndex = at;
    return LETTERS.exec(this.plain.letters)?.[0].length ?? 0;
  }

  private attempt(at: number, dot: number): Attempt | undefined {
    const { letters } = this.plain;
    this.attempts += 1;
    const segment = letters.slice(at, dot);
    if (!/^[\w-]+$/.test(segment)) return undefined;
    const header = headerOf(segment);
    if (header === undefined) return otherToken(segment);
    const kind = kindOf[header.typ];
    const start = kind === "approval" ? this.approvalSignature(dot) : this.payload(dot);
    if (typeof start === "string") return { remains: `${kindNames[kind]}, ${start}` };
    const signature = this.signature(start);
    if (typeof signature === "string") return { remains: `${kindNames[kind]}, ${signature}` };
    const end = start + SIGNATURE_LETTERS;
    const request = { kind, text: letters.slice(at, end), header };
    if (kind !== "grant") return { message: request, end, isSure: signature.isSure };
    const whole = this.approvals(request.text, end);
    return { message: { kind, text: whole.text, header }, end: whole.end, isSure: signature.isSure && whole.isSure };
  }

  /** Where the detached signature begins, or what is wrong. */
  private approvalSignature(dot: number): number | string {
    return this.plain.letters.startsWith("..", dot) ? dot + 2 : "cut short behind its header";
  }

  /** Where the signature behind the payload begins, or what is wrong. */
  private payload(dot: number): number | string {
    const { letters } = this.plain;
    const length = this.lettersFrom(dot + 1);
    const end = dot + 1 + length;
    if (length === 0 || letters[end] !== "." || letters[end + 1] === "." || length > MAX_PAYLOAD_LETTERS)
      return "cut short in its middle";
    if (typeof jsonOf(letters.slice(dot + 1, end)) !== "object") return "with letters missing or changed in its middle";
    return end + 1;
  }

  /** Whether the signature at `at` is whole, or what is wrong. */
  private signature(at: number): { isSure: boolean } | string {
    const { letters, gaps } = this.plain;
    const length = this.lettersFrom(at);
    const end = at + SIGNATURE_LETTERS;
    if (length >= SIGNATURE_LETTERS && LAST_LETTER.test(letters[end - 1] ?? "")) {
      const endsHere = gaps[end] === 1 || length === SIGNATURE_LETTERS;
      const isMarked = letters[end] === "_" && gaps[end + 1] === 1; // _like this_
      if (endsHere || isMarked) return { isSure: true };
      const isUnbroken = !gaps.subarray(at + 1, end).includes(1);
      if (isUnbroken) return { isSure: false };
    }
    const missing = SIGNATURE_LETTERS - this.withoutWords(at, Math.min(length, SIGNATURE_LETTERS));
    return missing > 0
      ? `cut short: ${plural(missing, "character")} of its signature ${missing === 1 ? "is" : "are"} missing`
      : "with letters missing or changed in its signature";
  }

  /** How many of `length` letters are a signature's: words that follow a cut one are none. */
  private withoutWords(at: number, length: number): number {
    const { letters, gaps } = this.plain;
    let end = at + length;
    for (let from = end - 1; from >= at; from--) {
      if (gaps[from] !== 1) continue;
      const stop = gaps.indexOf(1, from + 1);
      if (!/^[A-Za-z]?[a-z]{0,15}[.]?$/.test(letters.slice(from, stop < 0 ? end : stop))) break;
      end = from;
    }
    return end - at;
  }

  /** The approvals that follow a request, `~` between them; a chat that strikes through what stands between tildes drops them. */
  private approvals(request: string, from: number): { text: string; end: number; isSure: boolean } {
    const { letters, gaps } = this.plain;
    let text = request;
    let end = from;
    let isSure = true;
    for (;;) {
      const at = letters[end] === "~" ? end + 1 : end;
      if (at === end && gaps[end] === 1) break;
      const dot = letters.startsWith("eyJ", at) ? letters.indexOf(".", at) : -1;
      if (dot < 0 || dot - at > MAX_HEADER_LETTERS) break;
      if (headerOf(letters.slice(at, dot))?.typ !== "bg-approval+jws") break;
      const approval = this.attempt(at, dot);
      if (approval === undefined || !("message" in approval)) break;
      text += `~${approval.message.text}`;
      end = approval.end;
      isSure &&= approval.isSure;
    }
    return { text, end, isSure };
  }
}

function otherToken(segment: string): { remains: string } | undefined {
  const other = otherHeader.safeParse(jsonOf(segment));
  if (!other.success) return undefined;
  const { typ } = other.data;
  if (typ === "bg-bundle+jwt") return { remains: "a trust bundle" };
  if (typ?.startsWith("bg") === true)
    return { remains: `a message of ours with a header that no gateway takes (typ ${visible(typ.slice(0, 40))})` };
  return { remains: `another program's token (typ ${visible((typ ?? "none").slice(0, 40))})` };
}

function findIn(text: string): Found {
  const texts = (found: Found): string => found.messages.map((message) => message.text).join();
  // The wrong reading of a dash in the last approval's signature is a whole grant without that approval.
  const approvals = (found: Found): number => texts(found).split("~").length;
  const [best, second] = readings(decodeCarrier(text))
    .map((plain) => new Scan(plain).run())
    .sort(
      (a, b) =>
        b.sure - a.sure ||
        b.messages.length - a.messages.length ||
        approvals(b) - approvals(a) ||
        a.remains.length - b.remains.length,
    );
  if (best === undefined) return { messages: [], remains: [] };
  const isTied = second !== undefined && second.sure === best.sure && texts(second) !== texts(best);
  if (isTied && second.messages.length === best.messages.length && approvals(second) === approvals(best))
    return { messages: [], remains: ["a message in which long dashes stand: one hyphen or two, which cannot be told"] };
  return best;
}

const isProof = ({ kind }: Message): boolean => kind === "proof";

/** What a grant is made of: a proof beside it in a chat gets in nobody's way. */
export function findMessages(text: string): Found {
  const { messages, remains } = findAll(text);
  const proofs = messages.some(isProof) ? [kindNames.proof] : [];
  return { messages: messages.filter((message) => !isProof(message)), remains: [...remains, ...proofs] };
}

/** Every message in the text, each once, proofs of the roster among them. */
export function findAll(text: string): Found {
  const found = findIn(text);
  if (found.messages.length > 0) return found;
  const others = otherTexts(text).slice(0, MAX_OTHER_TEXTS);
  return others.map(findIn).find(({ messages }) => messages.length > 0) ?? found;
}

/** Half a sentence about a text in which no message was found. */
export function whatElse(text: string, { remains }: Found): string {
  if (text.trim() === "") return "it is empty";
  const dashes = /[\u2013\u2014]/.test(text) ? " (and long dashes stand in it, where hyphens may have stood)" : "";
  if (remains.length > 0) return `it holds ${remains.join("; ")}${dashes}`;
  if (/eyJ/.test(text))
    return `it holds the beginning of a message, cut short or with other signs among its letters${dashes}`;
  return `nothing like a message is in its ${plural([...text].length, "character")}`;
}
