/** A project that is put through inputs of any kind: nothing ends in exit 70, in a stack, or in something half-written. */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import { renderGateway } from "../../control/gateway/render.js";
import { wasmPath } from "../../control/host/wasm.js";
import { readAnchors } from "../../control/trust/anchors.js";
import { inside } from "./inside.js";
import { makeProject, type Project } from "./project.js";
import type { Ran } from "./run.js";

export let project: Project;
export let ask: string;
export let env: Record<string, string>;
/** Files of the project as they were made. */
export const originals = new Map<string, Buffer>();

/** Everything that is in the folder and in the folder of keys: names, kinds and contents. */
export function listing(): string {
  return [project.folder, project.keys]
    .flatMap((root) =>
      readdirSync(root, { recursive: true, encoding: "utf8" })
        .sort()
        .map((name) => {
          if (!lstatSync(join(root, name)).isFile()) return name;
          return `${name} ${createHash("sha256")
            .update(readFileSync(join(root, name)))
            .digest("hex")}`;
        }),
    )
    .join("\n");
}

export function restore(): void {
  for (const name of readdirSync(project.folder)) rmSync(join(project.folder, name), { recursive: true, force: true });
  for (const [name, bytes] of originals) writeFileSync(join(project.folder, name), bytes);
  for (const name of readdirSync(project.keys)) {
    if (!/^(?:root-[123]|rita|adam|anna)\.key\.json$/.test(name)) rmSync(join(project.keys, name), { recursive: true });
  }
}

/** Inputs that ended in another way than they may, one of each kind. */
export const faults = new Map<string, string>();

export function judge(ran: Ran, input: string, before: string): void {
  const shown = `${input.slice(0, 1500)}\n=> ${ran.code}\n${ran.stderr.slice(0, 2500)}`;
  const note = (kind: string): void =>
    void faults.set(`${kind}: ${ran.stderr.split("\n", 1)[0]?.slice(0, 120)}`, shown);
  if (![0, 1, 2, 130].includes(ran.code ?? -1)) note(`exit ${ran.code}`);
  if (/went wrong|^\s+at .*[:(]\d+|unsettled|ExperimentalWarning/m.test(ran.stderr)) note("stack or defect");
  if (ran.code === 0 || ran.code === 1) return;
  if (!/^error: \S/m.test(ran.stderr)) note("no sentence");
  if (listing() !== before) note("something was written");
}

export async function tryInside(args: readonly string[], input = JSON.stringify(args)): Promise<void> {
  const before = listing();
  const ran = await inside(args, { cwd: project.folder, env });
  judge(ran, `glassgate ${args.join(" ").slice(0, 300)}\n${input}`, before);
  if (ran.code === 0) restore();
}

afterEach(() => {
  restore();
  const found = [...faults].map(([kind, shown]) => `${kind}\n${shown}`).join("\n\n");
  faults.clear();
  if (found !== "") throw new Error(found);
});

beforeAll(async () => {
  project = await makeProject();
  env = {
    GLASSGATE_KEYS: project.keys,
    GLASSGATE_PASSPHRASE: project.passphrase,
    PATH: "/nowhere",
    ENVOY_BIN: "/nowhere/envoy",
  };
  ask = await project.ask();
  writeFileSync(join(project.folder, "ask.txt"), ask);
  writeFileSync(join(project.folder, "bundle.next"), JSON.stringify({ ...project.claims, version: 2 }));
  mkdirSync(join(project.folder, "ecds"));
  const gateway = renderGateway({
    anchors: readAnchors(join(project.folder, "anchors.json")),
    wasmPath,
    ecdsPath: join(project.folder, "ecds", "glassgate.json"),
    listen: { port: 0 },
    adminPort: 0,
    upstream: { host: "127.0.0.1", port: 1 },
    accessLogPath: "/dev/null",
    require: true,
  });
  writeFileSync(join(project.folder, "gateway.yaml"), gateway);
  rmSync(join(project.folder, "ecds"), { recursive: true });
  for (const name of readdirSync(project.folder)) originals.set(name, readFileSync(join(project.folder, name)));
});
afterAll(() => project.remove());

export const key = ["--key", "rita"];
