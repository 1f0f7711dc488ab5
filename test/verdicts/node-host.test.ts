import { describe, expect, it } from "vitest";
import { World } from "../kit/world.js";
import { referenceDecision } from "../reference/decide.js";
import { nodeGateway } from "./node-gateway.js";
import { rawPaths } from "./scopes.js";
import { runSuite } from "./suite.js";

runSuite("the Node host", nodeGateway);

describe("paths that Envoy itself refuses or normalises", () => {
  const world = new World(Math.floor(Date.now() / 1000));
  for (const path of rawPaths) {
    it(`${JSON.stringify(path)} is ambiguous`, async () => {
      const gateway = await nodeGateway();
      const configuration = world.configuration();
      await gateway.configure(configuration);
      const grants = [
        world.alone({ claims: { ent: "wide", authorization_details: [world.detail({ paths: ["/**"] })] } }),
      ];
      const bytes = Buffer.from(path, "utf8").toString("latin1");
      const [seen] = await gateway.send([{ grants, path: bytes }]);
      expect(seen?.verdict).toBe("path_ambiguous");
      const request = { method: "GET", host: "api.example.com", path: bytes, isUpgrade: false };
      expect(await referenceDecision({ configuration, grants, request, now: world.now })).toBe("path_ambiguous");
    });
  }
});
