/** A project with people of drills, and Kongs that serve its bundle: their Admin API and routes are a fake's, their filter the release's. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { writeNewTexts } from "../../control/base/files.js";
import { KongFile } from "../../control/gateway/kong/file.js";
import { renderKong } from "../../control/gateway/kong/render.js";
import { startUpstream } from "../../control/gateway/upstream.js";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { sealKey } from "../../control/signer/keyfile.js";
import { anchorsSchema } from "../../control/trust/anchors.js";
import type { BundleClaims } from "../../control/trust/claims.js";
import { FakeKong } from "../kit/fake-kong.js";
import { type FilterRoad, serveAs } from "../kit/kong-front.js";
import { claimsFor, PASSPHRASE, signed } from "./fleet.js";

const ITERATIONS = 1000;
const CUSTOMER_KEY = "customer-7";

const named = z.looseObject({ name: z.string() });
const route = named.extend({ plugins: z.array(named.extend({ config: z.looseObject({}).optional() })).default([]) });
const declared = z.looseObject({
  services: z.array(named.extend({ routes: z.array(route) })),
  consumers: z.array(z.looseObject({})),
  filter_chains: z.array(named),
  plugins: z.array(named).optional(),
});
export type Declared = z.infer<typeof declared>;

export interface KongWeakness {
  readonly database?: FakeKong["database"];
  /** Changes what it runs; the file that the drill is given stays good. */
  readonly stored?: (kong: Declared) => void;
  readonly bundle?: (claims: BundleClaims) => BundleClaims;
  readonly settings?: FakeKong["settings"];
}

export interface KongFleet {
  readonly folder: string;
  readonly kongs: readonly FakeKong[];
  stop(): Promise<void>;
}

/** The API's own way, with its own authentication, as it stands beside ours. */
const ownWay = (port: number): Declared["services"][number] => ({
  name: "api",
  host: "127.0.0.1",
  port,
  routes: [
    {
      name: "api",
      hosts: ["api.example.com"],
      paths: ["/"],
      methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
      strip_path: false,
      plugins: [
        { name: "key-auth", config: { key_names: ["apikey"], key_in_header: true } },
        { name: "request-transformer", config: { remove: { headers: ["x-break-glass-grant"] } } },
      ],
    },
  ],
});

export const routeIn = ({ services }: Declared, name: string): Declared["services"][number]["routes"][number] => {
  const found = services.flatMap(({ routes }) => routes).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no route ${name}`);
  return found;
};

/** @param roadOf makes the filter of one Kong */
export async function startKongFleet(
  weaknesses: readonly KongWeakness[],
  roadOf: (kong: FakeKong) => Promise<FilterRoad>,
): Promise<KongFleet> {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-drill-kong-"));
  const roots = [newKey("Ed25519"), newKey("Ed25519")];
  const people = ["drill-rita", "drill-adam", "drill-anna", "rita", "adam"];
  const keys = Object.fromEntries(people.map((name) => [name, newKey("Ed25519")] as const));
  const anchors = anchorsSchema.parse({ audience: "production", threshold: 2, roots: roots.map(publicPart) });
  const claims = claimsFor(keys, Math.floor(Date.now() / 1000));
  writeNewTexts(
    await Promise.all(
      Object.entries(keys).map(([name, key]) =>
        sealKey(join(folder, "keys", `${name}.key.json`), name, key, PASSPHRASE, ITERATIONS),
      ),
    ),
  );
  writeFileSync(join(folder, "anchors.json"), JSON.stringify(anchors));
  writeFileSync(join(folder, "bundle.jws"), await signed(claims, roots));
  const upstream = await startUpstream();
  const start = async (how: KongWeakness, i: number): Promise<{ kong: FakeKong; road: FilterRoad }> => {
    const kong = new FakeKong(how.database ?? "off");
    kong.settings = { ...kong.settings, ...how.settings };
    await kong.listen();
    const road = await roadOf(kong);
    serveAs(kong, road);
    const own = join(folder, `kong-${String(i + 1).padStart(2, "0")}`);
    mkdirSync(own);
    const auditLogPath = join(own, "break-glass.log");
    writeFileSync(auditLogPath, "");
    const { text } = renderKong({
      ...{ anchors, host: "api.example.com", port: kong.proxyPort, auditLogPath },
      upstream: { host: "127.0.0.1", port: upstream.port },
    });
    const withBundle = async (bundle: string): Promise<string> => {
      const file = KongFile.read(text, "kong.yaml");
      file.setConfiguration(JSON.stringify({ ...file.written[0], generation: 1, bundle }));
      const all = declared.parse(parse(file.toString()));
      all.services.push(ownWay(upstream.port));
      all.consumers.push({ username: "customer", keyauth_credentials: [{ key: CUSTOMER_KEY }] });
      return stringify(all);
    };
    const file = await withBundle(await signed(claims, roots));
    writeFileSync(join(own, "kong.yaml"), file, { mode: 0o600 });
    writeFileSync(join(own, "caller.txt"), `apikey: ${CUSTOMER_KEY}\n`, { mode: 0o600 });
    const stored = declared.parse(parse(await withBundle(await signed(how.bundle?.(claims) ?? claims, roots))));
    how.stored?.(stored);
    // One key in the file and in what it runs.
    kong.boot(stringify(stored));
    return { kong, road };
  };
  const started: Awaited<ReturnType<typeof start>>[] = [];
  for (const [i, how] of weaknesses.entries()) started.push(await start(how, i));
  return {
    folder,
    kongs: started.map(({ kong }) => kong),
    stop: async () => {
      for (const { kong, road } of started) {
        kong.close();
        await road.stop();
      }
      await upstream.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
