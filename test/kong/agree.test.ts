/** What the tools take for a configuration that the build for Kong takes is one, and the reverse: nobody is told of a gateway that it judges. */
import { expect, it } from "vitest";
import { configurationIn } from "../../control/gateway/kong/configuration.js";
import { kongRefusalOf } from "../../control/gateway/kong/refusal.js";
import type { Json } from "../kit/world.js";
import { codeOf, Kong } from "./kong.js";

const named = (name: string, value = "k".repeat(43)): Json => ({ upstream_header: { name, value } });
const cases: readonly Json[] = [
  ...["x-break-glass-key", "apikey", "authorization", "dpop", "cookie", "x-forwarded-for", "x_y", "0"].map((name) =>
    named(name),
  ),
  ...["host", ":path", "x-break-glass", "x-break-glass-grant", "connection", "upgrade", "te", "content-length"].map(
    (name) => named(name),
  ),
  ...["transfer-encoding", "keep-alive", "proxy-connection", "trailer", "expect", "X-Key", "", "a b", "a\n", "ä"].map(
    (name) => named(name),
  ),
  named("x".repeat(64)),
  named("x".repeat(65)),
  ...["", " ", "a b", "a\r\nx: y", "\u0000", "ä", "\u007f", "a,b", '"', "\\", "k".repeat(512), "k".repeat(513)].map(
    (value) => named("apikey", value),
  ),
  { upstream_header: null },
  { upstream_header: [] },
  { upstream_header: "apikey" },
  { upstream_header: {} },
  { upstream_header: { name: "apikey" } },
  { upstream_header: { value: "k" } },
  { upstream_header: { name: "apikey", value: "k", more: 1 } },
  { upstream_header: { name: "apikey", value: 1 } },
  { require: false },
  { require: "true" },
  { mode: "shadow" },
  { mode: "enforce" },
  { strip: [] },
  { strip: {} },
  { strip: ["apikey"] },
  { keep: ["apikey"] },
  { keep: ["forwarded"], upstream_header: { name: "forwarded", value: "k" } },
  { min_version: 1e15 },
  { generation: 1.5 },
];

it.each(cases.map((change) => [JSON.stringify(change).slice(0, 60), change] as const))("%s", async (_, change) => {
  const kong = await Kong.start();
  const text = kong.world.configuration({
    configuration: { require: true, ...named("x-break-glass-key"), ...change },
  });
  expect(kong.configure(text)).toBe(true);
  const isTaken = (await kongRefusalOf(configurationIn(text) ?? {})) === undefined;
  expect(codeOf(kong.ask())).toBe(isTaken ? "allow" : "no_trust");
});
