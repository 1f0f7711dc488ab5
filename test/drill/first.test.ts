/** The first drill, by the very lines of docs/drills.md, without a ledger: the gateway's own audit log has the records. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseDocument } from "yaml";
import type { Report } from "../../control/drill/model.js";
import { readKeyFile } from "../../control/signer/keyfile.js";
import { makeProject, type Project } from "../cli/project.js";
import { atTerminal, freePort, type Ran, shell } from "../cli/run.js";

let project: Project;
const env = (): Record<string, string> => ({
  GLASSGATE_KEYS: project.keys,
  GLASSGATE_PASSPHRASE: project.passphrase,
});
const run = (line: string): Promise<Ran> =>
  shell(line.replaceAll("glassgate ", "npx glassgate "), { cwd: project.folder, env: env() });

beforeAll(async () => {
  project = await makeProject();
});
afterAll(async () => {
  await run("glassgate gateway stop gateway.yaml");
  project.remove();
});

/** What stands in the blocks of shell of the doc's first part, line by line. */
const [, first = ""] =
  /^## The first one in five minutes$([\s\S]*?)^## /m.exec(
    readFileSync(new URL("../../docs/drills.md", import.meta.url), "utf8"),
  ) ?? [];
const lines = [...first.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = ""]) => block.trim().split("\n"));

function paste(): void {
  const file = join(project.folder, "roster.yaml");
  const roster = parseDocument(readFileSync(file, "utf8"));
  for (const [index, name] of [
    [4, "drill-rita"],
    [5, "drill-adam"],
  ] as const) {
    expect(roster.getIn(["principals", index, "id"])).toBe(name);
    roster.setIn(["principals", index, "keys"], [readKeyFile(join(project.keys, `${name}.key.json`)).public]);
  }
  writeFileSync(file, roster.toString());
}

it("is green", async () => {
  const [port, admin, upstream] = [await freePort(), await freePort(), await freePort()];
  const rendered = `glassgate gateway render --demo-idp --port ${port} --admin-port ${admin} --upstream 127.0.0.1:${upstream} --output gateway.yaml`;
  expect(await run(rendered)).toMatchObject({ code: 0 });
  expect(await run("glassgate gateway run gateway.yaml --background --demo-upstream")).toMatchObject({ code: 0 });
  let last: Ran | undefined;
  for (const line of lines) {
    if (line.startsWith("glassgate bundle build")) paste();
    const isAsked = line.startsWith("glassgate bundle sign");
    last = isAsked
      ? await atTerminal(line.replace("glassgate ", "npx glassgate "), [[/stop: $/, "yes"]], {
          cwd: project.folder,
          env: env(),
        })
      : await run(line);
    expect(last.code, `${line}\n${last.stdout}${last.stderr}`).toBe(0);
  }
  expect(last?.stdout).toContain(", 0 not, ");
  expect(last?.stdout).toContain("the drill file names no ledger");
  const [folder = ""] = readdirSync(join(project.folder, "drills"));
  for (const line of [`drill verify drills/${folder}`, "drill due drills --anchors anchors.json --bundle bundle.jws"])
    expect(await run(`glassgate ${line}`)).toMatchObject({ code: 0 });
  const report: Report = JSON.parse(readFileSync(join(project.folder, "drills", folder, "report.json"), "utf8"));
  expect(report.gateways).toEqual([
    expect.objectContaining({
      id: "gateway-1",
      bundle: 2,
      envoy: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      filter: expect.stringMatching(/^[0-9a-f]{64}$/),
    }),
  ]);
});
