/** What an approver gets: the packed command, installed elsewhere. docs/getting-started.md, the last part. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { repository, shellLines } from "./doc-commands.js";
import { newcomer } from "./newcomer.js";
import { run } from "./run.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-package-"));
const env = newcomer(base);
afterAll(() => rmSync(base, { recursive: true, force: true }));

it("is packed, installed and finds its filter", async () => {
  const lines = shellLines("docs/getting-started.md");
  const at = lines.indexOf("npm pack");
  const shell = (line: string | undefined, cwd: string) => run("bash", ["-c", line ?? ""], { cwd, env });
  const packed = await shell(`${lines[at]} --pack-destination ${base}`, repository);
  expect(packed.code, packed.stderr).toBe(0);
  const installed = await shell(lines[at + 1], base);
  expect(installed.code, installed.stderr).toBe(0);
  expect((await shell("glassgate --version", base)).stdout).toBe("0.1.0\n");
  expect((await shell("glassgate approve --help", base)).stdout).toContain("Examples:");
  expect(await shell("glassgate init project", base)).toMatchObject({ code: 0 });

  const project = join(base, "project");
  const anchors = await shell(lines[at + 2], project);
  expect(anchors).toMatchObject({ code: 0, stdout: expect.stringMatching(/^words {6}([a-z]{5} ?){6}$/m) });
  expect(await shell(lines[at + 3], project)).toMatchObject({ code: 0 });
  const wasm = join(base, "lib/node_modules/glassgate/build/glassgate.wasm");
  expect(statSync(wasm).size).toBeGreaterThan(100_000);
  expect(await shell("glassgate gateway render --require --output gateway.yaml", project)).toMatchObject({ code: 0 });
  expect(readFileSync(join(project, "gateway.yaml"), "utf8")).toContain(`filename: ${wasm}`);
}, 300_000);
