/** `explain --host kong`: the build for Kong, on a host like Kong's, says what a gateway there would. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { completeGrant, makeAsk } from "../../control/grant/make.js";
import { detail, entitlement, nowSeconds, Party } from "../kit/party.js";
import { newSigner } from "../kit/token.js";
import { inside } from "./inside.js";

let party: Party;
const now = nowSeconds();
const grantFor = async (claims: Readonly<Record<string, unknown>>): Promise<string> => {
  const rest = { aud: "production", ent: "orders-repair", reason: "outage", authorization_details: [detail] };
  const ask = await makeAsk(
    { ...rest, ...claims, ttl: 600, iat: now - 30, sub: "rita", text: "loop" },
    party.keys.rita,
  );
  return completeGrant(ask, [], party.keys.rita);
};
beforeAll(async () => {
  party = await Party.make();
  await party.pin({ entitlements: [entitlement({ approvals: [] })] });
  party.write("free.txt", await grantFor({}));
  party.write("bound.txt", await grantFor({ cnf: { jkt: newSigner("Ed25519").kid } }));
});
afterAll(() => party.end());

const explain = async (grant: string, path: string, host: string) => {
  const words = ["explain", grant, "GET", `https://api.example.com${path}`, "--host", host, "--json"];
  const { code, stdout, stderr } = await inside(words, { cwd: party.folder, env: party.env });
  const { verdict, detail: why, host: judgedBy } = JSON.parse(stdout === "" ? "{}" : stdout);
  return { code, verdict, why, judgedBy, stderr };
};

it("a grant that both gateways take", async () => {
  for (const host of ["envoy", "kong"])
    expect(await explain("free.txt", "/orders/7", host)).toMatchObject({ code: 0, verdict: "allow", judgedBy: host });
});

it("another path is another path on both", async () => {
  for (const host of ["envoy", "kong"])
    expect(await explain("free.txt", "/customers/7", host)).toMatchObject({ code: 1, verdict: "scope_path" });
});

it("a grant bound to a key opens nothing on Kong, whoever shows the key, and says why", async () => {
  expect(await explain("bound.txt", "/orders/7", "envoy")).toMatchObject({ code: 0, verdict: "binding_missing" });
  const { code, verdict, why } = await explain("bound.txt", "/orders/7", "kong");
  expect([code, verdict]).toEqual([1, "binding_missing"]);
  expect(why).toMatch(/opens nothing on Kong/);
});

it("a request that nginx refuses by itself has no verdict", async () => {
  const { code, stderr } = await explain("free.txt", "/orders/%zz", "kong");
  expect(code).toBe(1);
  expect(stderr).toMatch(/The gateway itself answers 400 to this request: no filter sees it\./);
  expect(await explain("free.txt", "/orders/%zz", "envoy")).toMatchObject({ verdict: "path_ambiguous" });
});

it("another gateway is named as one that there is not", async () => {
  expect(await explain("free.txt", "/orders/7", "apisix")).toMatchObject({ code: 2 });
});

it("both filters are in the package", () => {
  const { files } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect(files).toEqual(expect.arrayContaining(["build/glassgate.wasm", "build/glassgate-kong.wasm"]));
});
