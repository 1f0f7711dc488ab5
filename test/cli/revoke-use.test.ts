/** What `revoke stop` shows as in use, from records as the filter writes them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { usedIn, useOf } from "../../control/cli/revoke-use.js";
import { Admin } from "../../control/gateway/admin.js";
import { ecdsText, writeEcds } from "../../control/gateway/ecds.js";
import { readHeld } from "../../control/gateway/held.js";
import { renderGateway } from "../../control/gateway/render.js";
import { readRenderedFilter } from "../../control/gateway/rendered.js";
import { FilterHost } from "../../control/host/host.js";
import { domainOf } from "../../control/trust/anchors.js";
import { configurationText } from "../../control/trust/configuration.js";
import { anchorsOf } from "../kit/envoy.js";
import { headersOf } from "../kit/headers.js";
import { QuickWorld } from "../kit/quick-world.js";
import { ScriptedAdmin } from "../kit/scripted-admin.js";

const NOW = Math.floor(Date.now() / 1000);
const world = new QuickWorld(NOW);
const anchors = anchorsOf(world);
const MINUTE = 60;
const LATER = 10 * MINUTE;
const grant = (jti: string, life: number): string => world.grant({ claims: { jti, exp: NOW + life } });
const SHORT = grant("a-grant-that-ends-soon", MINUTE);
const LONG = grant("a-grant-that-goes-on", 15 * MINUTE);
let log = "";

beforeAll(async () => {
  const host = await FilterHost.load({ clock: () => NOW * 1000 });
  expect(host.configure(world.configuration()).accepted).toBe(true);
  const use = (text: string): string => {
    const { kind, filterState } = host.request({ headers: headersOf([text]) });
    expect(kind).toBe("continue");
    return filterState.get("wasm.glassgate.audit") ?? "";
  };
  const [first, second] = [use(SHORT), use(LONG)];
  // The line of a request that stays open is written again and again.
  log = [first, second, second, second, use(LONG)].join("\n");
});

const names = (since: number, now: number, text = log): string[] =>
  usedIn(text, since, now)
    .map(({ jti }) => jti)
    .sort();

describe("grants in a log", () => {
  it("are those that may still live, to the second at which they end", () => {
    expect(names(0, NOW + MINUTE - 1)).toEqual(["a-grant-that-ends-soon", "a-grant-that-goes-on"]);
    expect(names(0, NOW + MINUTE)).toEqual(["a-grant-that-goes-on"]);
    expect(names(0, NOW + 15 * MINUTE)).toEqual([]);
  });

  it("without its evidence, which stands further up than is read, a grant may still live", () => {
    const cut = log
      .split("\n")
      .filter((line) => !line.startsWith('{"evidence"'))
      .join("\n");
    expect(names(0, NOW + LATER, cut)).toEqual(["a-grant-that-ends-soon", "a-grant-that-goes-on"]);
  });

  it("are counted by request, however often a line stands there", () => {
    expect(usedIn(log, 0, NOW + LATER)).toMatchObject([{ jti: "a-grant-that-goes-on", requests: 2 }]);
  });

  it("one that has ended hides no other that its requester has given the same name", async () => {
    const host = await FilterHost.load({ clock: () => NOW * 1000 });
    host.configure(world.configuration());
    const jti = "one-name-for-two-grants";
    const lines = [grant(jti, 15 * MINUTE), grant(jti, MINUTE)].map((text) =>
      host.request({ headers: headersOf([text]) }).filterState.get("wasm.glassgate.audit"),
    );
    expect(usedIn(lines.join("\n"), 0, NOW + LATER)).toMatchObject([{ jti, requests: 1 }]);
  });
});

describe("at a gateway", () => {
  let folder: string;
  let admin: ScriptedAdmin;
  let lines: (date: string, now?: number) => Promise<string>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "glassgate-use-"));
    const ecdsPath = join(folder, "ecds", "glassgate.json");
    const file = join(folder, "gateway.yaml");
    const auditLogPath = join(folder, "audit.log");
    const text = renderGateway({ anchors, wasmPath: "/nowhere/glassgate.wasm", ecdsPath, auditLogPath });
    writeFileSync(file, text);
    writeFileSync(auditLogPath, log);
    const filter = readRenderedFilter(text, file);
    const deployed = configurationText(anchors, 1, { bundle: world.bundle() });
    writeEcds(ecdsPath, ecdsText(filter, deployed, undefined, "1"));
    admin = new ScriptedAdmin(filter, domainOf(anchors).slice(0, 16));
    const address = await admin.listen();
    const held = await readHeld(filter);
    if (held === undefined) throw new Error("no configuration");
    lines = async (date, now = NOW + LATER) => {
      admin.date = () => date;
      const gateway = { kind: "envoy" as const, file, filter, kept: {}, admin: new Admin(address) };
      return (await useOf(gateway, held, { issued_before: [{ at: NOW + 1 }] }, now)).join("\n");
    };
  });
  afterAll(() => {
    admin.server.closeAllConnections();
    admin.server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const at = (seconds: number): string => new Date(seconds * 1000).toUTCString();

  it("what its clock has ended is not shown", async () => {
    const shown = await lines(at(NOW + LATER));
    expect(shown).toMatch(/^ENDS {3}a-grant-that-goes-on: rita for repair/);
    expect(shown).not.toContain("a-grant-that-ends-soon");
  });

  it.each([
    ["its clock is behind this machine's", () => at(NOW + 1)],
    ["its clock cannot be read", () => ""],
  ])("where %s, what may live there is shown", async (_, date) => {
    expect(await lines(date())).toContain("a-grant-that-ends-soon");
  });

  it("a clock that is far ahead hides nothing", async () => {
    expect(await lines(at(NOW + 86_400))).toContain("a-grant-that-goes-on");
  });
});
