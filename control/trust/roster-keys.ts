/** Keys pasted into a roster in some other form than its own: what stands there, and what to write instead. */
import { type Finding, isRecord } from "../base/schema.js";
import type { Path } from "../base/yaml.js";
import { type PublicKey, publicKeySchema, thumbprint } from "../signer/jwk.js";

/** Members that only private keys have (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1). */
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const KEY_MEMBERS = ["kty", "crv", "x", "y", "kid", "alg"];
const MAX_DEPTH = 16;

export const PRIVATE_KEY =
  "this is a private key, and it has been shown: take it out, make a new one with `glassgate key new NAME`, and paste what that prints";
const PASTE = "write it as one line, - { kty: ..., crv: ..., x: ..., kid: ... }, as `glassgate key new NAME` prints it";

/**
 * Where a private key stands in the text, in comments and in broken YAML too; undefined where none is seen.
 * A `kid` that a narrow terminal broke in two (`ki`, `d`) is none.
 */
export function privateKeyAt(text: string): number | undefined {
  const match =
    /(?<=^|[\s,{"'\\])(?<!\bki\s+)d\\?["']?\s*:\s*\\?["']?[A-Za-z0-9_-]{43,}|-----BEGIN [A-Z ]*PRIVATE KEY-----/m.exec(
      text,
    );
  return match?.index;
}

/** The key as one line of a roster. */
export function rosterLine(key: PublicKey): string {
  const members = Object.entries(key).map(([member, value]) => `${member}: ${value}`);
  return `- { ${members.join(", ")} }`;
}

/** Also a `d` that stands alone, where the paste went to the wrong place. */
const hasPrivatePart = (value: Record<string, unknown>): boolean =>
  ("kty" in value && PRIVATE.some((member) => Object.hasOwn(value, member))) ||
  (typeof value.d === "string" && /^[A-Za-z0-9_-]{32,}$/.test(value.d));

function privatePart(value: Record<string, unknown>): string {
  return PRIVATE.find((member) => Object.hasOwn(value, member)) ?? "d";
}

/** A public key that somebody pasted, whole; undefined where it is none. */
function keyIn(value: unknown): PublicKey | undefined {
  if (!isRecord(value)) return undefined;
  const { nbf: _, exp: __, ...key } = value;
  const parsed = publicKeySchema.safeParse(key);
  return parsed.success ? parsed.data : undefined;
}

const insteadOf = (value: unknown): string => {
  const key = keyIn(value);
  return key === undefined ? PASTE : `write it as one line below keys: ${rosterLine(key)}`;
};

/** Text that is a key in JSON, or a private key in PEM. */
function faultOfText(text: string, path: Path): Finding | undefined {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return { path, message: PRIVATE_KEY };
  if (!/^\s*[[{]/.test(text) || !text.includes('"kty"')) return undefined;
  if (/"(?:d|p|q|dp|dq|qi|k)"\s*:/.test(text)) return { path, message: PRIVATE_KEY };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Cut or otherwise no JSON: it is text all the same, and the sentence below says what to do.
  }
  return { path, message: `is a key as text: ${value === undefined ? PASTE : insteadOf(value)}` };
}

/** Private keys anywhere: whatever else is wrong, this comes first. */
function findPrivate(value: unknown, path: Path, found: Finding[]): void {
  if (path.length > MAX_DEPTH) return;
  if (typeof value === "string") {
    const fault = faultOfText(value, path);
    if (fault !== undefined) found.push(fault);
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => {
      findPrivate(item, [...path, index], found);
    });
  } else if (isRecord(value)) {
    if (hasPrivatePart(value)) found.push({ path, member: privatePart(value), message: PRIVATE_KEY });
    else for (const [member, child] of Object.entries(value)) findPrivate(child, [...path, member], found);
  }
}

function faultOfKey(value: unknown, path: Path): Finding | undefined {
  if (value === null) return { path, message: `is empty: ${PASTE}` };
  if (Array.isArray(value))
    return { path, message: "is a list inside the list: leave one pair of brackets, or one dash, out" };
  if (typeof value === "string") return { path, message: `is text where a key is wanted: ${PASTE}` };
  if (!isRecord(value)) return undefined;
  if ("encrypted" in value || "public" in value)
    return { path, message: `is the key's file, with the encrypted private key: ${PASTE}` };
  if (Array.isArray(value.keys))
    return { path, message: "is a key set: put each key of its list here, without the member keys around them" };
  const { kty, crv, kid } = value;
  if (kty === undefined && Object.keys(value).length === 1)
    return { path, message: `is a single member, not a key: ${PASTE}` };
  if (kty !== undefined && kty !== "OKP" && kty !== "EC")
    return {
      path: [...path, "kty"],
      message: "is neither OKP nor EC: only Ed25519 and P-256 keys sign here. Make one with `glassgate key new NAME`",
    };
  if (kty === "EC" && value.y === undefined && Object.hasOwn(value, "true"))
    return {
      path,
      member: "true",
      message: "is what a YAML 1.1 tool made of the member y: write y, and keep that tool away from this file",
    };
  const curve = kty === "OKP" ? "Ed25519" : "P-256";
  if (kty !== undefined && crv !== undefined && crv !== curve)
    return {
      path: [...path, "crv"],
      message: `must be ${curve} with kty ${kty}. Make a key with \`glassgate key new NAME\``,
    };
  if (kty !== undefined && kid === undefined) {
    const whole = keyIn({ ...value, kid: "A".repeat(43) });
    return {
      path,
      message: `has no kid: ${whole === undefined ? PASTE : `write kid: ${thumbprint(whole)} (its RFC 7638 thumbprint)`}`,
    };
  }
  return undefined;
}

function faultsOfPrincipal(principal: unknown, path: Path): Finding[] {
  if (!isRecord(principal)) return [];
  const stray = KEY_MEMBERS.find((member) => Object.hasOwn(principal, member));
  if (stray !== undefined)
    return [
      {
        path,
        member: stray,
        message: `is a member of a key, beside the principal's own: indent the key below keys:, or ${insteadOf(Object.fromEntries(Object.entries(principal).filter(([member]) => KEY_MEMBERS.includes(member))))}`,
      },
    ];
  const { keys } = principal;
  const at = [...path, "keys"];
  if (keys === null)
    return [{ path: at, message: "is empty: write keys: [] for none, or paste keys below it, indented further" }];
  if (typeof keys === "string")
    return [{ path: at, message: `is text where a list of keys is wanted: ${PASTE}, below it` }];
  if (isRecord(keys)) {
    if (Array.isArray(keys.keys))
      return [{ path: at, message: "is a key set: write its list itself here, without the second keys:" }];
    return [{ path: at, message: `is one key where a list of keys is wanted: ${insteadOf(keys)}` }];
  }
  if (!Array.isArray(keys)) return [];
  return keys.flatMap((key, index) => faultOfKey(key, [...at, index]) ?? []);
}

/** A key, or members of one, among principals, or at the top of the file: pasted at the wrong indentation. */
function faultOfPlace(value: Record<string, unknown>): Finding[] {
  const stray = KEY_MEMBERS.find((member) => Object.hasOwn(value, member));
  if (stray !== undefined)
    return [
      {
        path: [],
        member: stray,
        message: "is a member of a key, at the top of the roster: indent the key below the keys: of its principal",
      },
    ];
  if (Object.hasOwn(value, "keys"))
    return [
      {
        path: [],
        member: "keys",
        message: "stands at the top of the roster: keys belong to a principal, indented as its id: is",
      },
    ];
  const { principals } = value;
  if (!Array.isArray(principals)) return [];
  return principals.flatMap((item, index): Finding[] =>
    isRecord(item) && "kty" in item && !("id" in item)
      ? [
          {
            path: ["principals", index],
            message: "is a key among the principals: indent it below the keys: of its principal",
          },
        ]
      : faultsOfPrincipal(item, ["principals", index]),
  );
}

/** What is wrong with pasted keys, said before the schema says it worse. */
export function faultsOfKeys(value: unknown): Finding[] {
  const found: Finding[] = [];
  findPrivate(value, [], found);
  if (found.length > 0) return found;
  return isRecord(value) ? faultOfPlace(value) : [];
}
