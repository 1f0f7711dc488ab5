/** What must hold before anything is measured: the rows compare what they say they compare. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { isRecordLine } from "../../control/base/audit.js";
import { referenceDecision } from "../../test/reference/decide.js";
import { Decider } from "../authz/decide.js";
import { FLUSH_MS, type Gateway } from "../gateway/gateway.js";
import { Client, type Headers, type Target } from "../load/client.js";
import { manySources } from "../load/sources.js";
import type { Tokens } from "../tokens/tokens.js";
import type { World } from "../tokens/world.js";

function mustBe(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`${what}: ${String(found)} instead of ${String(wanted)}`);
}

/** "The same work" refuses another method, host, path and claim. */
async function checkNativeWork(gateway: Gateway, world: World, tokens: Tokens): Promise<void> {
  const client = await Client.open(gateway.port("nativeWork"), 1);
  const bearer = (ent: string): Headers => ({
    authorization: `Bearer ${tokens.worker({ ...world.claims(1), ent })}`,
  });
  const cases: readonly [string, number, Headers, Target][] = [
    ["everything right", 200, bearer("alone"), {}],
    ["another method", 403, bearer("alone"), { method: "DELETE" }],
    ["another host", 403, bearer("alone"), { host: "other.example.com" }],
    ["another path", 403, bearer("alone"), { path: "/orders/7/8" }],
    ["another claim", 403, bearer("other"), {}],
    ["no token", 401, {}, {}],
  ];
  for (const [what, status, headers, target] of cases) {
    mustBe(`native, ${what}`, await client.status(headers, target), status);
  }
  client.close();
}

const record = z.looseObject({ verdict: z.string(), source: z.string() });

/** The record's source follows x-forwarded-for, else the forged grants would all come from one network. */
async function checkSources(gateway: Gateway, tokens: Tokens): Promise<void> {
  await sleep(5 * FLUSH_MS);
  gateway.emptyLog();
  const client = await Client.open(gateway.port("whole"), 1);
  const wanted: string[] = [];
  for (let i = 0; i < 3; i++) {
    const source = manySources(i, 2);
    wanted.push(source["x-forwarded-for"] ?? "");
    mustBe("forged", await client.status({ "x-break-glass": tokens.wrongSignature[i] ?? "", ...source }), 401);
  }
  client.close();
  await sleep(5 * FLUSH_MS);
  const records = gateway
    .logLines()
    .filter(isRecordLine)
    .map((line) => record.parse(JSON.parse(line)));
  for (const [i, address] of wanted.entries()) {
    mustBe("the record's verdict", records[i]?.verdict, "signature");
    mustBe("the record's source", records[i]?.source.replace(/:\d+$/, ""), address);
  }
}

/** The external server's decision is the independent reference's. */
async function checkAuthz(gateway: Gateway, world: World, tokens: Tokens): Promise<void> {
  const decider = new Decider(world.bundleClaims(), world.anchors.audience);
  const configuration = gateway.configuration(1);
  const { grants } = tokens;
  const all = [grants.Ed25519, grants.ES256].flatMap((kinds) => [kinds[1], kinds[2], kinds[3]]);
  const samples = [
    ...all,
    tokens.garbage,
    tokens.unknown,
    tokens.wrongSignature,
    tokens.wrongApproval,
    tokens.wrongApprovalOfOne,
  ];
  for (const grant of samples.flatMap((list) => list.slice(0, 2))) {
    for (const path of ["/orders/7", "/orders/7/8"]) {
      const request = { method: "GET", host: "api.example.com", path, isUpgrade: false };
      const wanted = await referenceDecision({ configuration, grants: [grant], request, now: world.now });
      mustBe("ext_authz", decider.decide(grant, request, world.now).code, wanted);
    }
  }
}

/** The base VM, the main thread's and the worker's, of all three modules: a worker without a filter would let requests pass. */
async function checkVms(gateway: Gateway): Promise<void> {
  const counts = await gateway.envoy.admin.stats("wasm_vm_count");
  mustBe("Wasm VMs", Math.max(...counts.values()), 9);
}

export async function checkAll(gateway: Gateway, world: World, tokens: Tokens): Promise<void> {
  await checkVms(gateway);
  await checkNativeWork(gateway, world, tokens);
  await checkSources(gateway, tokens);
  await checkAuthz(gateway, world, tokens);
}
