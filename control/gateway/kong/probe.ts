/**
 * What can be asked of a running Kong by effect: a request with a grant that is none takes the break-glass route, and whoever judges it
 * answers. So it is seen whether the filter stands there, and whether it has a bundle; not which one.
 */
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { plural } from "../../base/text.js";
import type { Probed } from "./file.js";

export type Seen =
  /** By the filter, under a bundle. */
  | "judged"
  /** By the filter, which has none that it can use. */
  | "no_trust"
  /** By the second route: the filter is not on the first. */
  | "unguarded"
  | "other"
  | "silent";

const TIMEOUT_MS = 5000;
const MAX_BYTES = 64 * 1024;
const PAUSE_MS = 250;
const answer = z.looseObject({ code: z.string().optional(), message: z.string().optional() });

function meaningOf(status: number, text: string): Seen {
  let read: z.infer<typeof answer>;
  try {
    read = answer.parse(JSON.parse(text));
  } catch {
    return "other"; // Not the filter's answer, nor Kong's own.
  }
  if (read.code === "no_trust") return "no_trust";
  if (read.code !== undefined && text.includes("urn:glassgate:verdict:")) return "judged";
  return status === 401 && /API key/i.test(read.message ?? "") ? "unguarded" : "other";
}

/** On a connection of its own: Kong's workers share a port, and each connection is one worker's. */
export async function probeOnce(address: string, probed: Probed, timeoutMs = TIMEOUT_MS): Promise<Seen> {
  const { host, port, path } = probed;
  if (!/^[!-~]+$/.test(host) || !/^\/[!-~]*$/.test(path) || port < 1 || port > 65_535) return "silent";
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const headers = { host, "x-break-glass": "probe", connection: "close" };
    const sent = request({ host: address, port, path, headers, agent: false, setHost: false, signal }, (incoming) => {
      let text = "";
      incoming.setEncoding("utf8");
      incoming.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > MAX_BYTES) sent.destroy();
      });
      incoming.on("end", () => resolve(meaningOf(incoming.statusCode ?? 0, text)));
      incoming.on("close", () => resolve("silent"));
    });
    sent.on("error", () => resolve("silent"));
    sent.on("close", () => resolve("silent"));
    sent.end();
  });
}

export interface Effect {
  readonly isGood: boolean;
  /** Whether nobody can tell: the proxy cannot be reached from here. */
  readonly isUnseen: boolean;
  /** How far it was seen, in words. */
  readonly says: string;
}

const WORDS: Readonly<Record<Exclude<Seen, "judged">, string>> = {
  no_trust: "the filter answers that it has no bundle in force",
  unguarded:
    "the second route answers that a key is missing: the filter is not on the first. It opens nothing, and no grant works",
  other: "something else than the filter answers on the break-glass route",
  silent: "nobody answers there",
};

/** Asks until as many connections as are wanted, in a row, were judged, or as many as the time is enough for. */
export async function probe(address: string, probed: Probed, connections: number, timeoutMs: number): Promise<Effect> {
  const end = performance.now() + timeoutMs;
  const at = `${address}:${probed.port} (${probed.host})`;
  for (;;) {
    const seen: Seen[] = [];
    for (let i = 0; i < connections; i++) {
      const one = await probeOnce(address, probed);
      seen.push(one);
      if (one !== "judged" || performance.now() > end) break;
    }
    const last = seen.at(-1) ?? "silent";
    if (last === "judged")
      return {
        isGood: true,
        isUnseen: false,
        says: `${plural(seen.length, "request")} to ${at}, each on a connection of its own, were judged by the filter under a bundle`,
      };
    if (last === "silent" || performance.now() > end)
      return { isGood: false, isUnseen: last === "silent", says: `asked at ${at}: ${WORDS[last]}` };
    await sleep(PAUSE_MS);
  }
}
