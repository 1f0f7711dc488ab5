/** A log behind HTTP as a target: kept connections, one for each client. */
import { Agent, request } from "node:http";
import { z } from "zod";
import { bundleOf } from "../../test/kit/bundle-of.js";
import type { Target } from "./appends.js";

const answer = z.strictObject({ indices: z.array(z.int().nonnegative()) });

export interface HttpTarget extends Target {
  close(): void;
}

/** `POST /add` with an entry bundle of tlog-tiles, answered with the entries' indices. */
export function httpTarget(name: string, url: string, token: string): HttpTarget {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const post = (body: Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        `${url}/add`,
        { method: "POST", agent, headers: { authorization: `Bearer ${token}`, "content-length": body.length } },
        (incoming) => {
          let text = "";
          incoming.setEncoding("utf8");
          incoming.on("data", (chunk: string) => {
            text += chunk;
          });
          incoming.on("error", reject);
          incoming.on("end", () => {
            if (incoming.statusCode === 200) resolve(text);
            else reject(new Error(`${name} answers ${incoming.statusCode}: ${text}`));
          });
        },
      );
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  return {
    name,
    append: async (entries) => answer.parse(JSON.parse(await post(bundleOf(entries)))).indices,
    close: () => agent.destroy(),
  };
}
