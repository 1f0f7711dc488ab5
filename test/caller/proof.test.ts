/** The library's proof maker, against `jose` and the filter itself. */
import { calculateJwkThumbprint, compactVerify, importJWK } from "jose";
import { beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { makeProof, newProofKey, type ProofRequest } from "../../control/caller/proof.js";
import { FilterHost } from "../../control/host/host.js";
import { algorithms, type PrivateKey } from "../../control/signer/jwk.js";
import { hashOf } from "../kit/proofs.js";
import { World } from "../kit/world.js";

const now = Math.floor(Date.now() / 1000);
const world = new World(now);
const headerSchema = z.strictObject({ typ: z.string(), alg: z.string(), jwk: z.record(z.string(), z.string()) });
let host: FilterHost;
let clock = now - 1000;

beforeAll(async () => {
  host = await FilterHost.load({ clock: () => clock * 1000 });
  expect(host.configure(world.configuration()).accepted).toBe(true);
  clock = now;
});

const boundTo = (key: PrivateKey): string =>
  world.alone({
    claims: { ent: "wide", cnf: { jkt: key.kid }, authorization_details: [world.detail({ paths: ["/**"] })] },
  });

function verdict(grant: string, proof: string, method: string, path: string): string | undefined {
  const headers: [string, string][] = [
    [":method", method],
    [":path", path],
    [":authority", "api.example.com"],
    ["x-break-glass", grant],
    ["dpop", proof],
  ];
  return host.request({ headers }).filterState.get("wasm.glassgate.verdict");
}

for (const algorithm of algorithms) {
  it(`${algorithm}: is what RFC 9449 says, opens its request once, and no other`, async () => {
    const key = newProofKey(algorithm);
    const grant = boundTo(key);
    const make = (changes: Partial<ProofRequest> = {}): string =>
      makeProof({ key, method: "POST", url: "https://api.example.com/orders/7?a=b#c", grant, iat: now, ...changes });
    const proof = make();
    const header = headerSchema.parse(JSON.parse(Buffer.from(proof.split(".")[0] ?? "", "base64url").toString()));
    expect(header).toMatchObject({ typ: "dpop+jwt", alg: algorithm });
    expect(await calculateJwkThumbprint(header.jwk)).toBe(key.kid);
    expect(JSON.stringify(header)).not.toContain(key.d);
    const { payload } = await compactVerify(proof, await importJWK(header.jwk, algorithm));
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual({
      jti: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
      htm: "POST",
      htu: "https://api.example.com/orders/7",
      iat: now,
      ath: hashOf(grant),
    });
    expect(verdict(grant, proof, "POST", "/orders/7?other")).toBe("allow");
    expect(verdict(grant, proof, "POST", "/orders/7")).toBe("proof");
    for (const wrong of [
      make({ method: "GET" }),
      make({ grant: boundTo(key) }),
      make({ url: "https://api.example.com/orders/8" }),
    ])
      expect(verdict(grant, wrong, "POST", "/orders/7")).toBe("proof");
    expect(verdict(grant, make({ key: newProofKey(algorithm) }), "POST", "/orders/7")).toBe("binding_mismatch");
  });
}

it("takes a URL as it is written, and a path as it is sent", () => {
  const key = newProofKey();
  const grant = boundTo(key);
  const htu = (url: string | URL): unknown =>
    JSON.parse(Buffer.from(makeProof({ key, method: "GET", url, grant }).split(".")[1] ?? "", "base64url").toString())
      .htu;
  expect(htu("https://api.example.com:8443")).toBe("https://api.example.com:8443/");
  expect(htu("wss://[::1]:8443/a?b")).toBe("wss://[::1]:8443/a");
  expect(htu("http://api.example.com/%c3%a9")).toBe("http://api.example.com/%c3%a9");
  expect(htu("http://api.example.com/\u00e9")).toBe("http://api.example.com/\u00e9");
  expect(htu(new URL("http://api.example.com:80/\u00e9 /../x y#f"))).toBe("http://api.example.com/x%20y");
  for (const path of ["/", "/%c3%a9", "/orders/7"])
    expect(
      verdict(
        grant,
        makeProof({ key, method: "GET", url: `ws://API.example.com:443${path}`, grant, iat: now }),
        "GET",
        path,
      ),
    ).toBe("allow");
});

it("refuses what no gateway can be asked for, with the next step", () => {
  const key = newProofKey();
  for (const url of [
    "",
    "/orders/7",
    "api.example.com/orders/7",
    "ftp://api.example.com/",
    "https://u:p@api.example.com/",
    "https://",
    "https:///x",
  ])
    expect(() => makeProof({ key, method: "GET", url, grant: "g" }), url).toThrow(/is no http, https, ws or wss URL/);
});
