/** A grant that the command itself made, with a bundle that it signed, on Kong's own module: allowed, and ended by the next bundle. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Party } from "../kit/party.js";
import { forKong } from "./gateway.js";
import { type KongModule, named, startKongModule } from "./nginx.js";
import { nginx } from "./process.js";
import type { Line } from "./raw.js";

describe.skipIf(nginx === undefined)(named("the command's grant on Kong's module"), () => {
  let party: Party;
  let module: KongModule;
  let generation = 0;
  const configuration = (): string => {
    const text = (file: string): string => readFileSync(join(party.folder, file), "utf8").trim();
    generation += 1;
    return forKong(JSON.stringify({ generation, ...JSON.parse(text("anchors.json")), bundle: text("bundle.jws") }));
  };
  beforeAll(async () => {
    party = await Party.make();
    module = await startKongModule({ workers: 2, filter: "glassgate", configuration: configuration() });
  });
  afterAll(async () => {
    await module?.stop();
    party?.end();
  });

  it("opens what was approved, nothing else, and not after it was revoked", async () => {
    const ask = await party.ask();
    const approvals = [await party.approve(ask, "adam"), await party.approve(ask, "anna")];
    const files = [party.write("ask.txt", ask), ...approvals.map((text, i) => party.write(`approval-${i}.txt`, text))];
    const { code, stdout } = await party.run(["grant", ...files, "--key", "rita"]);
    expect(code).toBe(0);
    const lines: Line[] = [["x-break-glass", stdout.trim()]];
    expect(await module.send({ lines, target: "/orders/42" })).toMatchObject({
      status: 200,
      upstream: { target: "/orders/42" },
    });
    expect(await module.send({ lines, target: "/customers/42" })).toMatchObject({ status: 403, upstream: undefined });
    expect(await module.send({ lines, method: "DELETE" })).toMatchObject({ status: 403, upstream: undefined });
    const withoutAdam = [["x-break-glass", stdout.trim().split("~").slice(0, 2).join("~")]] as const;
    expect((await module.send({ lines: withoutAdam })).upstream).toBeUndefined();
    await party.pin({ revoked: { sub: ["rita"] } });
    expect(await module.reload("glassgate", configuration())).toEqual(["built", "built"]);
    for (let i = 0; i < 4; i++)
      expect(await module.send({ lines })).toMatchObject({ status: 401, upstream: undefined });
  });
});
