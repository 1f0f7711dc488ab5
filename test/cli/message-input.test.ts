/** Whatever stands in a file that is given as a message, the answer is a message or one clear sentence. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, it, vi } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { readOne } from "../../control/cli/message-input.js";
import { readAsk } from "../../control/grant/ask.js";
import type { Kind } from "../../control/grant/message.js";
import { World } from "../kit/world.js";

// Many runs of the command or the filter: generous, for machines that are busy or slow.
vi.setConfig({ testTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "glassgate-input-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, "message.txt");
const world = new World(1_800_000_000);

async function sentence(bytes: Uint8Array | string, kind: Kind): Promise<string | undefined> {
  writeFileSync(file, bytes);
  try {
    const message = readOne(kind, file, "The text");
    if (kind !== "approval") await readAsk(message);
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.exitCode).toBe(2);
    return error.message;
  }
}

it("random bytes", async () => {
  const kinds = fc.constantFrom<Kind>("ask", "approval", "grant");
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), kinds, async (bytes, kind) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may reach a terminal.
      expect(await sentence(bytes, kind)).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f]/);
    }),
    { numRuns: 200 },
  );
});

it("messages with any claims, headers and damage", async () => {
  const json = fc.oneof(
    fc.json(),
    fc.constantFrom('{"iat":1e400}', '{"iat":1.5,"sub":"a\\u202eb"}', '{"sub":"\\ud800"}', "null"),
  );
  const segment = (text: string): string => Buffer.from(text).toString("base64url");
  const kid = fc.oneof(fc.string({ unit: "binary", maxLength: 80 }), fc.constant("\u001b[2J\nrequester    adam"));
  const typ = fc.constantFrom("bg-ask+jwt", "bg+jwt", "bg-approval+jws", "bg-other\u202e", "JWT");
  await fc.assert(
    fc.asyncProperty(json, kid, typ, fc.maxSafeInteger(), async (payload, name, type, iat) => {
      const header = { alg: "Ed25519", kid: name, typ: type, ...(type === "bg-approval+jws" ? { iat } : {}) };
      const middle = type === "bg-approval+jws" ? "" : segment(payload);
      const text = `${segment(JSON.stringify(header))}.${middle}.${"A".repeat(86)}`;
      const said = (await sentence(`${text}\n${text.replace("A.", "B.")}`, "ask")) ?? "";
      for (const sign of ["\u001b", "\u202e"]) expect(said).not.toContain(sign);
      // A surrogate alone; half of U+10000 is none.
      expect(said).not.toMatch(/\p{Cs}/u);
      expect(said).not.toMatch(/^requester/m);
    }),
    { numRuns: 300 },
  );
});

it("an ask is read byte for byte", async () => {
  const ask = world.grant({ header: { typ: "bg-ask+jwt" }, approvals: [] });
  writeFileSync(file, `> ${ask}\n`);
  expect(readOne("ask", file, "The ask").text).toBe(ask);
  expect(readOne("ask", ask, "The ask").text).toBe(ask);
  expect(await sentence(ask, "ask")).toBeUndefined();
});
