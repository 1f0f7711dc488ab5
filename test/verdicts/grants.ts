/** Cases about the grant itself: structure, headers, keys, times, signatures, rules, quorum. */
import { base64url, compact, detached, knownSigner, newSigner, payloadSegmentOf, segment } from "../kit/token.js";
import type { World } from "../kit/world.js";
import type { Case } from "./case.js";

/** Changes the last letter before `position` to another, keeping base64url canonical by touching a middle letter. */
function flip(text: string, position: number): string {
  return `${text.slice(0, position)}${text[position] === "A" ? "B" : "A"}${text.slice(position + 1)}`;
}

const parts = (text: string): [string, string, string] => {
  const [a = "", b = "", c = ""] = text.split(".");
  return [a, b, c];
};
const rawJson = (w: World, change: (text: string) => string): string =>
  change(JSON.stringify(w.claims({ ent: "alone" })));
const aloneRaw = (w: World, change: (text: string) => string): string => w.alone({ payload: rawJson(w, change) });

/** A denial before the requester's signature held, for a reason that depends on the roster. */
const untold = (name: string, verdict: string, grant: Case["grant"]): Case => ({
  name,
  verdict,
  told: "signature",
  grant,
});

const good: Case[] = [
  { name: "two approvals", verdict: "allow", grant: (w) => w.grant() },
  {
    name: "approvals in the other order",
    verdict: "allow",
    grant: (w) => w.grant({ approvals: [{ by: w.anna }, { by: w.adam }] }),
  },
  {
    name: "ES256 everywhere it can be",
    verdict: "allow",
    grant: (w) => w.grant({ by: w.rita2, approvals: [{ by: w.adam }, { by: w.anna }] }),
  },
  { name: "EdDSA is read as Ed25519", verdict: "allow", grant: (w) => w.alone({ header: { alg: "EdDSA" } }) },
  { name: "aud as an array", verdict: "allow", grant: (w) => w.alone({ claims: { aud: ["other", "test"] } }) },
  {
    name: "header members in another order",
    verdict: "allow",
    grant: (w) => compact(`{"typ":"bg+jwt","kid":"${w.rita.kid}","alg":"Ed25519"}`, w.claims({ ent: "alone" }), w.rita),
  },
  {
    name: "names spelled with escapes",
    verdict: "allow",
    grant: (w) => aloneRaw(w, (text) => text.replace('"sub"', '"\\u0073ub"').replace('"rita"', '"r\\u0069ta"')),
  },
  {
    name: "white space in the payload",
    verdict: "allow",
    grant: (w) => aloneRaw(w, (text) => ` ${text.replaceAll(",", " ,\n\t")} \r\n`),
  },
  {
    name: "an approval that fills no slot is ignored",
    verdict: "allow",
    grant: (w) => w.grant({ approvals: [{ by: w.adam }, { by: w.anna }, { by: w.crowd[0] ?? w.adam }] }),
  },
  {
    name: "a quorum that a greedy search would miss",
    verdict: "allow",
    grant: (w) => w.grant({ approvals: [{ by: w.anna }, { by: w.alex }] }),
  },
  {
    name: "a role held for a time, now",
    verdict: "allow",
    grant: (w) => w.grant({ approvals: [{ by: w.temp }, { by: w.anna }] }),
  },
  {
    name: "the second key of an approver",
    verdict: "allow",
    grant: (w) => w.grant({ approvals: [{ by: w.adam2 }, { by: w.anna }] }),
  },
  {
    name: "eight approvals",
    verdict: "allow",
    grant: (w) => w.grant({ claims: { ent: "everyone" }, approvals: w.crowd.slice(0, 8).map((by) => ({ by })) }),
  },
  {
    name: "an incident where one is demanded",
    verdict: "allow",
    grant: (w) => w.alone({ claims: { ent: "ticket", incident: "INC-7" } }),
  },
  {
    name: "a drill on a drill's entitlement",
    verdict: "allow",
    grant: (w) => w.alone({ claims: { ent: "drill", drill: "d-1", reason: "drill" } }),
  },
  {
    name: "iat within the leeway ahead",
    verdict: "allow",
    grant: (w) => w.alone({ claims: { iat: w.now + 4, exp: w.now + 600 } }),
  },
  {
    name: "an approval a little before iat",
    verdict: "allow",
    grant: (w) => w.grant({ approvals: [{ by: w.adam, iat: w.now - 5 }, { by: w.anna }] }),
  },
  { name: "8192 bytes", verdict: "allow", grant: (w) => sized(w, 8192) },
  {
    name: "an empty query, many details",
    verdict: "allow",
    grant: (w) =>
      w.alone({ claims: { authorization_details: [w.detail({ locations: ["no.example.com"] }), w.detail()] } }),
  },
];

/** A grant of exactly that many bytes: paths of the right number and length, and ES256 or text to fill. */
function sized(w: World, bytes: number): string {
  for (let filler = 0; filler < 1000; filler++) {
    for (const extra of [0, 1, 2]) {
      const paths = [
        "/orders/*",
        ...Array.from({ length: 5 }, (_, i) => `/orders/${"x".repeat(i < 4 ? 1000 : 900)}${i}`),
      ];
      const claims = {
        ent: "alone",
        text: `${"y".repeat(1 + filler)}`,
        incident: "z".repeat(1 + extra),
        authorization_details: [w.detail({ paths })],
      };
      const length = compactLength(w, claims);
      if (length === bytes) return w.alone({ claims });
      if (length > bytes + 8) throw new Error(`cannot make ${bytes} bytes: ${length}`);
    }
  }
  throw new Error(`cannot make ${bytes} bytes`);
}

function compactLength(w: World, claims: Record<string, unknown>): number {
  const payload = JSON.stringify(w.claims(claims));
  const header = segment({ alg: w.rita.alg, kid: w.rita.kid, typ: "bg+jwt" });
  return header.length + 1 + Math.ceil((Buffer.byteLength(payload) * 4) / 3) + 1 + 86;
}

const BAD_PATTERNS: readonly string[] = [
  ...["orders", "/a//b", "/a/../b", "/a/**/b", "/a*", "/%2e", "/a;b", "/%41", "/a?b", "/a b", "/\u00e9", "/a%zz"],
  // Escapes of structure or of nothing worth one, and such as are no UTF-8: cut short, overlong, surrogates, beyond U+10FFFF.
  ...["%3f", "%3F", "%23", "%7f", "%7e", "%2d", "%ff", "%c3", "%c3x", "%a9", "%c3%28", "%c0%ae", "%c1%bf", "%e0%80%af"],
  ...["%ed%a0%80", "%f0%80%80%af", "%f4%90%80%80", "%f8%88%80%80%80", "%e2%82", "%c3%a9%a9"],
].map((path) => (path.startsWith("%") ? `/a${path}/*` : path));

const structure: Case[] = [
  { name: "an empty header", verdict: "malformed", grant: () => "" },
  { name: "a word", verdict: "malformed", grant: () => "hello" },
  { name: "only dots", verdict: "malformed", grant: () => ".." },
  { name: "8194 bytes (8193 cannot be spelled)", verdict: "too_large", grant: (w) => sized(w, 8194) },
  { name: "two headers", verdict: "duplicate_header", grant: (w) => [w.grant(), w.grant()] },
  { name: "two headers, one empty", verdict: "duplicate_header", grant: (w) => [w.grant(), ""] },
  {
    name: "nine approvals",
    verdict: "malformed",
    grant: (w) => w.grant({ claims: { ent: "everyone" }, approvals: w.crowd.map((by) => ({ by })) }),
  },
  { name: "a trailing tilde", verdict: "malformed", grant: (w) => `${w.grant()}~` },
  {
    name: "an attached approval",
    verdict: "malformed",
    grant: (w) => {
      const grant = w.alone();
      return `${grant}~${compact({ alg: w.adam.alg, kid: w.adam.kid, typ: "bg-approval+jws", iat: w.now }, "{}", w.adam)}`;
    },
  },
  {
    name: "a detached request",
    verdict: "malformed",
    grant: (w) => {
      const [header, , signature] = parts(w.alone());
      return `${header}..${signature}`;
    },
  },
  { name: "the ask itself", verdict: "malformed", grant: (w) => w.alone({ header: { typ: "bg-ask+jwt" } }) },
  { name: "typ JWT", verdict: "malformed", grant: (w) => w.alone({ header: { typ: "JWT" } }) },
  { name: "no typ", verdict: "malformed", grant: (w) => w.alone({ header: { typ: undefined } }) },
  { name: "no kid", verdict: "malformed", grant: (w) => w.alone({ header: { kid: undefined } }) },
  { name: "no alg", verdict: "malformed", grant: (w) => w.alone({ header: { alg: undefined } }) },
  { name: "crit", verdict: "malformed", grant: (w) => w.alone({ header: { crit: ["b64"], b64: false } }) },
  {
    name: "an unknown header member",
    verdict: "malformed",
    grant: (w) => w.alone({ header: { jku: "https://evil.example.com" } }),
  },
  {
    name: "a header member twice",
    verdict: "malformed",
    grant: (w) =>
      compact(
        `{"alg":"Ed25519","alg":"Ed25519","kid":"${w.rita.kid}","typ":"bg+jwt"}`,
        w.claims({ ent: "alone" }),
        w.rita,
      ),
  },
  {
    name: "an approval without iat",
    verdict: "malformed",
    grant: (w) => w.grant({ approvals: [{ by: w.adam, header: { iat: undefined } }, { by: w.anna }] }),
  },
  {
    name: "an approval with the request's typ",
    verdict: "malformed",
    grant: (w) => w.grant({ approvals: [{ by: w.adam, header: { typ: "bg+jwt" } }, { by: w.anna }] }),
  },
  {
    name: "a bundle approval as approval",
    verdict: "malformed",
    grant: (w) => w.grant({ approvals: [{ by: w.adam, header: { typ: "bg-bundle-approval+jws" } }, { by: w.anna }] }),
  },
  { name: "padding", verdict: "malformed", grant: (w) => w.alone().replace(".", "=.") },
  {
    name: "spare bits in the signature",
    verdict: "malformed",
    grant: (w) => {
      const grant = w.alone();
      const last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".indexOf(grant.at(-1) ?? "A");
      return `${grant.slice(0, -1)}${"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last | 1] ?? ""}`;
    },
  },
  {
    name: "standard base64 alphabet",
    verdict: "malformed",
    grant: (w) => {
      const [header, payload, signature] = parts(w.alone());
      return `${header}.${payload}.${signature.slice(0, 40)}+${signature.slice(41)}`;
    },
  },
  { name: "a signature of 63 octets", verdict: "malformed", grant: (w) => w.alone().slice(0, -2) },
  {
    name: "a signature in DER",
    verdict: "malformed",
    grant: (w) => `${w.alone().split(".").slice(0, 2).join(".")}.${base64url(Buffer.alloc(70, 0x30))}`,
  },
  { name: "an unknown claim", verdict: "malformed", grant: (w) => w.alone({ claims: { nbf: w.now } }) },
  {
    name: "a claim twice",
    verdict: "malformed",
    grant: (w) => aloneRaw(w, (text) => text.replace('"sub":"rita"', '"sub":"rita","sub":"rita"')),
  },
  {
    name: "a claim twice, once with escapes",
    verdict: "malformed",
    grant: (w) => aloneRaw(w, (text) => text.replace('"sub":"rita"', '"sub":"rita","s\\u0075b":"anna"')),
  },
  {
    name: "exp as a fraction",
    verdict: "malformed",
    grant: (w) => aloneRaw(w, (text) => text.replace(/"exp":(\d+)/, '"exp":$1.5')),
  },
  {
    name: "exp with an exponent",
    verdict: "malformed",
    grant: (w) => aloneRaw(w, (text) => text.replace(/"exp":\d+/, '"exp":1e300')),
  },
  {
    name: "exp as a string",
    verdict: "malformed",
    grant: (w) => aloneRaw(w, (text) => text.replace(/"exp":(\d+)/, '"exp":"$1"')),
  },
  {
    name: "exp beyond 2^53",
    verdict: "malformed",
    grant: (w) => w.alone({ payload: rawJson(w, (text) => text.replace(/"exp":\d+/, '"exp":9007199254740992')) }),
  },
  {
    name: "a negative iat",
    verdict: "malformed",
    grant: (w) => aloneRaw(w, (text) => text.replace(/"iat":/, '"iat":-')),
  },
  {
    name: "a leading zero",
    verdict: "malformed",
    grant: (w) => aloneRaw(w, (text) => text.replace(/"iat":/, '"iat":0')),
  },
  { name: "exp equal to iat", verdict: "malformed", grant: (w) => w.alone({ claims: { exp: w.now } }) },
  {
    name: "invalid UTF-8",
    verdict: "malformed",
    grant: (w) => {
      const payload = base64url(
        Buffer.from(JSON.stringify(w.claims({ ent: "alone", text: "Z" })).replace('"Z"', '"\x80"'), "latin1"),
      );
      const input = `${segment({ alg: "Ed25519", kid: w.rita.kid, typ: "bg+jwt" })}.${payload}`;
      return `${input}.${base64url(w.rita.sign(Buffer.from(input)))}`;
    },
  },
  {
    name: "a lone surrogate",
    verdict: "malformed",
    grant: (w) => aloneRaw(w, (text) => text.replace("loop", "\\ud83d")),
  },
  { name: "a raw control byte", verdict: "malformed", grant: (w) => aloneRaw(w, (text) => text.replace("\\n", "\n")) },
  { name: "a byte order mark", verdict: "malformed", grant: (w) => aloneRaw(w, (text) => `\ufeff${text}`) },
  { name: "text of 1001 bytes", verdict: "malformed", grant: (w) => w.alone({ claims: { text: "x".repeat(1001) } }) },
  { name: "an empty text", verdict: "malformed", grant: (w) => w.alone({ claims: { text: "" } }) },
  { name: "a short jti", verdict: "malformed", grant: (w) => w.alone({ claims: { jti: "short" } }) },
  { name: "no jti", verdict: "malformed", grant: (w) => w.alone({ claims: { jti: undefined } }) },
  {
    name: "no authorization_details",
    verdict: "malformed",
    grant: (w) => w.alone({ claims: { authorization_details: undefined } }),
  },
  {
    name: "empty authorization_details",
    verdict: "malformed",
    grant: (w) => w.alone({ claims: { authorization_details: [] } }),
  },
  {
    name: "another type of detail",
    verdict: "malformed",
    grant: (w) => w.alone({ claims: { authorization_details: [w.detail({ type: "payment" })] } }),
  },
  {
    name: "a detail with one more member",
    verdict: "malformed",
    grant: (w) => w.alone({ claims: { authorization_details: [w.detail({ datatypes: [] })] } }),
  },
  {
    name: "a grant for any host",
    verdict: "malformed",
    grant: (w) => w.alone({ claims: { ent: "wide", authorization_details: [w.detail({ locations: ["*"] })] } }),
  },
  {
    name: "a grant for any method",
    verdict: "malformed",
    grant: (w) => w.alone({ claims: { ent: "wide", authorization_details: [w.detail({ actions: ["*"] })] } }),
  },
  {
    name: "an upper-case host",
    verdict: "malformed",
    grant: (w) => w.alone({ claims: { authorization_details: [w.detail({ locations: ["API.example.com"] })] } }),
  },
  ...BAD_PATTERNS.map(
    (path): Case => ({
      name: `the pattern ${path}`,
      verdict: "malformed",
      grant: (w) => w.alone({ claims: { authorization_details: [w.detail({ paths: ["/orders/*", path] })] } }),
    }),
  ),
];

const keys: Case[] = [
  { name: "alg none", verdict: "algorithm", grant: (w) => w.alone({ header: { alg: "none" } }) },
  { name: "alg HS256", verdict: "algorithm", grant: (w) => w.alone({ header: { alg: "HS256" } }) },
  untold("alg of another key type", "algorithm", (w) => w.alone({ header: { alg: "ES256" } })),
  {
    name: "an approval's alg of another key type",
    verdict: "algorithm",
    grant: (w) => w.grant({ approvals: [{ by: w.adam, header: { alg: "Ed25519" } }, { by: w.anna }] }),
  },
  {
    name: "an approval with alg none",
    verdict: "algorithm",
    grant: (w) => w.grant({ approvals: [{ by: w.adam, header: { alg: "none" } }, { by: w.anna }] }),
  },
  {
    name: "a stranger's approval with alg none",
    verdict: "algorithm",
    grant: (w) => w.grant({ approvals: [{ by: w.stranger, header: { alg: "none" } }, { by: w.anna }] }),
  },
  untold("a stranger's request", "key_unknown", (w) => w.alone({ by: w.stranger })),
  untold("a stranger's request, ES256", "key_unknown", (w) => w.alone({ by: newSigner("ES256") })),
  untold("a kid that is no thumbprint", "key_unknown", (w) => w.alone({ header: { kid: "" } })),
  untold("signed by the key that is tried in place of an unknown one", "key_unknown", (w) =>
    w.alone({ by: knownSigner }),
  ),
  {
    name: "a stranger's approval",
    verdict: "key_unknown",
    grant: (w) => w.grant({ approvals: [{ by: w.adam }, { by: w.anna }, { by: w.stranger }] }),
  },
  {
    name: "a root's approval",
    verdict: "key_unknown",
    grant: (w) => w.grant({ approvals: [{ by: w.adam }, { by: w.roots[0] }] }),
  },
  untold("a key whose window has not begun", "key_not_valid", (w) => w.alone({ by: w.late, claims: { sub: "late" } })),
  untold("a key past its window", "key_not_valid", (w) => w.alone({ by: w.gone, claims: { sub: "gone" } })),
  {
    name: "an approver's key past its window",
    verdict: "key_not_valid",
    grant: (w) => w.grant({ approvals: [{ by: w.gone }, { by: w.anna }] }),
  },
  {
    name: "an approval before its key's window",
    verdict: "key_not_valid",
    grant: (w) =>
      w.grant({
        claims: { iat: w.now - 600, exp: w.now + 300 },
        approvals: [{ by: w.adam, iat: w.now - 590 }, { by: w.anna }],
      }),
  },
  { name: "another principal's key", verdict: "key_owner", grant: (w) => w.alone({ by: w.anna }) },
  { name: "the requester's other account's key", verdict: "key_owner", grant: (w) => w.alone({ by: w.ritaAdmin }) },
];

const times: Case[] = [
  // What depends on the grant and the gateway alone comes before the key: it is the same for known and unknown ones.
  {
    name: "a stranger's, expired",
    verdict: "expired",
    grant: (w) => w.alone({ by: w.stranger, claims: { iat: w.now - 100, exp: w.now - 1 } }),
  },
  {
    name: "a stranger's, from the future",
    verdict: "not_yet_valid",
    grant: (w) => w.alone({ by: w.stranger, claims: { iat: w.now + 600, exp: w.now + 1200 } }),
  },
  {
    name: "a stranger's, for another environment",
    verdict: "audience",
    grant: (w) => w.alone({ by: w.stranger, claims: { aud: "staging" } }),
  },
  {
    name: "a key past its window, for another environment",
    verdict: "audience",
    grant: (w) => w.alone({ by: w.gone, claims: { aud: "staging" } }),
  },
  {
    name: "another algorithm than the key's, expired",
    verdict: "expired",
    grant: (w) => w.alone({ header: { alg: "ES256" }, claims: { iat: w.now - 100, exp: w.now - 1 } }),
  },
  {
    name: "alg none, expired",
    verdict: "algorithm",
    grant: (w) => w.alone({ header: { alg: "none" }, claims: { iat: w.now - 100, exp: w.now - 1 } }),
  },
  { name: "another environment", verdict: "audience", grant: (w) => w.alone({ claims: { aud: "staging" } }) },
  {
    name: "another environment, and this one's name in the claim behind aud",
    verdict: "audience",
    grant: (w) => w.alone({ claims: { aud: ["staging"], ent: "test" } }),
  },
  {
    name: "iat beyond the leeway",
    verdict: "not_yet_valid",
    grant: (w) => w.alone({ claims: { iat: w.now + 600, exp: w.now + 1200 } }),
  },
  { name: "expired", verdict: "expired", grant: (w) => w.alone({ claims: { iat: w.now - 100, exp: w.now - 1 } }) },
  {
    name: "expired this second",
    verdict: "expired",
    grant: (w) => w.alone({ claims: { iat: w.now - 100, exp: w.now } }),
  },
  {
    name: "minted long ago with a far exp",
    verdict: "ttl",
    grant: (w) => w.alone({ claims: { iat: w.now - 10_000, exp: w.now + 600 } }),
  },
  { name: "one second over max_ttl", verdict: "ttl", grant: (w) => w.alone({ claims: { exp: w.now + 901 } }) },
  { name: "exactly max_ttl", verdict: "allow", grant: (w) => w.alone({ claims: { exp: w.now + 900 } }) },
  {
    name: "an approval long before the ask",
    verdict: "not_yet_valid",
    grant: (w) => w.grant({ approvals: [{ by: w.adam, iat: w.now - 60 }, { by: w.anna }] }),
  },
  {
    name: "an approval from the future",
    verdict: "not_yet_valid",
    grant: (w) => w.grant({ approvals: [{ by: w.adam, iat: w.now + 600 }, { by: w.anna }] }),
  },
];

const signatures: Case[] = [
  {
    name: "a payload changed after signing",
    verdict: "signature",
    grant: (w) => {
      const [header, payload, signature] = parts(w.alone());
      const claims = Buffer.from(payload, "base64url").toString("utf8").replace("/orders/*", "/admin/**");
      return `${header}.${segment(claims)}.${signature}`;
    },
  },
  {
    name: "a flipped bit of the signature",
    verdict: "signature",
    grant: (w) => {
      const [header, payload, signature] = parts(w.alone());
      return `${header}.${payload}.${flip(signature, 20)}`;
    },
  },
  {
    name: "signed by another key under this kid",
    verdict: "signature",
    grant: (w) => w.alone({ by: w.stranger, header: { kid: w.rita.kid } }),
  },
  {
    name: "the ask's signature under a grant's header",
    verdict: "signature",
    grant: (w) => {
      const payload = segment(w.claims({ ent: "alone" }));
      const asked = compact(
        { alg: "Ed25519", kid: w.rita.kid, typ: "bg-ask+jwt" },
        Buffer.from(payload, "base64url").toString("utf8"),
        w.rita,
      );
      return `${segment({ alg: "Ed25519", kid: w.rita.kid, typ: "bg+jwt" })}.${payload}.${asked.split(".")[2]}`;
    },
  },
  {
    name: "a zero signature",
    verdict: "signature",
    grant: (w) => `${w.alone().split(".").slice(0, 2).join(".")}.${base64url(new Uint8Array(64))}`,
  },
  {
    name: "an approval of other claims",
    verdict: "approval_signature",
    grant: (w) => w.grant({ approvals: [{ by: w.adam, payload: segment(w.claims()) }, { by: w.anna }] }),
  },
  {
    name: "an approver's kid on another's signature",
    verdict: "approval_signature",
    grant: (w) =>
      w.grant({ approvals: [{ by: w.stranger, header: { alg: "Ed25519", kid: w.adam2.kid } }, { by: w.anna }] }),
  },
  {
    name: "an ignored approval must verify all the same",
    verdict: "approval_signature",
    grant: (w) => w.grant({ approvals: [{ by: w.adam }, { by: w.anna }, { by: w.alex, payload: segment("{}") }] }),
  },
  {
    name: "an approval by the requester's signature bytes",
    verdict: "approval_signature",
    grant: (w) => {
      const request = w.grant({ approvals: [] });
      const approval = detached(
        { alg: w.adam.alg, kid: w.adam.kid, typ: "bg-approval+jws", iat: w.now },
        payloadSegmentOf(request),
        w.rita,
      );
      return `${request}~${approval}~${w.approve(payloadSegmentOf(request), { by: w.anna })}`;
    },
  },
];

const rules: Case[] = [
  {
    name: "an unknown entitlement",
    verdict: "entitlement_unknown",
    grant: (w) => w.alone({ claims: { ent: "nope" } }),
  },
  {
    name: "a requester without the role",
    verdict: "requester",
    grant: (w) => w.alone({ by: w.anna, claims: { sub: "anna" } }),
  },
  {
    name: "a role that has ended",
    verdict: "requester",
    grant: (w) => w.alone({ by: w.temp, claims: { sub: "temp" } }),
  },
  { name: "a drill on a real entitlement", verdict: "requester", grant: (w) => w.alone({ claims: { drill: "d-1" } }) },
  {
    name: "a real grant on a drill's entitlement",
    verdict: "requester",
    grant: (w) => w.alone({ claims: { ent: "drill" } }),
  },
  { name: "another reason", verdict: "reason", grant: (w) => w.alone({ claims: { reason: "curiosity" } }) },
  {
    name: "the role that stands behind an entitlement's reasons, for a reason",
    verdict: "reason",
    grant: (w) => w.grant({ claims: { reason: "lead" } }),
  },
  {
    name: "no incident where one is demanded",
    verdict: "claim_required",
    grant: (w) => w.alone({ claims: { ent: "ticket" } }),
  },
  {
    name: "the requester approves himself",
    verdict: "self_approval",
    grant: (w) => w.grant({ approvals: [{ by: w.rita }, { by: w.anna }] }),
  },
  {
    name: "the requester's other account approves",
    verdict: "self_approval",
    grant: (w) => w.grant({ approvals: [{ by: w.adam }, { by: w.ritaAdmin }] }),
  },
  {
    name: "the requester's other key approves",
    verdict: "self_approval",
    grant: (w) => w.grant({ approvals: [{ by: w.rita2 }, { by: w.anna }] }),
  },
  {
    name: "one person twice, with two keys",
    verdict: "duplicate_approval",
    grant: (w) => w.grant({ approvals: [{ by: w.adam }, { by: w.adam2 }] }),
  },
  {
    name: "a person and his machine",
    verdict: "duplicate_approval",
    grant: (w) => w.grant({ approvals: [{ by: w.adam }, { by: w.bot }] }),
  },
  {
    name: "the same approval twice",
    verdict: "duplicate_approval",
    grant: (w) => {
      const grant = w.grant();
      return `${grant}~${grant.split("~")[1]}`;
    },
  },
  { name: "no approval", verdict: "quorum", grant: (w) => w.grant({ approvals: [] }) },
  { name: "one approval short", verdict: "quorum", grant: (w) => w.grant({ approvals: [{ by: w.anna }] }) },
  {
    name: "two of the same role",
    verdict: "quorum",
    grant: (w) => w.grant({ approvals: [{ by: w.adam }, { by: w.alex }] }),
  },
  {
    name: "a role ended when approving now",
    verdict: "quorum",
    grant: (w) =>
      w.grant({ claims: { iat: w.now - 300 }, approvals: [{ by: w.temp, iat: w.now - 200 }, { by: w.bot }] }),
  },
  {
    name: "seven of eight",
    verdict: "quorum",
    grant: (w) => w.grant({ claims: { ent: "everyone" }, approvals: w.crowd.slice(0, 7).map((by) => ({ by })) }),
  },
];

/** Two things are wrong, and the first of them is told (docs/request.md). */
const order: Case[] = [
  { name: "two headers, one too large", verdict: "duplicate_header", grant: (w) => ["", sized(w, 8194)] },
  {
    name: "too large, on an ambiguous path",
    verdict: "too_large",
    grant: (w) => sized(w, 8194),
    request: { path: "/orders/7;v=1" },
  },
  {
    name: "expired, for another environment",
    verdict: "expired",
    grant: (w) => w.alone({ claims: { iat: w.now - 100, exp: w.now - 1, aud: "staging" } }),
  },
  {
    name: "from the future, for another environment",
    verdict: "not_yet_valid",
    grant: (w) => w.alone({ claims: { iat: w.now + 600, exp: w.now + 1200, aud: "staging" } }),
  },
  {
    name: "an approval that is none, from the future",
    verdict: "malformed",
    grant: (w) => `${w.alone({ claims: { iat: w.now + 600, exp: w.now + 1200 } })}~x`,
  },
  {
    name: "for another environment, by a key of nobody",
    verdict: "audience",
    grant: (w) => w.alone({ by: w.stranger, claims: { aud: "staging" } }),
  },
  {
    name: "of another algorithm than the key's, and too early for it",
    verdict: "algorithm",
    told: "signature",
    grant: (w) => w.alone({ by: w.late, header: { alg: "ES256" }, claims: { sub: "late" } }),
  },
  {
    name: "too early for the key, and forged",
    verdict: "key_not_valid",
    told: "signature",
    grant: (w) => w.alone({ by: w.stranger, header: { kid: w.late.kid }, claims: { sub: "late" } }),
  },
  {
    name: "forged, for another principal and an unknown entitlement",
    verdict: "signature",
    told: "signature",
    grant: (w) => w.alone({ by: w.stranger, header: { kid: w.rita.kid }, claims: { sub: "anna", ent: "nope" } }),
  },
  {
    name: "another reason, approved by a key of nobody",
    verdict: "reason",
    grant: (w) => w.grant({ claims: { reason: "curiosity" }, approvals: [{ by: w.stranger }] }),
  },
  {
    name: "another principal's key, for an unknown entitlement",
    verdict: "key_owner",
    grant: (w) => w.alone({ by: w.anna, claims: { ent: "nope" } }),
  },
  {
    name: "a requester without the role, with another reason",
    verdict: "requester",
    grant: (w) => w.alone({ by: w.anna, claims: { sub: "anna", reason: "curiosity" } }),
  },
  {
    name: "a drill on a real entitlement, with another reason",
    verdict: "requester",
    grant: (w) => w.alone({ claims: { drill: "d-1", reason: "curiosity" } }),
  },
  {
    name: "another reason, no incident",
    verdict: "reason",
    grant: (w) => w.alone({ claims: { ent: "ticket", reason: "curiosity" } }),
  },
  {
    name: "no incident, for too long",
    verdict: "claim_required",
    grant: (w) => w.alone({ claims: { ent: "ticket", exp: w.now + 901 } }),
  },
  {
    name: "another reason, for too long",
    verdict: "reason",
    grant: (w) => w.alone({ claims: { reason: "curiosity", exp: w.now + 901 } }),
  },
  {
    name: "for too long, and the requester approves himself",
    verdict: "ttl",
    grant: (w) => w.grant({ claims: { exp: w.now + 901 }, approvals: [{ by: w.rita }] }),
  },
  {
    name: "the requester approves twice",
    verdict: "self_approval",
    grant: (w) => w.grant({ approvals: [{ by: w.rita }, { by: w.ritaAdmin }] }),
  },
  {
    name: "one approval short, and that one forged",
    verdict: "quorum",
    grant: (w) => w.grant({ approvals: [{ by: w.stranger, header: { kid: w.anna.kid } }] }),
  },
  {
    name: "a forged approval, out of scope",
    verdict: "approval_signature",
    grant: (w) => w.grant({ approvals: [{ by: w.stranger, header: { kid: w.anna.kid } }, { by: w.adam2 }] }),
    request: { path: "/customers/7" },
  },
  {
    name: "outside the grant and outside the entitlement",
    verdict: "scope_path",
    grant: (w) => w.alone({ claims: { ent: "narrow" } }),
    request: { path: "/customers/7" },
  },
];

export const grantCases: readonly Case[] = [
  ...good,
  ...structure,
  ...keys,
  ...times,
  ...signatures,
  ...rules,
  ...order,
];
