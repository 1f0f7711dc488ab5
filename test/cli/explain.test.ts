/** What the gateway tells nobody, `explain` tells the holder: which of the four reasons for `signature` it was. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { showTime } from "../../control/base/time.js";
import { publicPart } from "../../control/signer/jwk.js";
import { entitlement, nowSeconds, Party } from "../kit/party.js";

let party: Party;
let grant: string;
beforeAll(async () => {
  party = await Party.make();
  await party.pin({ entitlements: [entitlement({ approvals: [] })] });
  grant = (await party.run(["grant", await party.ask(), "--key", "rita"])).stdout;
});
afterAll(() => party.end());

const explained = async (text: string) => {
  const { code, stdout } = await party.run(["explain", text, "GET", "https://api.example.com/orders/42", "--json"]);
  return { code, verdict: JSON.parse(stdout).verdict, recorded: JSON.parse(stdout).record.verdict };
};
const denied = (verdict: string) => ({ code: 1, verdict, recorded: verdict });

it("by which bundle, as the gateway may serve another", async () => {
  const { stdout } = await party.run(["explain", grant, "GET", "https://api.example.com/orders/42"]);
  expect(stdout).toMatch(
    /^judged by +version \d+ in bundle\.jws, issued 20\S+ \S+ UTC; a gateway that serves another bundle may say otherwise$/m,
  );
  const claims = readFileSync(join(party.folder, "bundle.jws"), "utf8").split(".")[1] ?? "";
  const { iat } = JSON.parse(Buffer.from(claims, "base64url").toString("utf8"));
  expect(stdout).toContain(`, issued ${showTime(iat)};`);
  expect(stdout).toContain(`version ${/^ {2}bundle +(\d+)$/m.exec(stdout)?.[1]} in`);
});

it("a wrong signature under a good key is not said to be an unknown key", async () => {
  const [header = "", payload = "", signature = ""] = grant.trim().split(".");
  const { stdout } = await party.run([
    "explain",
    `${header}.${payload}.A${signature.slice(1)}`,
    "GET",
    "https://api.example.com/orders/42",
  ]);
  expect(stdout).toMatch(/^because +the key is good here, but it has not signed this text$/m);
});

it("an unknown key, one past its window, one of another algorithm, a wrong signature", async () => {
  const entitlements = [entitlement({ approvals: [] })];
  const others = party.principals().slice(1);
  const { rita, adam } = party.keys;
  expect(await explained(grant)).toEqual({ code: 0, verdict: "allow", recorded: "allow" });
  const [header = "", payload = "", signature = ""] = grant.trim().split(".");
  expect(await explained(`${header}.${payload}.A${signature.slice(1)}`)).toEqual(denied("signature"));
  const members = { ...JSON.parse(Buffer.from(header, "base64url").toString("utf8")), kid: adam.kid };
  const renamed = Buffer.from(JSON.stringify(members)).toString("base64url");
  expect(await explained(`${renamed}.${payload}.${signature}`)).toEqual(denied("algorithm"));

  await party.pin({ entitlements, principals: others });
  expect(await explained(grant)).toEqual(denied("key_unknown"));
  const ended = { ...publicPart(rita), exp: nowSeconds() - 1 };
  await party.pin({ entitlements, principals: [{ id: "rita", roles: ["oncall"], keys: [ended] }, ...others] });
  expect(await explained(grant)).toEqual(denied("key_not_valid"));
});
