/** Grants that are bound to a key (`cnf: {"jkt"}`), on both gateways: nothing opens without a proof for this very request. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { proofClaims, proofOf } from "../kit/proofs.js";
import { newSigner, type Signer } from "../kit/token.js";
import { HOST, type Json, World } from "../kit/world.js";
import { referenceDecision } from "../reference/decide.js";
import type { UsedProofs } from "../reference/proof.js";
import { DEFAULTS, type Gateway, type Observed, type Sent } from "./driver.js";
import { envoyGateway } from "./envoy-gateway.js";
import { nodeGateway } from "./node-gateway.js";
import { type Bound, proofCases } from "./proofs.js";

const nowSeconds = (): number => Math.floor(Date.now() / 1000);
const WIDE = { locations: [HOST], actions: ["GET", "POST"], paths: ["/**"] };

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
  const verdicts = async (...requests: readonly Sent[]): Promise<(string | undefined)[]> =>
    (await ask(...requests)).map(({ verdict }) => verdict);

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
      const expected = [];
      for (const [
        i,
        { grants, proofs = [], method = DEFAULTS.method, host = HOST, path = DEFAULTS.path },
      ] of sent.entries()) {
        const request = { method, host, path, isUpgrade: false, proofs, used };
        const reference = await referenceDecision({ configuration, grants, request, now: nowSeconds() });
        expected.push({ name: proofCases[i]?.name, verdict: proofCases[i]?.verdict, reference });
      }
      const told = seen.map(({ verdict }, i) => ({ name: proofCases[i]?.name, verdict, reference: verdict }));
      expect(told).toEqual(expected);
    });
  });
}

runProofs("the Node host", nodeGateway);
runProofs("Envoy", (world) => envoyGateway(world));
