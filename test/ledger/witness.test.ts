/** The client of tlog-witness against witnesses that say all kinds of things. A real one: test/witness. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { addCheckpoint, cosign, WitnessError } from "../../control/ledger/witness.js";
import { noteKey } from "../kit/note-key.js";
import { checkpointText, consistencyPath } from "../reference/merkle.js";

const log = noteKey("ledger.example/eu/2026");
const operator = noteKey("witness.example/w1");
const key = parseVkey(operator.witnessVkey);
const entries: readonly Buffer[] = Array.from({ length: 9 }, (_, i) => Buffer.from(`entry ${i}`));
const text = checkpointText(log.name, entries);
const checkpoint = log.sign(text);
const line = operator.cosign(text, 1_767_225_600);
const witnessed = { size: 9, checkpoint, prove: async (old: number) => consistencyPath(old, entries) };

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

type Answer = (response: ServerResponse, body: string, request: IncomingMessage) => void;
async function witnessThat(...answers: readonly Answer[]): Promise<{ url: string; bodies: string[] }> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    bodies.push(body);
    answers[Math.min(bodies.length, answers.length) - 1]?.(response, body, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stops.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}/w/`, bodies };
}

const says =
  (status: number, body: string, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, headers).end(body);
  };

describe("a checkpoint on its way to a witness", () => {
  it("goes with the old size and the proof, and comes back with the cosignature", async () => {
    const { url, bodies } = await witnessThat((response, _, request) => {
      expect([request.method, request.url]).toEqual(["POST", "/w/add-checkpoint"]);
      response.end(`${line}\n`);
    });
    expect(await cosign({ url, key }, witnessed, 4)).toMatchObject({ line, time: 1_767_225_600 });
    const proof = consistencyPath(4, entries).map((hash) => hash.toString("base64"));
    expect(bodies).toEqual([["old 4", ...proof, "", checkpoint].join("\n")]);
  });

  it("is asked again with the size that the witness names", async () => {
    const { url, bodies } = await witnessThat(says(409, "3\n"), says(200, `${line}\n`));
    expect(await cosign({ url, key }, witnessed)).toMatchObject({ line });
    expect(bodies.map((body) => body.split("\n", 1)[0])).toEqual(["old 0", "old 3"]);
  });

  it("is not asked for ever", async () => {
    const { url, bodies } = await witnessThat(says(409, "3\n"));
    await expect(cosign({ url, key }, witnessed)).rejects.toThrow("names another size each time");
    expect(bodies).toHaveLength(3);
  });

  it("stops where the witness has seen more than there is: the log lost entries", async () => {
    const { url } = await witnessThat(says(409, "10\n"));
    await expect(cosign({ url, key }, witnessed)).rejects.toMatchObject({
      message: expect.stringContaining("has cosigned 10 entries, and this log has 9"),
      status: 409,
    });
  });

  it("takes the witness's line among others'", async () => {
    const stranger = noteKey("witness.example/w2").cosign(text, 1);
    const { url } = await witnessThat(says(200, `${stranger}\n${line}\n`));
    expect(await cosign({ url, key }, witnessed)).toMatchObject({ line });
    expect(await addCheckpoint(url, 0, [], checkpoint)).toEqual({ lines: [stranger, line] });
  });

  it.each<[string, string]>([
    ["another key of its name", noteKey(operator.name).cosign(text, 1)],
    ["another checkpoint", operator.cosign(checkpointText(log.name, entries.slice(1)), 1)],
    ["no time", operator.cosign(text, 0)],
    ["a note's signature", operator.sign(text).split("\n").at(-2) ?? ""],
  ])("is not cosigned by a line of %s", async (_, wrong) => {
    const { url } = await witnessThat(says(200, `${wrong}\n`));
    await expect(cosign({ url, key }, witnessed)).rejects.toThrow("has not signed with the key witness.example/w1");
  });

  it.each<[string, Answer, string]>([
    ["nothing", says(200, ""), "what it says is not of tlog-witness"],
    ["a page", says(200, "<html>\n"), "what it says is not of tlog-witness"],
    ["a line without end", says(200, line), "what it says is not of tlog-witness"],
    ["an empty line between", says(200, `${line}\n\n${line}\n`), "what it says is not of tlog-witness"],
    ["more text under the checkpoint's", says(200, `more\n\n${line}\n`), "what it says is not of tlog-witness"],
    ["a control character", says(200, `${line}\u001b[2J\n`), "what it says is not of tlog-witness"],
    ["a conflict without a size", says(409, "soon\n"), "answers 409: what it says is not of tlog-witness"],
    ["a conflict with a huge size", says(409, "9007199254740993\n"), "what it says is not of tlog-witness"],
    ["that it does not know the log", says(404, ""), "it does not know the log"],
    ["that it knows another key", says(403, ""), "it knows the log by another key"],
    ["that the proof is wrong", says(422, ""), "the proof does not lead"],
    ["a status of its own", says(599, "\u001b]0;x\u0007"), "answers 599."],
    ["a redirect", says(307, "", { location: "http://127.0.0.1:1/" }), "answers 307."],
    ["far too much", says(200, `${line}\n`.repeat(1000)), "larger than 64 KiB"],
    ["half of it", (response) => void response.writeHead(200, { "content-length": "9" }).destroy(), "does not answer"],
  ])("is not cosigned where the witness says %s", async (_, answer, message) => {
    const { url } = await witnessThat(answer);
    const failed = addCheckpoint(url, 0, [], checkpoint);
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toThrow(WitnessError);
  });

  it("waits no longer than it is told, also in the midst of the answer", async () => {
    const { url } = await witnessThat((response) => void response.writeHead(200).write("\u2014"));
    await expect(addCheckpoint(url, 0, [], checkpoint, { timeoutMs: 50 })).rejects.toThrow("within 0.05 s");
    const silent = await witnessThat(() => undefined);
    await expect(addCheckpoint(silent.url, 0, [], checkpoint, { timeoutMs: 50 })).rejects.toThrow("within 0.05 s");
  });

  it("says so where nobody is there", async () => {
    await expect(addCheckpoint("http://127.0.0.1:1", 0, [], checkpoint)).rejects.toThrow("does not answer");
  });
});
