/** What an approver gets: the packed command, installed elsewhere. docs/getting-started.md, the last part. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { repository, shellLines } from "./doc-commands.js";
import { newcomer } from "./newcomer.js";
import { freePort, run } from "./run.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-package-"));
const env = newcomer(base);
const UNKNOWN = 54321;
const AS_NOBODY = `import os,sys; os.setgroups([]); os.setgid(${UNKNOWN}); os.setuid(${UNKNOWN}); os.execvp(sys.argv[1], sys.argv[1:])`;
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

  // A user whom the system does not know, without HOME, as a container may have: only root can become one.
  if (process.getuid?.() !== 0) return;
  const nobody = (line: string, ...more: string[]) =>
    run("env", ["-i", `PATH=${env.PATH}`, ...more, "python3", "-c", AS_NOBODY, "bash", "-c", line], { cwd: "/" });
  chmodSync(base, 0o755);
  expect(await nobody("glassgate --version")).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
  const listed = await nobody("glassgate key list");
  expect({ code: listed.code, stderr: listed.stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/--keys/) });
  expect(await nobody("glassgate key list --json", `GLASSGATE_KEYS=${base}/none`)).toMatchObject({ stderr: "" });
  const config = join(base, "own", "gateway.yaml");
  mkdirSync(join(base, "own"));
  const text = readFileSync(join(project, "gateway.yaml"), "utf8").replaceAll(project, join(base, "own"));
  writeFileSync(
    config,
    text
      .replace("port_value: 10000", `port_value: ${await freePort()}`)
      .replace("port_value: 9901", `port_value: ${await freePort()}`),
  );
  chownSync(join(base, "own"), UNKNOWN, UNKNOWN);
  chmodSync(join(base, "lib/node_modules/glassgate"), 0o555);
  const ran = await nobody(`glassgate gateway run ${config}`, "GLASSGATE_ENVOY_VERSION=1.40.0");
  expect(ran).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/There is no place for an Envoy in .*ENVOY_BIN/s),
  });
}, 300_000);
