/** The people and rules that the tests play with. Everything can be bent: claims, headers, signatures, bytes. */
import { randomBytes } from "node:crypto";
import { compact, detached, newSigner, payloadSegmentOf, type Signer } from "./token.js";

export const HOST = "api.example.com";
export type Json = Readonly<Record<string, unknown>>;

export interface ApprovalSpec {
  readonly by: Signer;
  readonly iat?: number;
  /** Replaces members of the header; `undefined` removes one. */
  readonly header?: Json;
  /** Signs this payload segment instead of the request's. */
  readonly payload?: string;
}

export interface GrantSpec {
  /** Replaces claims; `undefined` removes one. */
  readonly claims?: Json;
  /** The payload's text as it is, instead of claims. */
  readonly payload?: string;
  readonly by?: Signer;
  readonly header?: Json;
  readonly approvals?: readonly ApprovalSpec[];
}

export interface ConfigurationSpec {
  readonly bundle?: Json | null;
  readonly roots?: readonly Signer[];
  readonly signedBy?: readonly Signer[];
  readonly configuration?: Json;
}

function without(json: Json): Json {
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));
}

const detail = (changes: Json = {}): Json => ({
  type: "break_glass_http",
  locations: [HOST],
  actions: ["GET", "POST"],
  paths: ["/orders/*"],
  ...changes,
});

export class World {
  readonly roots = [newSigner("Ed25519"), newSigner("ES256"), newSigner("Ed25519")] as const;
  /** rita and rita-admin are one person; bot is owned by adam. */
  readonly rita = newSigner("Ed25519");
  readonly rita2 = newSigner("ES256");
  readonly ritaAdmin = newSigner("Ed25519");
  readonly adam = newSigner("ES256");
  readonly adam2 = newSigner("Ed25519");
  readonly anna = newSigner("Ed25519");
  readonly alex = newSigner("ES256");
  readonly bot = newSigner("Ed25519");
  readonly temp = newSigner("Ed25519");
  readonly late = newSigner("Ed25519");
  readonly gone = newSigner("Ed25519");
  readonly crowd = Array.from({ length: 9 }, () => newSigner("Ed25519"));
  readonly stranger = newSigner("Ed25519");
  private version = Date.now();

  constructor(readonly now: number) {}

  bundleClaims(changes: Json = {}): Json {
    const { now } = this;
    const principal = (id: string, roles: unknown[], keys: Json[], more: Json = {}): Json => ({
      id,
      roles,
      keys,
      ...more,
    });
    this.version += 1;
    return without({
      schema: 1,
      version: this.version,
      iat: now - 60,
      exp: now + 86_400,
      aud: ["test", "staging"],
      principals: [
        principal("rita", ["oncall"], [this.rita.jwk, { ...this.rita2.jwk, alg: "ES256" }]),
        principal("rita-admin", ["lead", "security"], [this.ritaAdmin.jwk], { person: "rita" }),
        principal("adam", ["lead"], [{ ...this.adam.jwk, nbf: now - 500, exp: now + 5000 }, this.adam2.jwk]),
        principal("anna", ["security", "lead"], [this.anna.jwk]),
        principal("alex", ["lead"], [this.alex.jwk]),
        principal("bot", ["security"], [this.bot.jwk], { person: "adam" }),
        principal(
          "temp",
          [
            { role: "lead", nbf: now - 100, exp: now + 5000 },
            { role: "oncall", exp: now - 10 },
          ],
          [this.temp.jwk],
        ),
        principal("late", ["lead", "oncall"], [{ ...this.late.jwk, nbf: now + 1000 }]),
        principal("gone", ["lead", "oncall"], [{ ...this.gone.jwk, exp: now - 1 }]),
        ...this.crowd.map((signer, i) => principal(`crowd-${i}`, ["crowd"], [signer.jwk])),
      ],
      entitlements: [
        this.entitlement("repair"),
        this.entitlement("alone", { approvals: [] }),
        this.entitlement("ticket", { require: ["incident"], approvals: [] }),
        this.entitlement("drill", { drill: true, approvals: [], requesters: ["oncall", "drill-oncall"] }),
        this.entitlement("wide", {
          approvals: [],
          authorization_details: [detail({ locations: ["*"], actions: ["*"], paths: ["/**"] })],
        }),
        this.entitlement("narrow", {
          approvals: [],
          authorization_details: [detail({ actions: ["GET"], paths: ["/orders/7"] })],
        }),
        this.entitlement("everyone", { approvals: [{ role: "crowd", count: 8 }] }),
        this.entitlement("leads", { approvals: [{ role: "lead", count: 2 }] }),
      ],
      ...changes,
    });
  }

  entitlement(id: string, changes: Json = {}): Json {
    return {
      id,
      requesters: ["oncall"],
      reasons: ["outage", "drill"],
      approvals: [
        { role: "lead", count: 1 },
        { role: "security", count: 1 },
      ],
      max_ttl: 900,
      authorization_details: [
        detail({ locations: [HOST, "[::1]:8443"], paths: ["/orders/**"] }),
        detail({ locations: ["other.example.com"], actions: ["GET", "CONNECT"], paths: ["/**"] }),
      ],
      ...changes,
    };
  }

  bundle(claims: Json = this.bundleClaims(), signedBy: readonly Signer[] = this.roots.slice(0, 2)): string {
    const [first, ...rest] = signedBy;
    if (first === undefined) throw new Error("a bundle needs a signature");
    const text = compact({ alg: first.alg, kid: first.kid, typ: "bg-bundle+jwt" }, claims, first);
    const payload = payloadSegmentOf(text);
    return [
      text,
      ...rest.map((root) => detached({ alg: root.alg, kid: root.kid, typ: "bg-bundle-approval+jws" }, payload, root)),
    ].join("~");
  }

  /** The plugin configuration's text. `bundle: null`: none. */
  configuration(spec: ConfigurationSpec = {}): string {
    const { bundle, roots = this.roots, signedBy } = spec;
    const text = bundle === null ? undefined : this.bundle(bundle ?? this.bundleClaims(), signedBy);
    this.version += 1;
    const members: Json = {
      generation: this.version,
      audience: "test",
      roots: roots.map(({ jwk }) => jwk),
      threshold: 2,
      strip: ["x-jwt-payload", "x-user"],
      bundle: text,
    };
    return JSON.stringify(without({ ...members, ...spec.configuration }));
  }

  claims(changes: Json = {}): Json {
    return without({
      jti: randomBytes(16).toString("base64url"),
      sub: "rita",
      aud: "test",
      iat: this.now,
      exp: this.now + 600,
      ent: "repair",
      reason: "outage",
      text: 'refund "loop"\n\u00e9\u{1f600}',
      authorization_details: [detail()],
      ...changes,
    });
  }

  /** A good grant for GET and POST on /orders/*, approved by adam and anna, bent as the spec says. */
  grant(spec: GrantSpec = {}): string {
    const by = spec.by ?? this.rita;
    const header = without({ alg: by.alg, kid: by.kid, typ: "bg+jwt", ...spec.header });
    const request = compact(header, spec.payload ?? this.claims(spec.claims), by);
    const approvals = spec.approvals ?? [{ by: this.adam }, { by: this.anna }];
    return [request, ...approvals.map((approval) => this.approve(payloadSegmentOf(request), approval))].join("~");
  }

  approve(payload: string, { by, iat = this.now, header = {}, payload: other }: ApprovalSpec): string {
    return detached(
      without({ alg: by.alg, kid: by.kid, typ: "bg-approval+jws", iat, ...header }),
      other ?? payload,
      by,
    );
  }

  /** Without approvals, for entitlements that need none. */
  alone(spec: GrantSpec = {}): string {
    return this.grant({ approvals: [], ...spec, claims: { ent: "alone", ...spec.claims } });
  }

  detail(changes: Json = {}): Json {
    return detail(changes);
  }
}
