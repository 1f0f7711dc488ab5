/** A project as `init`, `key new`, `bundle build` and `bundle sign` leave it, with keys that open in no time. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { writeNewTexts } from "../../control/base/files.js";
import { makeAsk } from "../../control/grant/make.js";
import { newKey, type PrivateKey, publicPart } from "../../control/signer/jwk.js";
import { sealKey } from "../../control/signer/keyfile.js";
import { anchorsSchema } from "../../control/trust/anchors.js";
import { buildClaims, signFirst, signFurther } from "../../control/trust/bundle.js";
import type { BundleClaims } from "../../control/trust/claims.js";
import { parseRoster } from "../../control/trust/roster.js";

export interface Project {
  readonly folder: string;
  readonly keys: string;
  readonly passphrase: string;
  /** A private key: root-1, root-2, root-3, rita, adam or anna. */
  key(name: string): PrivateKey;
  readonly claims: BundleClaims;
  /** An ask of rita's, signed now. */
  ask(): Promise<string>;
  remove(): void;
}

/** What a key's passphrase costs in these tests; a real one's cost is measured where it matters. */
const ITERATIONS = 1000;

export async function makeProject(passphrase = "correct horse battery staple"): Promise<Project> {
  const base = mkdtempSync(join(tmpdir(), "glassgate-project-"));
  const [folder, keys] = [join(base, "break-glass"), join(base, "keys")];
  mkdirSync(folder);
  const names = ["root-1", "root-2", "root-3", "rita", "adam", "anna"] as const;
  const made = new Map<string, PrivateKey>(names.map((name) => [name, newKey("Ed25519")]));
  const of = (name: string): PrivateKey => made.get(name) ?? newKey("Ed25519");
  writeNewTexts(
    await Promise.all(
      names.map((name) => sealKey(join(keys, `${name}.key.json`), name, of(name), passphrase, ITERATIONS)),
    ),
  );
  const roots = [of("root-1"), of("root-2"), of("root-3")];
  const anchors = anchorsSchema.parse({ audience: "production", threshold: 2, roots: roots.map(publicPart) });
  writeFileSync(join(folder, "anchors.json"), JSON.stringify(anchors));
  const roster = parseDocument(readFileSync(new URL("../../config/roster.yaml", import.meta.url), "utf8"));
  for (const [index, name] of [
    [0, "rita"],
    [2, "adam"],
    [3, "anna"],
  ] as const)
    roster.setIn(["principals", index, "keys"], [publicPart(of(name))]);
  writeFileSync(join(folder, "roster.yaml"), roster.toString());
  const now = Math.floor(Date.now() / 1000);
  const claims = buildClaims(parseRoster(roster.toString(), "roster.yaml"), ["production"], 1, now);
  writeFileSync(join(folder, "bundle.jws"), await signFurther(await signFirst(claims, of("root-1")), of("root-2")));
  return {
    folder,
    keys,
    passphrase,
    key: of,
    claims,
    ask: () =>
      makeAsk(
        {
          iat: Math.floor(Date.now() / 1000),
          ttl: 900,
          sub: "rita",
          aud: "production",
          ent: "orders-repair",
          reason: "outage",
          text: "refund loop",
          incident: "INC-7",
          cnf: { jkt: of("rita").kid },
          authorization_details: [
            { type: "break_glass_http", locations: ["api.example.com"], actions: ["POST"], paths: ["/orders/42"] },
          ],
        },
        of("rita"),
      ),
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}
