/** What is fuzzed: for each target where it begins, how an input is given to a filter, and how often. */
import { hashOf, proofClaims, proofHeader } from "../kit/proofs.js";
import { base64url, payloadSegmentOf, type Signer, segment } from "../kit/token.js";
import { HOST } from "../kit/world.js";
import { FixedWorld, START, signerOf } from "./people.js";

export interface Shot {
  readonly grant: string;
  readonly path?: string;
  readonly host?: string;
  readonly proof?: string;
  readonly source?: string;
  readonly certificate?: string;
}

/** All texts have one byte a character. */
export interface Target {
  readonly name: string;
  /** Its part of all executions, in ten-thousandths. A signature costs more than all the rest, so those with one come less often. */
  readonly share: number;
  readonly seeds: () => readonly string[];
  /** The request that carries the input, or the configuration that it is. */
  readonly shot: (input: string) => Shot | { readonly configuration: string };
  /** The same well signed: what is worth it once the filter has come as far as `shot`'s signature. */
  readonly signed?: (input: string) => Shot;
}

const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
/** Well-formed, and nobody's signature. */
const UNSIGNED = base64url(Buffer.alloc(64, 1));
const CERTIFICATE = "5e".repeat(32);
const FIRST_PROOF = "proof-0000000000";

export class Targets {
  readonly world = new FixedWorld();
  readonly configuration = this.world.configuration();
  readonly all: readonly Target[];
  private readonly holder = signerOf("holder");
  private proofs = 0;

  /** @param seconds the filter's clock: a proof is good for a minute only */
  constructor(private readonly seconds: () => number) {
    this.all = [...this.grants(), ...this.proofsOfKey(), ...this.requests(), ...this.configurations()];
  }

  private input(header: string, payload: string): string {
    return `${base64url(Buffer.from(header, "latin1"))}.${base64url(Buffer.from(payload, "latin1"))}`;
  }

  private sign(input: string, by: Signer): string {
    return `${input}.${base64url(by.sign(Buffer.from(input)))}`;
  }

  private claims(more: object): string {
    return latin1(JSON.stringify(this.world.claims({ ent: "alone", ...more })));
  }

  private grants(): readonly Target[] {
    const { world, holder } = this;
    const { rita, adam } = world;
    const header = JSON.stringify({ alg: "Ed25519", kid: rita.kid, typ: "bg+jwt" });
    const payload = this.claims({});
    const asked = world.grant({ approvals: [] });
    const approval = { alg: adam.alg, kid: adam.kid, typ: "bg-approval+jws", iat: START };
    const grants = [
      world.alone(),
      world.alone({ by: world.rita2 }),
      world.grant({ claims: { ent: "everyone" }, approvals: world.crowd.slice(0, 8).map((by) => ({ by })) }),
      ...world.others.map((by, i) => world.grant({ by, claims: { sub: `other-${i}` } })),
    ];
    const body = payloadSegmentOf(asked);
    const second = world.approve(body, { by: world.anna });
    const approve = (head: string, signature: (input: string) => string): Shot => {
      const encoded = base64url(Buffer.from(head, "latin1"));
      return { grant: `${asked}~${encoded}..${signature(`${encoded}.${body}`)}~${second}` };
    };
    const claims = [
      payload,
      this.claims({
        incident: "I",
        net: ["10.0.0.0/8", "2001:db8::/32"],
        cnf: { jkt: holder.kid },
        aud: ["test", "b"],
      }),
      this.claims({
        ent: "drill",
        drill: "d-1",
        authorization_details: [world.detail(), world.detail({ locations: ["b"] })],
      }),
    ];
    return [
      { name: "grant", share: 2_000, seeds: () => grants, shot: (grant) => ({ grant }) },
      {
        name: "header",
        share: 400,
        seeds: () => [header],
        shot: (input) => ({ grant: `${this.input(input, payload)}.${UNSIGNED}` }),
        signed: (input) => ({ grant: this.sign(this.input(input, payload), rita) }),
      },
      {
        name: "claims",
        share: 1_230,
        seeds: () => claims,
        shot: (input) => ({ grant: `${this.input(header, input)}.${UNSIGNED}` }),
        signed: (input) => ({ grant: this.sign(this.input(header, input), rita) }),
      },
      {
        name: "approval",
        share: 200,
        seeds: () => [JSON.stringify(approval)],
        shot: (input) => approve(input, () => UNSIGNED),
        signed: (input) => approve(input, (text) => base64url(adam.sign(Buffer.from(text)))),
      },
    ];
  }

  /** What was made for the beginning becomes a proof of now, with a name of its own. */
  private fresh(claims: string): string {
    this.proofs += 1;
    return claims
      .replace(String(START), String(this.seconds()))
      .replace(FIRST_PROOF, `proof-${String(this.proofs).padStart(10, "0")}`);
  }

  private proofsOfKey(): readonly Target[] {
    const { world, holder } = this;
    const bound = world.alone({ claims: { cnf: { jkt: holder.kid } } });
    const head = JSON.stringify(proofHeader(holder));
    const body = JSON.stringify(proofClaims(bound, { ath: hashOf(bound), iat: START, jti: FIRST_PROOF }));
    return [
      {
        name: "proof",
        share: 1_400,
        seeds: () => [
          this.sign(this.input(head, this.fresh(body)), holder),
          `${segment(head)}.${segment(this.fresh(body))}.${UNSIGNED}`,
        ],
        shot: (proof) => ({ grant: bound, proof }),
      },
      {
        name: "proof header",
        share: 120,
        seeds: () => [head],
        shot: (input) => ({ grant: bound, proof: this.sign(this.input(input, this.fresh(body)), holder) }),
      },
      {
        name: "proof claims",
        share: 190,
        seeds: () => [body],
        shot: (input) => ({ grant: bound, proof: this.sign(this.input(head, this.fresh(input)), holder) }),
      },
    ];
  }

  private requests(): readonly Target[] {
    const { world } = this;
    const details = [world.detail({ paths: ["/orders/*", "/a/**"], locations: [HOST, "[::1]:8443"] })];
    const some = world.alone({ claims: { authorization_details: details } });
    const here = world.alone({ claims: { net: ["10.0.0.0/8", "192.0.2.128/25", "2001:db8::/32"] } });
    const shown = world.alone({
      claims: { cnf: { "x5t#S256": Buffer.from(CERTIFICATE, "hex").toString("base64url") } },
    });
    return [
      {
        name: "path",
        share: 2_260,
        seeds: () => ["/orders/7", "/a/%20b/c?x=1"],
        shot: (path) => ({ grant: some, path }),
      },
      {
        name: "host",
        share: 1_250,
        seeds: () => [HOST, "[::1]:8443", `${HOST}:443`],
        shot: (host) => ({ grant: some, host }),
      },
      {
        name: "source",
        share: 500,
        seeds: () => ["10.1.2.3:4711", "[2001:db8::7%eth0]:1", "192.0.2.200:5", "::ffff:10.0.0.1"],
        shot: (source) => ({ grant: here, source }),
      },
      {
        name: "certificate",
        share: 438,
        seeds: () => [CERTIFICATE],
        shot: (certificate) => ({ grant: shown, certificate }),
      },
    ];
  }

  private configurations(): readonly Target[] {
    const { world } = this;
    const [root] = world.roots;
    const [bundleHead = "", bundleBody = ""] = world.bundle().split(".");
    const good = this.sign(`${bundleHead}.${bundleBody}`, root);
    const configured = (bundle: string, more: object = {}): string =>
      JSON.stringify({ generation: 1, audience: "test", roots: [root.jwk], threshold: 1, bundle, ...more });
    const head = JSON.stringify({ alg: root.alg, kid: root.kid, typ: "bg-revocations+jwt" });
    const revoked = {
      jti: ["x".repeat(16)],
      sub: ["rita"],
      issued_before: [{ at: START - 5, sub: "rita" }, { at: 1 }],
    };
    const text = JSON.stringify({ version: START - 5, iat: START - 5, aud: ["test"], revoked });
    return [
      {
        name: "configuration",
        share: 4,
        seeds: () => [latin1(this.configuration)],
        shot: (configuration) => ({ configuration }),
      },
      {
        name: "bundle",
        share: 4,
        seeds: () => [Buffer.from(bundleBody, "base64url").toString("latin1")],
        shot: (input) => {
          const signed = `${bundleHead}.${base64url(Buffer.from(input, "latin1"))}`;
          return { configuration: configured(this.sign(signed, root)) };
        },
      },
      {
        name: "revocations",
        share: 4,
        seeds: () => [text],
        shot: (input) => ({
          configuration: configured(good, { revocations: this.sign(this.input(head, input), root) }),
        }),
      },
    ];
  }
}
