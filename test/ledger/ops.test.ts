/** What somebody on call asks of a ledger at night, with the real command. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { glassgate } from "../cli/run.js";
import { newLedgerFolder, PASSPHRASE } from "./whole.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-ops-"));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(base, { recursive: true, force: true });
});

let folders = 0;
async function ledgerOf(yaml: string) {
  const parent = join(base, `ledger-${folders++}`);
  mkdirSync(parent);
  return { parent, ...(await newLedgerFolder(parent, yaml)) };
}
const run = (...args: readonly string[]) =>
  glassgate(["ledger", ...args], { cwd: base, env: { GLASSGATE_PASSPHRASE: PASSPHRASE } });

async function hookAnswering(status: number, got: unknown[]): Promise<string> {
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
    request.on("end", () => {
      got.push(JSON.parse(text));
      response.writeHead(status).end();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: AddressInfo | string | null = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/hook`;
}

describe("ledger test-alarms", () => {
  it("sends one marked test to each receiver, says who took it, and enters nothing", async () => {
    const secret = join(base, "webhook.secret");
    writeFileSync(secret, `whsec_${Buffer.alloc(32, 1).toString("base64")}`, { mode: 0o600 });
    const got: unknown[] = [];
    const hook = async (status: number): Promise<string> =>
      `{ url: "${await hookAnswering(status, got)}", secret_file: "${secret}", allow_private: true }`;
    const taken = join(base, "taken.json");
    const command = (...words: readonly string[]): string => `{ run: ${JSON.stringify(words)} }`;
    const works = command(process.execPath, "-e", "fs.writeFileSync(process.argv[1], fs.readFileSync(0))", taken);
    const bad = await ledgerOf(
      `alarms: { webhooks: [ ${await hook(204)}, ${await hook(500)} ], commands: [ ${works}, ${command("/no/such/pager")} ] }`,
    );
    const checkpoint = readFileSync(join(bad.folder, "checkpoint"), "utf8");
    const { code, stdout, stderr } = await run("test-alarms", bad.folder);
    expect(code, stderr).toBe(1);
    expect(stdout).toMatch(/^ok {6}webhook 1 .*\nFAILED {2}webhook 2 .*answered 500\.\nok {6}command 1 .*\nFAILED {2}command 2 .*does not exist/);
    expect(stderr).toContain("Next: ");
    const marked = { type: "glassgate.ledger.alarm", data: { code: "test", severity: "notice", entry: null } };
    expect(got).toMatchObject([marked, marked]);
    expect(JSON.parse(readFileSync(taken, "utf8"))).toMatchObject(marked);
    expect(readFileSync(join(bad.folder, "checkpoint"), "utf8")).toBe(checkpoint);

    const good = await ledgerOf(`alarms: { commands: [ ${works} ] }`);
    const json = await run("test-alarms", good.folder, "--json");
    expect([json.code, JSON.parse(json.stdout)]).toEqual([
      0,
      { receivers: [{ name: expect.stringContaining("command 1"), delivered: true, fault: null }] },
    ]);
    const nobody = await run("test-alarms", (await ledgerOf("")).folder);
    expect([nobody.code, nobody.stderr]).toEqual([2, expect.stringMatching(/names nobody who gets alarms[\s\S]*docs\/alarms\.md/)]);
  });
});
