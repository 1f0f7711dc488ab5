/** What a push may write, without a gateway: the lowest version never falls, and what cannot be read is named. */
import { describe, expect, it } from "vitest";
import { defaultConfiguration, ecdsText, notUnderstood } from "../../control/gateway/ecds.js";
import { asItWas, configurationOf } from "../../control/gateway/push-configuration.js";
import { renderGateway } from "../../control/gateway/render.js";
import { readRenderedFilter } from "../../control/gateway/rendered.js";
import { configurationSchema } from "../../control/trust/configuration.js";
import { anchorsOf } from "../kit/envoy.js";
import { type Json, World } from "../kit/world.js";

const anchors = anchorsOf(new World(0));
const rendered = renderGateway({ anchors, wasmPath: "/glassgate.wasm", ecdsPath: "/ecds/glassgate.json" });
const filter = readRenderedFilter(rendered, "envoy.yaml");
const own: Json = JSON.parse(defaultConfiguration(filter));

describe("the lowest version", () => {
  const minimum = (deployed: number, asked: number | undefined, version: number): unknown => {
    const bundle = { text: "a.b.c", payload: "b", version, iat: 0, exp: 1 };
    const configuration = asked === undefined ? {} : { min_version: asked };
    return JSON.parse(configurationOf({ anchors, configuration }, bundle, 1, deployed, { min_version: 1 })).min_version;
  };
  it("is the highest of what was deployed, what is asked for and the bundle's own", () => {
    expect([minimum(9, undefined, 3), minimum(2, 9, 3), minimum(2, 3, 9)]).toEqual([9, 9, 9]);
  });

  it("stays where another push's configuration is brought in", () => {
    const theirs = (min: number) => configurationSchema.parse({ ...own, min_version: min });
    const minimumOf = (min: number, deployed: number): unknown =>
      JSON.parse(asItWas(theirs(min), 1, deployed)).min_version;
    expect([minimumOf(9, 2), minimumOf(2, 9)]).toEqual([9, 9]);
  });
});

describe("what is deployed and not understood", () => {
  const named = (changes: Json): string[] =>
    notUnderstood(ecdsText(filter, JSON.stringify({ ...own, ...changes }), undefined, "1"));
  it("is named: a member, and a value of one that is known", () => {
    expect(named({})).toEqual([]);
    expect(named({ net_of_tomorrow: 1 })).toEqual(["net_of_tomorrow"]);
    expect(named({ mode: "learn", leeway: "long", net_of_tomorrow: 1 }).sort()).toEqual([
      "leeway",
      "mode",
      "net_of_tomorrow",
    ]);
  });

  it("is nothing where it is none of ours", () => {
    expect(notUnderstood(ecdsText(filter, '{"rules":[]}', undefined, "1"))).toEqual([]);
    expect(notUnderstood("{")).toEqual([]);
  });
});
