/** What is fuzzed: for each target where it begins, and how an input is given to a filter. */
import type { FilterHost } from "../../control/host/host.js";
import { hashOf, proofClaims, proofHeader } from "../kit/proofs.js";
import { QuickWorld, quickSigner } from "../kit/quick.js";
import { base64url, type Signer, segment } from "../kit/token.js";
import { HOST } from "../kit/world.js";

export interface Shot {
  readonly grant: string;
  readonly path?: string;
  readonly host?: string;
  readonly proof?: string;
}

export interface Target {
  readonly name: string;
  readonly seeds: readonly string[];
  /** One byte a character. The request that carries the input, or the configuration that it is. */
  readonly shot: (input: string) => Shot | { readonly configuration: string };
}

const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

export class Targets {
  readonly world = new QuickWorld(Math.floor(Date.now() / 1000));
  readonly configuration: string;
  private readonly holder = quickSigner("Ed25519");

  constructor() {
    this.configuration = this.world.configuration();
  }

  private signed(header: string, payload: string, by: Signer): string {
    const input = `${base64url(Buffer.from(header, "latin1"))}.${base64url(Buffer.from(payload, "latin1"))}`;
    return `${input}.${base64url(by.sign(Buffer.from(input)))}`;
  }

  get all(): readonly Target[] {
    const { world, holder } = this;
    const header = JSON.stringify({ alg: "Ed25519", kid: world.rita.kid, typ: "bg+jwt" });
    const claims = (more: object): string => latin1(JSON.stringify(world.claims({ ent: "alone", ...more })));
    const wide = world.alone({ claims: { ent: "wide", authorization_details: [world.detail({ paths: ["/**"] })] } });
    const bound = world.alone({ claims: { cnf: { jkt: holder.kid } } });
    const proof = {
      head: JSON.stringify(proofHeader(holder)),
      body: JSON.stringify(proofClaims(bound, { ath: hashOf(bound) })),
    };
    const [bundleHead = "", bundleBody = ""] = world.bundle().split(".");
    const root = world.roots[0];
    const configured = (bundle: string): string =>
      JSON.stringify({ generation: 1, audience: "test", roots: [root.jwk], threshold: 1, bundle });
    return [
      { name: "grant", seeds: [world.grant(), world.alone(), bound], shot: (grant) => ({ grant }) },
      { name: "header", seeds: [header], shot: (input) => ({ grant: this.signed(input, claims({}), world.rita) }) },
      {
        name: "claims",
        seeds: [
          claims({}),
          claims({ incident: "I", net: ["10.0.0.0/8", "2001:db8::/32"], cnf: { jkt: holder.kid }, aud: ["test", "b"] }),
        ],
        shot: (input) => ({ grant: this.signed(header, input, world.rita) }),
      },
      {
        name: "proof",
        seeds: [`${segment(proof.head)}.${segment(proof.body)}.${"A".repeat(86)}`],
        shot: (input) => ({ grant: bound, proof: input }),
      },
      {
        name: "proof header",
        seeds: [proof.head],
        shot: (input) => ({ grant: bound, proof: this.signed(input, proof.body, holder) }),
      },
      {
        name: "proof claims",
        seeds: [proof.body],
        shot: (input) => ({ grant: bound, proof: this.signed(proof.head, input, holder) }),
      },
      { name: "path", seeds: ["/orders/7", "/a/%20b/c?x=1"], shot: (path) => ({ grant: wide, path }) },
      { name: "host", seeds: [HOST, "[::1]:8443", "A.b:443"], shot: (host) => ({ grant: wide, host }) },
      { name: "configuration", seeds: [latin1(this.configuration)], shot: (configuration) => ({ configuration }) },
      {
        name: "bundle",
        seeds: [Buffer.from(bundleBody, "base64url").toString("latin1")],
        shot: (input) => {
          const signed = `${bundleHead}.${base64url(Buffer.from(input, "latin1"))}`;
          return { configuration: configured(`${signed}.${base64url(root.sign(Buffer.from(signed)))}`) };
        },
      },
    ];
  }
}

/** What became of the input: the verdict, or whether the configuration was taken. */
export function play(host: FilterHost, shot: Shot | { readonly configuration: string }, source: string): string {
  if ("configuration" in shot) {
    const { accepted, reason = "" } = host.configure(Buffer.from(shot.configuration, "latin1"));
    if (/trap/.test(reason)) return "a trap";
    return accepted ? "taken" : "refused";
  }
  const outcome = host.request({
    sourceAddress: source,
    headers: [
      [":method", "GET"],
      [":path", shot.path ?? "/orders/7"],
      [":authority", shot.host ?? HOST],
      ["x-break-glass", shot.grant],
      ...(shot.proof === undefined ? [] : [["dpop", shot.proof] as const]),
    ],
  });
  return outcome.reply?.details === "wasm_fail_stream"
    ? "a trap"
    : (outcome.filterState.get("wasm.glassgate.verdict") ?? "no verdict");
}
