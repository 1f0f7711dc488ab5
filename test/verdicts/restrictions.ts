/** Cases about what a grant restricts itself to, and what an entitlement demands of it: `net`, `cnf`, `require`, `max_wait`. */
import { randomBytes } from "node:crypto";
import { proofOf } from "../kit/proofs.js";
import { base64url, newSigner } from "../kit/token.js";
import type { Json, World } from "../kit/world.js";
import type { Case, Profile } from "./case.js";

const thumbprint = base64url(randomBytes(32));
/** Letters whose spare bits are not zero: the same bytes to a careless reader. */
const sloppy = `${thumbprint.slice(0, -1)}${String.fromCharCode(thumbprint.charCodeAt(42) + 1)}`;

const holder = newSigner("Ed25519");
const thief = newSigner("Ed25519");

const ENTITLEMENTS: Readonly<Record<string, Json>> = {
  "from-networks": { approvals: [], require: ["net"] },
  bound: { approvals: [], require: ["cnf"] },
  everything: { approvals: [], require: ["net", "incident", "cnf"] },
  waiting: { max_wait: 600 },
  "waiting-an-hour": { max_wait: 3600 },
  "waiting-not": { max_wait: 0 },
};

/** Of a grant that needs no approval. The suite's requests come from 127.0.0.1. */
const alone = (name: string, verdict: string, claims: Json, more: Partial<Case> = {}): Case => ({
  name,
  verdict,
  grant: (w) => w.alone({ claims }),
  ...more,
});
const net = (verdict: string, blocks: unknown, name = JSON.stringify(blocks).slice(0, 80)): Case =>
  alone(`net ${name}`, verdict, { net: blocks });
const cnf = (verdict: string, value: unknown, name: string): Case => alone(`cnf ${name}`, verdict, { cnf: value });

const networks: Case[] = [
  net("allow", ["127.0.0.1/32"]),
  net("allow", ["127.0.0.0/8"]),
  net("allow", ["10.0.0.0/8", "2001:db8::/32", "127.0.0.0/31"]),
  net("allow", ["0.0.0.0/0"]),
  net("allow", ["::/0", "0.0.0.0/1"]),
  net("allow", ["127.0.0.1/32", "127.0.0.1/32"]),
  net("allow", [...Array.from({ length: 15 }, (_, i) => `10.${i}.0.0/16`), "127.0.0.0/8"], "16 of them, the last"),
  net("network", ["127.0.0.2/32"]),
  net("network", ["127.0.0.2/31", "126.0.0.0/8", "128.0.0.0/1"]),
  net("network", ["10.0.0.0/8"]),
  net("network", ["::/0"]),
  net("network", ["::1/128"]),
  net("network", ["::fffe:0:0/95"]),
  net("malformed", []),
  net("malformed", "127.0.0.0/8"),
  net("malformed", null),
  net("malformed", {}),
  net("malformed", [1]),
  net("malformed", [["127.0.0.0/8"]]),
  net("malformed", ["127.0.0.0/8", ""]),
  net(
    "malformed",
    Array.from({ length: 17 }, () => "127.0.0.0/8"),
    "17 of them",
  ),
  ...["127.0.0.1", "127.0.0.1/8", "127.0.0.0/33", "127.0.0.0/08", "127.0.0.00/24", "127.1/16", "0/0", "127.0.0.1/"].map(
    (block) => net("malformed", ["127.0.0.0/8", block]),
  ),
  ...[
    "::ffff:127.0.0.0/104",
    "::ffff:7f00:0/104",
    "::ffff:0:0/96",
    "0::/0",
    "::FFFE:0:0/95",
    "fe80::%lo/64",
    "::1/64",
  ].map((block) => net("malformed", ["127.0.0.0/8", block])),
];

const confirmations: Case[] = [
  cnf("binding_missing", { "x5t#S256": thumbprint }, "of a certificate, and none on the connection"),
  alone(
    "cnf of a key, and the proof of another",
    "binding_mismatch",
    { cnf: { jkt: holder.kid } },
    {
      proof: (grant) => proofOf(thief, { grant }),
    },
  ),
  alone(
    "cnf of a key, and its proof for another URL",
    "proof",
    { cnf: { jkt: holder.kid } },
    {
      proof: (grant) => proofOf(holder, { grant, claims: { htu: "https://api.example.com/orders/8" } }),
    },
  ),
  cnf("malformed", {}, "of nothing"),
  cnf("malformed", { jkt: thumbprint, "x5t#S256": thumbprint }, "of both"),
  cnf("malformed", { kid: thumbprint }, "of a kid"),
  cnf("malformed", { jwk: { kty: "OKP" } }, "of a jwk"),
  cnf("malformed", { jkt: thumbprint, more: 1 }, "with one member more"),
  cnf("malformed", { jkt: thumbprint.slice(1) }, "a letter short"),
  cnf("malformed", { jkt: `${thumbprint}=` }, "with padding"),
  cnf("malformed", { jkt: sloppy }, "with spare bits"),
  cnf("malformed", { "x5t#S256": `${thumbprint}A` }, "a letter long"),
  cnf("malformed", { jkt: "" }, "empty"),
  cnf("malformed", { jkt: 7 }, "as a number"),
  cnf("malformed", { "x5t#S256": randomBytes(32).toString("hex") }, "in hex"),
  cnf("malformed", thumbprint, "as a string"),
  cnf("malformed", [thumbprint], "as a list"),
  cnf("malformed", null, "as null"),
  {
    name: "cnf of the same twice",
    verdict: "malformed",
    grant: (w) => {
      const claims = JSON.stringify(w.claims({ ent: "alone", cnf: { jkt: thumbprint } }));
      return w.alone({ payload: claims.replace('{"jkt":', `{"jkt":"${thumbprint}","jkt":`) });
    },
  },
];

const demands: Case[] = [
  alone("net is demanded, and none is there", "claim_required", { ent: "from-networks" }),
  alone("net is demanded", "allow", { ent: "from-networks", net: ["127.0.0.0/8"] }),
  alone("net is demanded, and another", "network", { ent: "from-networks", net: ["10.0.0.0/8"] }),
  alone("net is demanded, and all of IPv4", "claim_required", { ent: "from-networks", net: ["0.0.0.0/0"] }),
  alone("net is demanded, and all of IPv6", "claim_required", { ent: "from-networks", net: ["::/0"] }),
  alone("net is demanded, and all of IPv6 beside one", "claim_required", {
    ent: "from-networks",
    net: ["127.0.0.0/8", "::/0"],
  }),
  alone("net is demanded, and half of IPv4", "allow", { ent: "from-networks", net: ["0.0.0.0/1"] }),
  alone("cnf is demanded, and none is there", "claim_required", { ent: "bound" }),
  alone("cnf is demanded", "binding_missing", { ent: "bound", cnf: { "x5t#S256": thumbprint } }),
  alone("all is demanded, and none is there", "claim_required", { ent: "everything" }),
  alone("all is demanded, and cnf is missing", "claim_required", {
    ent: "everything",
    incident: "INC-1",
    net: ["127.0.0.0/8"],
  }),
  alone("all is demanded, and the incident is missing", "claim_required", {
    ent: "everything",
    cnf: { jkt: thumbprint },
    net: ["127.0.0.0/8"],
  }),
  alone("all is demanded and there", "binding_missing", {
    ent: "everything",
    incident: "INC-1",
    cnf: { "x5t#S256": thumbprint },
    net: ["127.0.0.0/8"],
  }),
];

/** Two things are wrong, and the first of them is told. */
const order: Case[] = [
  alone("another network, out of scope", "scope_path", { net: ["10.0.0.0/8"] }, { request: { path: "/customers/7" } }),
  alone(
    "another network, out of the entitlement",
    "entitlement_scope",
    { ent: "narrow", net: ["10.0.0.0/8"] },
    { request: { path: "/orders/8" } },
  ),
  alone("another network, and no proof", "network", { net: ["10.0.0.0/8"], cnf: { jkt: thumbprint } }),
  alone("no proof, out of scope", "scope_method", { cnf: { jkt: thumbprint } }, { request: { method: "DELETE" } }),
  alone("no net where it is demanded, for too long", "claim_required", { ent: "from-networks", exp: 9_999_999_999 }),
  alone("no net where it is demanded, another reason", "reason", { ent: "from-networks", reason: "curiosity" }),
];

type Approvals = (w: World) => { by: World["adam"]; ago: number }[];
/** A grant asked for `ago` seconds ago, for `life` seconds, with approvals of then. */
const waited = (
  name: string,
  verdict: string,
  ago: number,
  life: number,
  approvals: Approvals,
  ent = "waiting",
): Case => ({
  name,
  verdict,
  grant: (w) =>
    w.grant({
      claims: { ent, iat: w.now - ago, exp: w.now - ago + life },
      approvals: approvals(w).map(({ by, ago: seconds }) => ({ by, iat: w.now - seconds })),
    }),
});

const waits: Case[] = [
  waited("as long as wait and life together", "allow", 1, 1500, (w) => [
    { by: w.adam2, ago: 0 },
    { by: w.anna, ago: 0 },
  ]),
  waited("a second longer than wait and life together", "ttl", 1, 1501, (w) => [
    { by: w.adam2, ago: 0 },
    { by: w.anna, ago: 0 },
  ]),
  waited(
    "an hour of waiting",
    "allow",
    3590,
    4500,
    (w) => [
      { by: w.adam2, ago: 3580 },
      { by: w.anna, ago: 5 },
    ],
    "waiting-an-hour",
  ),
  waited(
    "a second longer than max_ttl where nothing may be waited for",
    "ttl",
    1,
    901,
    (w) => [
      { by: w.adam2, ago: 0 },
      { by: w.anna, ago: 0 },
    ],
    "waiting-not",
  ),
  waited("the quorum came late, and its life is not over", "allow", 1000, 1500, (w) => [
    { by: w.adam2, ago: 950 },
    { by: w.anna, ago: 500 },
  ]),
  waited("the quorum came early, and its life is over", "expired", 1000, 1500, (w) => [
    { by: w.adam2, ago: 960 },
    { by: w.anna, ago: 910 },
  ]),
  waited("a later approval that was not needed does not begin it anew", "expired", 1000, 1500, (w) => [
    { by: w.adam2, ago: 960 },
    { by: w.anna, ago: 910 },
    { by: w.alex, ago: 10 },
  ]),
  waited("nor does it in another order", "expired", 1000, 1500, (w) => [
    { by: w.alex, ago: 10 },
    { by: w.anna, ago: 910 },
    { by: w.adam2, ago: 960 },
  ]),
  waited("the quorum is searched, so an early one is not passed over", "expired", 1000, 1500, (w) => [
    { by: w.anna, ago: 960 }, // security or lead: she is moved to the seat that nobody else fills
    { by: w.alex, ago: 950 }, // lead
    { by: w.bot, ago: 10 }, // security
  ]),
  waited("one who fills no seat begins nothing", "allow", 1000, 1500, (w) => [
    { by: w.crowd[0] ?? w.adam, ago: 990 },
    { by: w.adam2, ago: 980 },
    { by: w.anna, ago: 20 },
  ]),
  waited("past its life, and an approval short", "quorum", 1000, 1500, (w) => [{ by: w.anna, ago: 960 }]),
  waited("past exp, and its quorum just made", "expired", 1000, 990, (w) => [
    { by: w.adam2, ago: 20 },
    { by: w.anna, ago: 20 },
  ]),
  {
    name: "past its life, and forged",
    verdict: "expired",
    grant: (w) =>
      w.grant({
        claims: { ent: "waiting", iat: w.now - 1000, exp: w.now + 500 },
        approvals: [
          { by: w.stranger, header: { kid: w.adam2.kid }, iat: w.now - 960 },
          { by: w.anna, iat: w.now - 910 },
        ],
      }),
  },
];

export const restrictions: Profile = {
  name: "restrictions",
  configuration: (w) => {
    const claims = w.bundleClaims();
    const given = Array.isArray(claims.entitlements) ? claims.entitlements : [];
    const more = Object.entries(ENTITLEMENTS).map(([id, changes]) => w.entitlement(id, changes));
    return w.configuration({ bundle: { ...claims, entitlements: [...given, ...more] } });
  },
  cases: [...networks, ...confirmations, ...demands, ...order, ...waits],
};
