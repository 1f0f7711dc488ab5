/** A record never goes on saying `allow` of a request that was denied: where the gateway fails afterwards, a second one corrects it. */
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { z } from "zod";
import { readAuditLines } from "../../control/base/audit.js";
import { FilterHost, type Header } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

const INTERNAL_FAILURE = 10;
const start = Math.floor(Date.now() / 1000);
const sha256 = (text: string): string => createHash("sha256").update(text, "latin1").digest("hex");
const recordSchema = z.looseObject({
  seq: z.number(),
  prev: z.string(),
  verdict: z.string(),
  corrects: z.number().optional(),
});
const ATTESTATION: Header = ["x-break-glass-grant", 'sub="admin"'];

/** The filter's calls of one request, from 0; those that `failing` names are not done. */
async function setUp(configuration: Readonly<Record<string, unknown>> = {}) {
  const world = new World(start);
  let failing: (index: number, name: string) => boolean = () => false;
  let calls: string[] = [];
  const host = await FilterHost.load({
    clock: () => start * 1000,
    intercept: ({ name, thread }) => {
      if (thread !== "worker 0") return undefined;
      calls.push(name);
      return failing(calls.length - 1, name) ? INTERNAL_FAILURE : undefined;
    },
  });
  expect(host.configure(world.configuration({ configuration })).accepted).toBe(true);
  const chain = { seq: 0, hash: "0".repeat(64) };
  const take = (line: string) => {
    const record = recordSchema.parse(JSON.parse(line));
    expect(record).toMatchObject({ seq: chain.seq + 1, prev: chain.hash });
    chain.seq = record.seq;
    chain.hash = sha256(line);
    return record;
  };
  const ask = (grant: string, which: typeof failing = () => false) => {
    calls = [];
    failing = which;
    const outcome = host.request({ headers: [...headersOf([grant]), ATTESTATION, ["authorization", "Bearer a"]] });
    failing = () => false;
    const lines = readAuditLines(outcome.filterState.get("wasm.glassgate.audit") ?? "");
    const record = lines.record === "" ? undefined : take(lines.record);
    const correction = lines.correction === undefined ? undefined : take(lines.correction);
    return { outcome, record, evidence: lines.evidence, correction, calls };
  };
  return { world, ask };
}

it("whichever call fails, and whether the grant is new or cached: the last record says what was answered, in one chain", async () => {
  const { world, ask } = await setUp();
  const known = world.grant();
  const { calls } = ask(known);
  expect(calls).toContain("proxy_replace_header_map_value");
  let corrected = 0;
  for (let index = 0; index < calls.length; index++) {
    for (const grant of [world.grant(), world.alone(), known]) {
      const { outcome, record, correction } = ask(grant, (at) => at === index);
      const last = correction ?? record;
      const what = `call ${index}, ${calls[index]}`;
      if (outcome.kind === "continue") expect(last?.verdict, what).toBe("allow");
      else if (last !== undefined) expect(last.verdict, what).toBe(JSON.parse(outcome.reply?.body ?? "{}").code);
      expect(correction?.corrects, what).toBe(correction === undefined ? undefined : record?.seq);
      if (correction !== undefined) corrected += 1;
      // Nothing is lost by it: the evidence stands with the record, and comes again with the first that is let in.
      const again = ask(grant);
      expect(again.outcome.kind, what).toBe("continue");
      expect(again.correction).toBeUndefined();
    }
  }
  expect(corrected).toBeGreaterThanOrEqual(3 * 4);
});

it("however much the holder has written already", async () => {
  const { world, ask } = await setUp();
  const grant = world.alone();
  for (let i = 0; i < 150; i++) {
    const { record, correction } = ask(grant, (_, name) => name === "proxy_replace_header_map_value");
    expect([record?.verdict, correction?.verdict]).toEqual(["allow", "internal"]);
  }
});

it("in shadow nothing is opened and nothing to be taken back", async () => {
  const { world, ask } = await setUp({ mode: "shadow" });
  const { outcome, record, correction } = ask(world.alone(), (_, name) => name === "proxy_remove_header_map_value");
  expect([outcome.kind, record?.verdict, correction]).toEqual(["continue", "allow", undefined]);
});

it("a record of a key that is not its subject's names the key: nobody is on record for what he has not signed", async () => {
  const { world, ask } = await setUp();
  const { record } = ask(world.alone({ by: world.adam, claims: { sub: "rita" } }));
  expect(record).toMatchObject({ verdict: "key_owner", sub: "rita", kid: world.adam.kid });
  expect(ask(world.alone()).record).not.toHaveProperty("kid");
});
