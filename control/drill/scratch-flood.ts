/** Forged grants at full rate, from another source than all else: what each of them was answered is counted, and so are their records. */
import { randomBytes, randomUUID } from "node:crypto";
import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../base/errors.js";
import { outgoingHeaders } from "../caller/headers.js";
import type { Admin } from "../gateway/admin.js";
import type { Flood, MadeGrant } from "./model.js";
import { recordsIn } from "./scratch-chains.js";
import { type Listener, sendOver } from "./scratch-wire.js";
import { SCRATCH_TARGET } from "./scratch-world.js";
import { headersOf } from "./wire.js";

/** Any address of 127/8 is this machine. */
const FLOODER = "127.66.0.1";
const CONNECTIONS = 24;
/** Counters are handed over within half a second, and the log is flushed more often. */
const COUNTED_MS = 10_000;

/** Another signature each time: bytes that could be one, so that the filter must look at them. */
export function forge({ text, ...grant }: MadeGrant): MadeGrant {
  const [signed = "", ...approvals] = text.split("~");
  const [header, payload] = signed.split(".");
  const signature = randomBytes(64);
  // Below the group's order (RFC 8032, section 5.1.7): else no multiplication is needed to refuse it.
  signature.writeUInt8(signature.readUInt8(63) & 0x0f, 63);
  return { ...grant, text: [`${header}.${payload}.${signature.toString("base64url")}`, ...approvals].join("~") };
}

/** @returns a verdict, a status without one, or why there was no answer */
function answerTo(grant: MadeGrant, listener: Listener, agent: Agent): Promise<string> {
  const { method, host, path } = SCRATCH_TARGET;
  return new Promise((resolve) => {
    const outgoing = request({
      ...{ agent, host: "127.0.0.1", port: listener.port, servername: host, ca: listener.ca },
      ...{ method, path, setHost: false, localAddress: FLOODER },
      headers: outgoingHeaders(headersOf({ grant }, SCRATCH_TARGET, randomUUID())),
    });
    outgoing.once("error", (error) => resolve(`no answer: ${messageOf(error)}`));
    outgoing.once("response", (incoming) => {
      let body = "";
      incoming.setEncoding("latin1");
      incoming.on("data", (chunk: string) => {
        body += chunk;
      });
      incoming.once("error", (error) => resolve(`no answer: ${messageOf(error)}`));
      incoming.once("end", () =>
        resolve(/"urn:glassgate:verdict:([a-z_]+)"/.exec(body)?.[1] ?? `status ${incoming.statusCode ?? 0}`),
      );
    });
    outgoing.end();
  });
}

const droppedAt = async (admin: Admin): Promise<number> =>
  (await admin.stats("records_dropped")).get("wasmcustom.glassgate.records_dropped") ?? 0;

export interface Flooding {
  readonly listener: Listener;
  readonly admin: Admin;
  readonly auditLog: string;
}

export async function flood({ listener, admin, auditLog }: Flooding, like: MadeGrant, forMs: number): Promise<Flood> {
  const before = await droppedAt(admin);
  const first = await sendOver(listener, { localAddress: FLOODER }, SCRATCH_TARGET, { grant: forge(like) });
  const answers = new Map<string, number>();
  const count = (answer: string): void => void answers.set(answer, (answers.get(answer) ?? 0) + 1);
  count(first.seen.code ?? first.seen.error ?? `status ${first.seen.status}`);
  let sent = 1;
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const until = performance.now() + forMs;
  const sender = async (): Promise<void> => {
    while (performance.now() < until) {
      sent += 1;
      count(await answerTo(forge(like), listener, agent));
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sender));
  agent.destroy();
  for (const deadline = performance.now() + COUNTED_MS; ; await sleep(100)) {
    const recorded = recordsIn(auditLog).filter(({ record: { source } }) => source?.startsWith(`${FLOODER}:`)).length;
    const dropped = (await droppedAt(admin)) - before;
    if (recorded + dropped >= sent || performance.now() > deadline) return { first, sent, answers, recorded, dropped };
  }
}
