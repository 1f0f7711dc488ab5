/**
 * A grant under a key that may not sign costs what one under a good key costs: a signature of its algorithm is checked all the same,
 * under a key that everybody knows. Seen in the filter's memory, not by the clock: what is hashed for the check stands there.
 */
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { knownSigner, newSigner, type Signer } from "../kit/token.js";
import { World } from "../kit/world.js";

/** SHA-512 of R || A || M with that key (RFC 8032), or SHA-256 of M for ES256: M is what the request's signature is over. */
function hashedFor(grant: string, publicKey: string | undefined): Buffer {
  const [head = "", payload = "", signature = ""] = (grant.split("~")[0] ?? "").split(".");
  const message = Buffer.from(`${head}.${payload}`);
  if (publicKey === undefined) return createHash("sha256").update(message).digest();
  const r = Buffer.from(signature, "base64url").subarray(0, 32);
  return createHash("sha512")
    .update(Buffer.concat([r, Buffer.from(publicKey, "base64url"), message]))
    .digest();
}

it("checks a signature for every kid and algorithm", async () => {
  const start = Math.floor(Date.now() / 1000);
  const world = new World(start);
  const host = await FilterHost.load({ clock: () => start * 1000 });
  expect(host.configure(world.configuration()).accepted).toBe(true);
  const [vm] = host.process.workers[0]?.allVms ?? [];
  const memory = vm?.memory;
  if (memory === undefined) return expect.unreachable("no VM");
  const as = (alg: "Ed25519" | "ES256", kid: string): string => world.alone({ by: newSigner(alg), header: { kid } });
  const unknown = (alg: "Ed25519" | "ES256"): string => newSigner(alg).kid;
  const own = ({ jwk }: Signer): string | undefined => jwk.x;
  const known = own(knownSigner);
  const kinds: readonly (readonly [verdict: string, grant: string, key: string | undefined])[] = [
    ["signature", as("Ed25519", world.rita.kid), own(world.rita)],
    ["key_unknown", as("Ed25519", unknown("Ed25519")), known],
    ["key_unknown", as("Ed25519", "rita"), known],
    ["key_not_valid", as("Ed25519", world.gone.kid), known],
    ["algorithm", as("Ed25519", world.rita2.kid), known],
    ["signature", as("ES256", world.rita2.kid), undefined],
    ["key_unknown", as("ES256", unknown("ES256")), undefined],
    ["algorithm", as("ES256", world.rita.kid), undefined],
  ];
  for (const [verdict, grant, key] of kinds) {
    const { filterState } = host.request({ headers: headersOf([grant]) });
    expect(filterState.get("wasm.glassgate.verdict")).toBe(verdict);
    const hashed = hashedFor(grant, key);
    const all = memory.bytes(0, memory.size);
    // P-256 keeps the hash as a number of little-endian words.
    const isThere = all.includes(hashed) || all.includes(Buffer.from(hashed).reverse());
    expect(isThere, `${verdict} ${grant.slice(0, 20)}`).toBe(true);
  }
});
