/** A ledger and the agent that follows gateways to it, as docs/ledger.md has them for several gateways: token, ledger.yaml, follow.yaml. */
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type LedgerFolder, newLedgerFolder } from "../../test/ledger/whole.js";

/** A port that is free now: the same one is listened on after each start. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** What the agent follows of a gateway; paths count from the folder. */
export interface FollowedFiles {
  readonly id: string;
  readonly audit: string;
  readonly answers: string;
  readonly admin: string;
  /** The gateway's own configuration. */
  readonly envoy: string;
}

export interface AgentOptions {
  /** Where anchors.json is, and where all is written. */
  readonly folder: string;
  readonly gateways: readonly FollowedFiles[];
  /** More lines of ledger.yaml. */
  readonly more?: string;
  /** What stands behind the sender; default: the ledger's own quota. */
  readonly quota?: string;
}

/** Of the files that `verify` and `follow` are given. */
export const vkeyFile = (folder: string): string => join(folder, "ledger.vkey");
export const anchorsFile = (folder: string): string => join(folder, "anchors.json");
export const followFile = (folder: string): string => join(folder, "follow.yaml");

export async function writeAgent({ folder, gateways, more = "", quota }: AgentOptions): Promise<LedgerFolder> {
  const port = await freePort();
  const token = randomBytes(24).toString("base64url");
  const digest = createHash("sha256").update(token).digest("hex");
  const speaksFor = gateways.map(({ id }) => id).join(", ");
  const allowed = quota === undefined ? "" : `, quota: ${quota}`;
  const ledger = await newLedgerFolder(
    folder,
    `anchors: [ ../anchors.json ]
${more}senders:
  - { name: agent, tokens: [ ${digest} ], speaks_for: [ ${speaksFor} ], follows: true${allowed} }
listen: { address: "127.0.0.1:${port}", read: public }
`,
  );
  writeFileSync(vkeyFile(folder), `${ledger.vkey}\n`);
  writeFileSync(join(folder, "agent.token"), `${token}\n`, { mode: 0o600 });
  const rows = gateways.map(
    ({ id, audit, answers, admin, envoy }) =>
      `  - { id: ${id}, audit: ${audit}, answers: ${answers}, admin: "${admin}", envoy: ${envoy} }\n`,
  );
  writeFileSync(
    followFile(folder),
    `gateways:
${rows.join("")}heartbeat: 1s
to: { url: "http://127.0.0.1:${port}", token_file: agent.token }
state: positions
`,
  );
  return ledger;
}
