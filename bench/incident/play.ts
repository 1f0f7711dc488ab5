/** Plays the incident at a terminal, on a real Envoy and a real ledger, in a folder and a network of its own. */
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newcomer } from "../../test/cli/newcomer.js";
import { privately } from "../../test/cli/private-network.js";
import { run } from "../../test/cli/run.js";
import { type Step, setUp, story } from "./steps.js";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const COLUMNS = 120;
const MARK = "@@ step";

export interface Played {
  readonly step: Step;
  readonly printed: string;
}

/** "Put it into that person's `keys`", as the reader does by hand; who may revoke; and olga, who may review. */
const FILL = (yaml: string): string => `import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import yaml from ${JSON.stringify(yaml)};
const document = yaml.parseDocument(readFileSync("roster.yaml", "utf8"));
document.set("revokers", ["security"]);
document.set("reviewers", ["audit"]);
document.addIn(["principals"], document.createNode({ id: "olga", roles: ["audit"], keys: [] }));
for (const [index, name] of [[0, "rita"], [2, "adam"], [3, "anna"], [4, "olga"]])
  document.setIn(["principals", index, "keys"], [JSON.parse(execFileSync("glassgate", ["key", "show", name, "--json"], { encoding: "utf8" }))]);
writeFileSync("roster.yaml", document.toString());
`;

function write(path: string, text: string, mode = 0o644): string {
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** @returns the steps with what each printed, and the folder, which the caller removes */
export async function play(): Promise<{ readonly base: string; readonly folder: string; readonly played: Played[] }> {
  const base = mkdtempSync(join(tmpdir(), "glassgate-incident-"));
  const env: Record<string, string> = { ...newcomer(base), TZ: "UTC" };
  const bin = join(base, "glassgate");
  write(bin, `#!/bin/sh\nexec "${process.execPath}" "${join(repository, "dist/cli/main.js")}" "$@"\n`, 0o755);
  const fill = write(join(base, "fill.mjs"), FILL(join(repository, "node_modules/yaml/dist/index.js")));
  const lines = [
    "set -e",
    'trap "glassgate gateway stop gateway.yaml > stopped.txt 2>&1 || true; kill $SERVING 2> killed.txt || true" EXIT',
    ...setUp(`node ${fill}`),
    ...story.flatMap(({ line }, i) => [`echo "${MARK} ${i}"`, line.replaceAll(" GRANT ", " $GRANT ")]),
    `echo "${MARK} ${story.length}"`,
    'echo "$GRANT"',
  ];
  const terminal = join(repository, "test/cli/terminal.py");
  const plan = JSON.stringify({ answers: lines.map(() => ['"yes"[^"]*: $', "yes\n"]), columns: COLUMNS });
  const script = write(join(base, "incident.sh"), lines.join("\n"));
  const [program = "", ...args] = privately(["python3", terminal, plan, "bash", script]);
  const { code, stdout, stderr } = await run(program, args, {
    cwd: base,
    env: { ...env, PATH: `${base}:${env.PATH ?? ""}` },
  });
  const all = stdout.replaceAll("\r\n", "\n");
  if (code !== 0) throw new Error(`It ended with ${code}:\n${all}${stderr}`);
  const [, ...parts] = all.split(new RegExp(`^${MARK} \\d+\n`, "m"));
  const grant = parts.pop()?.trim() ?? "";
  const played = story.map((step, i) => {
    const printed = parts[i] ?? "";
    if (!step.sees.test(printed)) throw new Error(`${step.line}\ndid not print ${step.sees}, but:\n${printed}`);
    return { step: { ...step, line: step.line.replaceAll(" GRANT ", ` ${grant} `) }, printed };
  });
  return { base, folder: join(base, "break-glass"), played };
}
