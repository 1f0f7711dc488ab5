/** What a gateway's file and its ECDS file say differently: the latter serves. */
import { describe, expect, it } from "vitest";
import { defaultConfiguration, differing, ecdsText, readEcds } from "../../control/gateway/ecds.js";
import { type RenderOptions, renderGateway } from "../../control/gateway/render.js";
import { type RenderedFilter, readRenderedFilter } from "../../control/gateway/rendered.js";
import { anchorsOf } from "../kit/envoy.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
const filterOf = (options: Partial<RenderOptions> = {}): RenderedFilter =>
  readRenderedFilter(
    renderGateway({
      anchors: anchorsOf(world),
      wasmPath: "/etc/glassgate.wasm",
      ecdsPath: "/var/ecds/glassgate.json",
      listen: { host: "127.0.0.1", port: 10000 },
      upstream: { host: "127.0.0.1", port: 8080 },
      ...options,
    }),
    "envoy.yaml",
  );
const before = filterOf();
const written = ecdsText(before, defaultConfiguration(before), undefined, "1");
const asPushed = ecdsText(before, world.configuration({ configuration: { strip: ["x-jwt-payload"] } }), "vm-2", "2");

describe("a gateway's file and its ECDS file", () => {
  it("agree when the file was rendered as before, pushed or not", () => {
    expect(differing(before, written)).toEqual([]);
    expect(differing(before, asPushed)).toEqual([]);
  });

  for (const [options, names] of [
    [{ anchors: { ...anchorsOf(world), audience: "other" } }, ["audience"]],
    [{ anchors: anchorsOf(new World(0)) }, ["roots"]],
    [{ anchors: { ...anchorsOf(world), threshold: 1 } }, ["threshold"]],
    [{ mode: "shadow", leeway: 9 }, ["mode", "leeway"]],
    [{ keep: ["x-forwarded-host"] }, ["keep"]],
    [{ require: true }, ["require", "strip"]],
    [{ wasmPath: "/etc/other.wasm" }, ["code"]],
  ] as const satisfies readonly (readonly [Partial<RenderOptions>, readonly string[]])[])
    it(`differ in ${names.join(" and ")}`, () => {
      expect(differing(filterOf(options), written)).toEqual(names);
    });

  it("are read without what an older one lacks", () => {
    const config: Record<string, unknown> = { ...before.config, vm_config: { vm_id: "glassgate-1" } };
    delete config.failure_policy;
    const older = ecdsText({ ...before, config }, defaultConfiguration(before), undefined, "1");
    expect(readEcds(older)).toMatchObject({ vmId: "glassgate-1" });
    expect(differing(before, older)).toEqual(["code", "failure_policy"]);
  });

  it("cannot be compared where the latter is none of ours", () => {
    for (const text of ["", "{", "{}", '{"resources":[]}']) expect(differing(before, text)).toBeUndefined();
  });
});
