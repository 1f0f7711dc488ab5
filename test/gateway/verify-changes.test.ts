/** Dangerous changes of the project's own configurations: each is named; each that can be seen is seen on a real Envoy. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isRecordLine } from "../../control/base/audit.js";
import { type Answer, send } from "../../control/gateway/client.js";
import { verifyGateway } from "../../control/gateway/verify/index.js";
import { World } from "../kit/world.js";
import { changes } from "./verify/changes.js";
import { edited, texts } from "./verify/files.js";
import { type Stage, startStage } from "./verify/stage.js";

describe("what is dangerous is named", () => {
  for (const { name, base = "standard", edit, says, level = "danger" } of changes) {
    it(name, () => {
      const findings = verifyGateway(edited(texts[base], edit), "test.yaml");
      expect(findings.map(({ message }) => message)).toContainEqual(expect.stringMatching(says));
      const found = findings.find(({ message }) => says.test(message));
      expect(found).toMatchObject({ level, mend: expect.stringMatching(/\S/), name: expect.stringMatching(/@/) });
      expect(found?.line).toBeGreaterThan(1);
    });
  }
});

describe("and is dangerous, on a real Envoy", () => {
  const world = new World(Math.floor(Date.now() / 1000));
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage(world);
  });
  afterAll(() => stage?.stop());

  const read = (name: string, kind: "audit" | "access"): string =>
    readFileSync(stage.logOf(name, kind), { encoding: "utf8", flag: "a+" });

  it("and all of it is named alike in its /config_dump", async () => {
    const found = (text: string): Set<string> =>
      new Set(
        verifyGateway(text, "x").map(({ level, name, message }) => `${level} ${name.replace(/#\d+$/, "")} ${message}`),
      );
    const dump = await (await fetch(`http://${stage.test.envoy.admin.address}/config_dump?include_eds`)).text();
    const named = found(stage.config);
    expect(named.size).toBeGreaterThan(50);
    expect(found(dump)).toEqual(named);
  });

  for (const { name, base = "standard", effect, listener } of changes) {
    if (effect === undefined) continue;
    const { method, path = "/orders/7", headers } = effect;
    const ask = (port: number, grant?: string): Promise<Answer> =>
      send({
        port,
        path,
        ...(method === undefined ? {} : { method }),
        headers: { ...headers, ...(grant === undefined ? {} : { "x-break-glass": grant }) },
      });
    it(name, async () => {
      const port = stage.portOf(name, listener);
      if (effect.kind === "open") {
        expect([401, 403]).toContain((await ask(stage.portOf(`good ${base}`))).status);
        expect((await ask(port)).status).toBe(200);
        return;
      }
      const grant = world.alone();
      const answer = await ask(port, grant);
      if (effect.kind === "logged") {
        await expect.poll(() => read(name, "access"), { timeout: 20_000 }).toContain(grant.slice(0, 60));
        return;
      }
      expect(answer.status).toBe(200);
      if (effect.kind === "upstream") {
        if (effect.gets !== "the grant") expect(answer.body).toMatch(effect.gets);
        else {
          expect(answer.body).toContain(grant);
          expect((await ask(stage.portOf("good standard"), grant)).body).not.toContain(grant);
        }
        return;
      }
      // The access line is there, so the record would be.
      await expect.poll(() => read(name, "access"), { timeout: 20_000 }).toContain("allow");
      expect(read(name, "audit").split("\n").filter(isRecordLine)).toEqual([]);
    });
  }
});
