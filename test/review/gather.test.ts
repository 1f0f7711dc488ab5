import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { inside } from "../cli/inside.js";
import { key, Scene } from "./scene.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-review-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe("x", () => {
  it("y", async () => {
    const scene = await Scene.start();
    const grant = scene.world.grant();
    scene.pass(20_000);
    await scene.call({ grant });
    await scene.call({ grant, path: "/other" });
    await scene.call({ grant, method: "POST", source: "198.51.100.7:1" });
    await scene.write(join(base, "log"));
    const list = await scene.read(join(base, "log"));
    writeFileSync(join(base, "k.vkey"), key.vkey);
    for (const args of [
      ["list"],
      ["overdue"],
      ["show", list.reviews[0]?.jti ?? ""],
      ["show", "--csv", list.reviews[0]?.jti ?? ""],
      ["show", "nobody"],
      ["show", "--help"],
    ]) {
      const [command = "", ...rest] = args;
      const ran = await inside(["review", command, join(base, "log"), ...rest, "--key", join(base, "k.vkey")], {});
      console.log(args.join(" "), ran.code, ran.stderr, ran.stdout);
    }
    expect(list.reviews).toHaveLength(1);
  });
});
