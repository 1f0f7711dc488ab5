/** Grants that are bound to a key (`cnf: {"jkt"}`), on both gateways: nothing opens without a proof for this very request. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { proofOf } from "../kit/proofs.js";
import { newSigner, type Signer } from "../kit/token.js";
import { HOST, type Json, World } from "../kit/world.js";
import { referenceDecision } from "../reference/decide.js";
import type { UsedProofs } from "../reference/proof.js";
import { DEFAULTS, type Gateway, type Observed, type Sent } from "./driver.js";
import { envoyGateway } from "./envoy-gateway.js";
import { nodeGateway } from "./node-gateway.js";
import { type Bound, proofCases } from "./proofs.js";

const nowSeconds = (): number => Math.floor(Date.now() / 1000);
const WIDE = { locations: [HOST], actions: ["GET", "POST", "CONNECT"], paths: ["/**"] };

/** A grant that its holder alone can use. */
const boundTo = (world: World, key: Signer, claims: Json = {}): string =>
  world.alone({
    claims: { ent: "wide", cnf: { jkt: key.kid }, authorization_details: [world.detail(WIDE)], ...claims },
  });

/** The table of used proofs takes none of the second in which it was made. */
async function untilTheNextSecond(): Promise<void> {
  const second = nowSeconds();
  while (nowSeconds() <= second) await new Promise((resolve) => setTimeout(resolve, 20));
}

function runProofs(name: string, start: (world: World) => Promise<Gateway>): void {
  const world = new World(nowSeconds());
  const configuration = world.configuration();
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await start(world);
    await gateway.configure(configuration);
    await untilTheNextSecond();
  });
  afterAll(() => gateway.stop());

  const ask = async (...requests: readonly Sent[]): Promise<Observed[]> => gateway.send(requests);
  describe(`${name}: a proof`, () => {
    it("is judged as each case says, and as the reference says", async () => {
      const key = newSigner("Ed25519");
      const grant = boundTo(world, key);
      const used: UsedProofs = new Map();
      const sent = proofCases.map((item): Sent => {
        const bound: Bound = { world, key, grant };
        const own = item.grant?.(bound) ?? grant;
        return { ...item.request, grants: [own], proofs: item.proofs({ ...bound, grant: own }) };
      });
      const seen = await ask(...sent);
      const now = nowSeconds();
      const expected = [];
      for (const [
        i,
        { grants, proofs = [], headers, method = DEFAULTS.method, host = HOST, path = DEFAULTS.path },
      ] of sent.entries()) {
        const request = { method, host, path, isUpgrade: headers?.upgrade !== undefined, proofs, used };
        const reference = await referenceDecision({ configuration, grants, request, now });
        expected.push({ name: proofCases[i]?.name, verdict: proofCases[i]?.verdict, reference });
      }
      const told = seen.map(({ verdict }, i) => ({ name: proofCases[i]?.name, verdict, reference: verdict }));
      expect(told).toEqual(expected);
    });
  });

  describe(`${name}: a grant that is bound to a key`, () => {
    it("opens nothing without it, also where it was accepted before", async () => {
      const [key, thief] = [newSigner("ES256"), newSigner("ES256")];
      const grant = boundTo(world, key);
      const proofs = [[], [proofOf(thief, { grant })], [proofOf(key, { grant })], [], [proofOf(thief, { grant })]];
      const seen = await ask(...proofs.map((lines): Sent => ({ grants: [grant], proofs: lines })));
      expect(seen.map(({ verdict, status }) => [verdict, status])).toEqual([
        ["binding_missing", 401],
        ["binding_mismatch", 401],
        ["allow", 200],
        ["binding_missing", 401],
        ["binding_mismatch", 401],
      ]);
      expect(seen.map(({ audit }) => audit?.includes('"cached":true'))).toEqual([false, false, false, true, true]);
      // No proof reaches anybody.
      for (const { upstream, logged, body } of seen) {
        expect(upstream?.dpop).toBeUndefined();
        for (const proof of proofs.flat()) expect(logged + body).not.toContain(proof);
      }
    });

    it("is opened by each proof once, and by none that was made for another grant", async () => {
      const key = newSigner("Ed25519");
      const [grant, other] = [boundTo(world, key), boundTo(world, key)];
      const [first, second] = [proofOf(key, { grant }), proofOf(key, { grant: other })];
      const seen = await ask(
        { grants: [grant], proofs: [second] },
        { grants: [grant], proofs: [first] },
        { grants: [grant], proofs: [first] },
        { grants: [other], proofs: [first] },
        { grants: [other], proofs: [second] },
      );
      expect(seen.map(({ verdict }) => verdict)).toEqual(["proof", "allow", "proof", "proof", "allow"]);
    });
  });
}

runProofs("the Node host", () => nodeGateway());
runProofs("Envoy", (world) => envoyGateway(world));
