/** What `gateway verify` says of headers that a skipped filter sets is what the filter does with them: it strips, or keeps. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { defaultConfiguration, ecdsText } from "../../control/gateway/ecds.js";
import { renderGateway } from "../../control/gateway/render.js";
import { readRenderedFilter } from "../../control/gateway/rendered.js";
import { ALWAYS_STRIPPED } from "../../control/gateway/verify/filters/wasm.js";
import { verifyGateway } from "../../control/gateway/verify/index.js";
import { FilterHost, type Header } from "../../control/host/host.js";
import { anchorsOf } from "../kit/envoy.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

const template = readFileSync(new URL("../../envoy.yaml", import.meta.url), "utf8");
/** Dangers of a gateway whose skipped jwt_authn sets those headers. */
function dangersOf(headers: readonly string[], configuration: Readonly<Record<string, unknown>>): string[] {
  const claims = headers.map((name) => `{ header_name: ${name}, claim_name: sub }`);
  const text = template
    .replace("GLASSGATE_CONFIGURATION", `'${JSON.stringify({ strip: ["x-jwt-payload"], ...configuration })}'`)
    .replace(
      "from_headers:",
      `claim_to_headers: [ ${claims.join(", ")} ]\n                              from_headers:`,
    );
  return verifyGateway(text, "envoy.yaml")
    .filter(({ level }) => level === "danger")
    .map(({ message }) => message);
}

const isStrippedOnly = (name: string): boolean => !["authorization", "dpop"].includes(name) && !name.includes("glass");

it("the filter strips each header that verify takes for stripped, and keeps those of `keep`", async () => {
  const world = new World(Math.floor(Date.now() / 1000));
  const keepable = ALWAYS_STRIPPED.filter(isStrippedOnly);
  const send = async (keep: readonly string[]): Promise<string[]> => {
    const host = await FilterHost.load();
    expect(host.configure(world.configuration({ configuration: { keep } })).reason).toBeUndefined();
    const sent = ALWAYS_STRIPPED.filter((name) => name !== "x-break-glass").map((name): Header => [name, "forged"]);
    const { kind, headers } = host.request({ headers: [...headersOf([world.alone()]), ...sent] });
    expect(kind).toBe("continue");
    return headers.filter(([, value]) => value === "forged").map(([name]) => name);
  };
  expect(await send([])).toEqual([]);
  expect((await send(keepable)).sort()).toEqual([...keepable].sort());
  // And what is kept takes no other along.
  for (const name of [keepable[0], keepable.at(-1)].flatMap((name) => name ?? []))
    expect(await send([name])).toEqual([name]);
});

it("a header that the filter strips anyway needs no place in strip; one that it keeps does", () => {
  const headers = ALWAYS_STRIPPED.filter(isStrippedOnly);
  expect(dangersOf(headers, {})).toEqual([]);
  const kept = dangersOf([...headers, "x-other"], { keep: headers });
  for (const header of [...headers, "x-other"])
    expect(kept, header).toContainEqual(expect.stringContaining(`would have set or removed ${header};`));
  expect(kept).toHaveLength(headers.length + 1);
});

it("a header that only one of default_config and the ECDS file strips passes, as either may serve", () => {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-strip-"));
  const ecdsPath = join(folder, "glassgate.json");
  const rendered = renderGateway({ anchors: anchorsOf(new World(0)), wasmPath: "/glassgate.wasm", ecdsPath });
  const filter = readRenderedFilter(rendered, "envoy.yaml");
  const dangers = (inDefault: boolean, inFile: boolean): string[] => {
    const configuration = (isStripped: boolean): string =>
      defaultConfiguration(filter).replace('"x-jwt-payload"', isStripped ? '"x-jwt-payload"' : '"x-other"');
    writeFileSync(ecdsPath, ecdsText(filter, configuration(inFile), undefined, "1"));
    const text = rendered.replace(defaultConfiguration(filter), configuration(inDefault));
    return verifyGateway(text, "envoy.yaml").flatMap(({ level, message }) => (level === "danger" ? [message] : []));
  };
  const passes = [expect.stringMatching(/x-jwt-payload; a client's own passes/)];
  expect(dangers(true, true)).toEqual([]);
  expect(dangers(false, true)).toEqual(passes);
  expect(dangers(true, false)).toEqual(passes);
  rmSync(folder, { recursive: true });
});
