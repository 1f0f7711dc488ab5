/** The README's own lines, in its order, unedited, at a terminal and on a real Envoy. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { findEnvoy } from "../../control/gateway/find.js";
import { repository, shellLines } from "./doc-commands.js";
import { newcomer } from "./newcomer.js";
import { privately } from "./private-network.js";
import { run } from "./run.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-readme-"));
const folder = join(base, "break-glass");
const env = newcomer(base);
afterAll(() => rmSync(base, { recursive: true, force: true }));

const isSetUp = (line: string): boolean => line.startsWith("npm ");
/** Seconds that a step took, and the step. */
const TIMED = /^@@ (\d+) (.*)$/gm;

/** "Put it into that person's `keys` in `roster.yaml`", as the reader does by hand. */
function fillScript(): string {
  const path = join(base, "fill.mjs");
  const yaml = JSON.stringify(join(repository, "node_modules/yaml/dist/index.js"));
  writeFileSync(
    path,
    `import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import yaml from ${yaml};
const document = yaml.parseDocument(readFileSync("roster.yaml", "utf8"));
for (const [index, name] of [[0, "rita"], [2, "adam"], [3, "anna"]]) {
  const key = JSON.parse(execFileSync("glassgate", ["key", "show", name, "--json"], { encoding: "utf8" }));
  document.setIn(["principals", index, "keys"], [key]);
}
writeFileSync("roster.yaml", document.toString());
`,
  );
  return `node ${path}`;
}

/** The lines as a shell script that says before each what it is, and stops at the first that fails. */
function script(lines: readonly string[]): string {
  const path = join(base, "session.sh");
  const steps = lines.flatMap((line) => [
    ...(line.startsWith("glassgate bundle build") ? [fillScript()] : []),
    "start=$(date +%s%3N)",
    line,
    `echo "@@ $(($(date +%s%3N) - start)) ${JSON.stringify(line.split("\n", 1)[0])
      .slice(1, -1)
      .replaceAll(/[$`"\\]/g, "\\$&")}"`,
  ]);
  writeFileSync(
    path,
    ["set -e", 'trap "glassgate gateway stop gateway.yaml 2>/dev/null || true" EXIT', ...steps].join("\n"),
  );
  return path;
}

/** At a terminal of that width. */
async function session(lines: readonly string[], columns = 80): Promise<{ code: number | null; printed: string }> {
  const terminal = fileURLToPath(new URL("terminal.py", import.meta.url));
  const answers = lines.map(() => ['"yes"[^"]*: $', "yes\n"]); // At most one question a line.
  const plan = JSON.stringify({ answers, columns });
  const [program = "", ...args] = privately(["python3", terminal, plan, "bash", script(lines)]);
  const { code, stdout, stderr } = await run(program, args, { cwd: base, env });
  return { code, printed: `${stdout}${stderr}`.replaceAll("\r\n", "\n") };
}

// In a network of our own nothing can be fetched.
beforeAll(async () => {
  await findEnvoy();
}, 300_000);

it("lead from nothing to an answer of the upstream", async () => {
  const install = shellLines("README.md").find((line) => line === "npm install --global --ignore-scripts .");
  expect(install).toBeDefined();
  const installed = await run("bash", ["-c", install ?? ""], { cwd: repository, env });
  expect(installed.code, installed.stderr).toBe(0);

  const lines = shellLines("README.md").filter((line) => !isSetUp(line));
  expect(lines.length).toBeGreaterThanOrEqual(17);
  const { code, printed } = await session(lines);
  expect(code, printed).toBe(0);
  expect([...printed.matchAll(TIMED)].map(([, , line]) => line)).toHaveLength(lines.length);
  if (process.env.GLASSGATE_TIMES !== undefined) console.log(printed);

  expect(printed).toContain("Envoy 1.");
  expect(printed).toMatch(/^applied: version 1 on all 3 VMs after \d+ ms/m);
  const answers = [...printed.matchAll(/^\{"method":.*\}$/gm)].map(([text]): unknown => JSON.parse(text));
  expect(answers).toMatchObject([
    { method: "POST", path: "/orders/42", headers: { host: "api.example.com" } },
    { method: "GET", path: "/orders/42" },
  ]);
  expect(printed.replaceAll(/\s+/g, " ")).toContain("all else is allowed"); // But for the key, which is the user's to show.
  expect(printed).toContain("The gateway has stopped.");

  // The logs are where the configuration is, and hold no credential.
  const audit = readFileSync(join(folder, "logs", "audit.log"), "utf8");
  expect(audit).toContain('"verdict":"allow"');
  const access = readFileSync(join(folder, "logs", "access.log"), "utf8");
  expect(access.split("\n").filter((line) => line !== "")).toHaveLength(2);
  const grant = readFileSync(join(folder, "grant.txt"), "utf8");
  expect(grant).toMatch(/^x-break-glass: [\w~.-]+\n$/);
  expect(access + audit).not.toContain(grant.slice("x-break-glass: ".length).trim());
  expect(parseDocument(readFileSync(join(folder, "gateway.yaml"), "utf8")).errors).toEqual([]);
}, 300_000);

it("stand in docs/getting-started.md as well", () => {
  const known = shellLines("docs/getting-started.md").map((line) => line.replace(/\s+#.*$/, ""));
  for (const line of shellLines("README.md").filter((text) => !text.startsWith("npm install &&")))
    expect(known).toContain(line.replace(/\s+#.*$/, ""));
});
