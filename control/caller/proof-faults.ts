/**
 * Which rules of docs/proof.md, "What a proof says", a proof breaks, in words. The filter decides; this tells the holder why, which
 * a gateway tells nobody.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { quoted } from "../base/quote.js";
import { showDuration, showTime } from "../base/time.js";
import { jsonOf } from "../grant/message.js";
import { FilterTools } from "../host/tools.js";

/** As in assembly/limits.ts. */
const MAX_PROOF_BYTES = 8192;
const MAX_ID_BYTES = 256;
/** Seconds that `iat` may be off, either way. */
export const PROOF_SECONDS = 60;

export interface JudgedProof {
  /** Each header `DPoP` of the request. */
  readonly proofs: readonly string[];
  /** As it is sent beside them. */
  readonly grant: string;
  /** What the grant is bound to. */
  readonly jkt: string;
  readonly method: string;
  /** Lower-case, without a default port. */
  readonly host: string;
  readonly path: string;
  /** Seconds. */
  readonly now: number;
}

const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];
const publicKey = z.discriminatedUnion("kty", [
  z.looseObject({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: coordinate }),
  z.looseObject({ kty: z.literal("EC"), crv: z.literal("P-256"), x: coordinate, y: coordinate }),
]);
type Key = z.infer<typeof publicKey>;
const object = z.record(z.string(), z.unknown());

const objectOf = (segment: string): Record<string, unknown> | undefined => object.safeParse(jsonOf(segment)).data;
const sha256 = (text: string): string => createHash("sha256").update(text, "latin1").digest("base64url");
const shown = (value: unknown): string => (value === undefined ? "none" : quoted(String(value).slice(0, 200)));

/** RFC 7638. */
const thumbprintOf = (key: Key): string =>
  sha256(
    key.kty === "OKP"
      ? `{"crv":"Ed25519","kty":"OKP","x":"${key.x}"}`
      : `{"crv":"P-256","kty":"EC","x":"${key.x}","y":"${key.y}"}`,
  );

function headerFaults({ typ, alg, jwk, ...others }: Record<string, unknown>, key: Key | undefined): string[] {
  const members = object.safeParse(jwk).data ?? {};
  const fits = key?.kty === "EC" ? ["ES256"] : key === undefined ? ["Ed25519", "EdDSA", "ES256"] : ["Ed25519", "EdDSA"];
  return [
    ...(typ === "dpop+jwt" ? [] : [`typ is ${shown(typ)}, not "dpop+jwt"`]),
    ...(fits.some((one) => one === alg) ? [] : [`alg is ${shown(alg)}, and its key takes ${fits.join(" or ")}`]),
    ...(PRIVATE.some((name) => Object.hasOwn(members, name))
      ? ["its jwk holds a private member: throw that key away"]
      : []),
    ...(key === undefined ? ["its jwk is no public key of Ed25519 or P-256"] : []),
    ...Object.keys(others).map((name) => `its header has a member that none may have: ${quoted(name)}`),
  ];
}

/** `scheme://host/path`, and whether it is that of the request. */
function urlFaults(htu: unknown, { host, path }: JudgedProof): string[] {
  const wanted = `https://${host}${path.split("?", 1)[0]}`;
  const match = /^(?:https?|wss?):\/\/([^/?#@]+)((?:[/?#].*)?)$/is.exec(typeof htu === "string" ? htu : "");
  if (match === null) return [`htu is ${shown(htu)}, which is no URL as ${quoted(wanted)} is (no user's name in it)`];
  const [, authority = "", rest = ""] = match;
  const ownPath = rest.replace(/[?#].*$/s, "");
  const isSame =
    authority.toLowerCase().replace(/:(?:80|443)$/, "") === host && (ownPath || "/") === path.split("?", 1)[0];
  return isSame ? [] : [`htu is for ${shown(htu)}, and the request for ${quoted(wanted)} (its path byte for byte)`];
}

function timeFaults(iat: unknown, now: number): string[] {
  if (typeof iat !== "number" || !Number.isSafeInteger(iat)) return [`iat is ${shown(iat)}, no whole seconds`];
  const off = Math.abs(now - iat);
  if (off <= PROOF_SECONDS) return [];
  const side = iat < now ? "too old" : "too far ahead";
  return [
    `iat is ${side}: ${showTime(iat)}, ${showDuration(off)} ${iat < now ? "before" : "after"} the moment that is judged, and ${PROOF_SECONDS} seconds are allowed (--at judges as of the request's own time; else set the clock of whoever made it)`,
  ];
}

function claimFaults({ jti, htm, htu, iat, ath }: Record<string, unknown>, judged: JudgedProof): string[] {
  const { method, grant, now } = judged;
  const isId = typeof jti === "string" && jti !== "" && Buffer.byteLength(jti) <= MAX_ID_BYTES;
  return [
    ...(isId ? [] : [`jti is ${shown(jti)}, and has 1 to ${MAX_ID_BYTES} bytes`]),
    ...(htm === method ? [] : [`htm is for ${shown(htm)}, and the request is a ${method} (a WebSocket is a GET)`]),
    ...urlFaults(htu, judged),
    ...timeFaults(iat, now),
    ...(ath === sha256(grant)
      ? []
      : ["ath is of another grant, or of this one in other bytes (its approvals in another order)"]),
  ];
}

/** Every rule that they break; none where all that can be seen from here is right. */
export async function proofFaults(judged: JudgedProof): Promise<string[]> {
  const [proof, ...more] = judged.proofs;
  if (proof === undefined) return ["there is no header DPoP"];
  if (more.length > 0) return [`there are ${more.length + 1} headers DPoP, and one is allowed`];
  if (proof.length > MAX_PROOF_BYTES) return [`it has ${proof.length} bytes, and at most ${MAX_PROOF_BYTES} are read`];
  const [head = "", payload = "", signature = "", ...rest] = proof.split(".");
  const octets = Buffer.from(signature, "base64url");
  if (rest.length > 0 || octets.length !== 64 || octets.toString("base64url") !== signature)
    return [`it is no signed text of three parts with 64 octets of signature: was it copied whole?`];
  const header = objectOf(head);
  const claims = objectOf(payload);
  if (header === undefined || claims === undefined)
    return [`its ${header === undefined ? "header" : "claims"} cannot be read: was it copied whole?`];
  const key = publicKey.safeParse(header.jwk).data;
  const faults = [...headerFaults(header, key), ...claimFaults(claims, judged)];
  if (key === undefined) return faults;
  const thumbprint = thumbprintOf(key);
  if (thumbprint !== judged.jkt)
    faults.unshift(`it is by the key ${thumbprint}, and the grant is bound to ${judged.jkt}`);
  const [alg, point] = key.kty === "OKP" ? (["Ed25519", [key.x]] as const) : (["ES256", [key.x, key.y]] as const);
  const bytes = Buffer.concat(point.map((text) => Buffer.from(text, "base64url")));
  const tools = await FilterTools.load();
  if (!tools.isKeyAcceptable(alg, bytes)) faults.push("its key is no point of its curve, or of small order");
  else if (!tools.verify(alg, bytes, octets, Buffer.from(`${head}.${payload}`, "ascii")))
    faults.push("its signature is not by its key over this text");
  return faults;
}

/**
 * The proofs in a text: the lines `DPoP: ...` of a request as curl -v, a log or a file of headers shows it; else all of it.
 */
export function proofsIn(text: string): string[] {
  const lines = [...text.matchAll(/^[\s>*]*dpop\s*:\s*(\S*)\s*$/gim)].map((match) => match[1] ?? "");
  if (lines.length > 0) return lines;
  return text.trim() === "" ? [] : [text.trim()];
}

/** How many requests such a text shows: curl -v tells of each one that it has sent, also where it followed or tried again. */
export const requestsIn = (text: string): number => [...text.matchAll(/^[\s>*]*[A-Z-]+ \S+ HTTP\/[\d.]+\s*$/gm)].length;
