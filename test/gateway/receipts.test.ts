/** Receipts on a real Envoy, with a ledger beside it that says what the test tells it to. */
import { createServer, request as httpRequest } from "node:http";
import { connect } from "node:http2";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { decidedBy } from "../../control/base/audit.js";
import { keepAlive, send } from "../../control/gateway/client.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import {
  badAnswers,
  hashOf,
  ledgerClaims,
  RECEIPT_PATH,
  receiptOf,
  startLedger,
  type TestLedger,
} from "../kit/ledger.js";
import { quickSigner } from "../kit/quick.js";
import { revocations } from "../kit/revocations.js";
import { HOST, type Json, World } from "../kit/world.js";

const PATIENCE = { timeout: 60_000 };
const world = new World(Math.floor(Date.now() / 1000));
const key = quickSigner("Ed25519");
const record = z.looseObject({
  path: z.string(),
  seq: z.number(),
  prev: z.string(),
  verdict: z.string(),
  settles: z.number().optional(),
});
const read = (line: string | undefined) => record.parse(JSON.parse(line ?? "null"));
/** Answers with how much it was sent. */
const upstream = createServer((request, response) => {
  let size = 0;
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
  });
  request.on("end", () => response.end(`${size} bytes`));
});
upstream.keepAliveTimeout = 0;
let ledger: TestLedger;
let gateway: TestEnvoy;

const configuration = (changes: Json = {}, claims: Json = {}): string =>
  world.configuration({
    bundle: ledgerClaims(world, key, { revokers: ["lead"], ...claims }),
    configuration: { ...rendered(), ...changes },
  });
/** What `render` put into the file, which a push keeps. */
function rendered(): Json {
  const value = z.looseObject({ configuration: z.object({ value: z.string() }) }).parse(gateway.filter.config);
  return { receipt: z.looseObject({ receipt: z.unknown() }).parse(JSON.parse(value.configuration.value)).receipt };
}

beforeAll(async () => {
  ledger = await startLedger(key);
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const at = z.object({ port: z.number() }).parse(upstream.address());
  gateway = await startTestEnvoy(world, {
    concurrency: 2,
    render: {
      upstream: { host: "127.0.0.1", port: at.port },
      receipts: { at: { host: "127.0.0.1", port: ledger.port }, isTls: false, path: RECEIPT_PATH },
    },
  });
  await gateway.configure(configuration());
});
afterAll(async () => {
  await gateway.stop();
  await ledger.stop();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
});
beforeEach(() => ledger.honest());

const vital = (claims: Json = {}): string => world.alone({ claims: { ent: "vital", ...claims } });
/** By path, of which each request has its own: Envoy gives ids of its own. */
const audits = () => new Map([...gateway.audits().values()].map((lines) => [read(lines.record).path, lines] as const));
async function auditOf(path: string) {
  await expect.poll(() => audits().has(path), PATIENCE).toBe(true);
  return audits().get(path) ?? expect.unreachable(path);
}
let count = 0;
/** A request, and what the audit log has of it. */
async function ask(grant = vital()) {
  count += 1;
  const path = `/orders/${count}`;
  const answer = await send({ port: gateway.port, path, headers: { "x-break-glass": grant, connection: "close" } });
  const lines = await auditOf(path);
  return { answer, lines, decided: read(decidedBy(lines)) };
}

/** Until it is let in: a machine that is busy answers too late at times, which is a denial. */
async function askUntilAllowed(make = vital) {
  for (let tries = 0; ; tries++) {
    const asked = await ask(make());
    if (asked.decided.verdict !== "audit_unavailable" || tries === 20) return asked;
  }
}

describe("a good receipt", () => {
  it("lets the request in, with all of it in the audit log", async () => {
    const { answer, lines } = await askUntilAllowed(() => world.grant({ claims: { ent: "grave" } }));
    expect(answer.status).toBe(200);
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(ledger.seen()).toEqual({
      ":method": "POST",
      ":path": RECEIPT_PATH,
      ":authority": `127.0.0.1:${ledger.port}`,
      "content-type": "application/x-ndjson",
    });
    const [pending, settled] = [read(lines.record), read(lines.settled)];
    expect(pending).toMatchObject({ verdict: "pending", evidence: hashOf(lines.evidence ?? "") });
    expect(settled).toMatchObject({
      verdict: "allow",
      seq: pending.seq + 1,
      settles: pending.seq,
      prev: hashOf(lines.record),
    });
    expect(ledger.bodies.at(-1)).toBe(`${lines.record}\n${JSON.stringify({ evidence: lines.evidence })}\n`);
    const [, payload = ""] = (lines.receipt ?? "").split(".");
    expect(JSON.parse(Buffer.from(payload, "base64url").toString())).toMatchObject({
      record_sha256: hashOf(lines.record),
    });
  });

  it("of 200 requests at once, by several connections: each has its own", async () => {
    const agent = keepAlive(200);
    const grant = vital();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        send({
          port: gateway.port,
          path: `/orders/many-${i}`,
          agent,
          headers: { "x-break-glass": grant },
        }),
      ),
    );
    agent.destroy();
    const all = () => new Map([...audits()].filter(([path]) => path.includes("many")));
    await expect.poll(() => all().size, PATIENCE).toBe(200);
    // A slow machine answers some too late: they are denied, and nothing is let in without its own receipt.
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    const recorded = all();
    for (const [i, { status }] of answers.entries()) {
      const lines = recorded.get(`/orders/many-${i}`) ?? expect.unreachable(`${i}`);
      const verdict = status === 200 ? "allow" : "audit_unavailable";
      expect(read(lines.settled)).toMatchObject({ verdict, settles: read(lines.record).seq });
      const [, payload = ""] = (lines.receipt ?? "").split(".");
      expect(Buffer.from(payload, "base64url").toString().includes(hashOf(lines.record))).toBe(status === 200);
    }
  });

  it("over HTTP/2, many streams of one connection", async () => {
    const session = connect(`http://127.0.0.1:${gateway.port}`);
    const grant = vital();
    const one = (i: number) =>
      new Promise<number | undefined>((resolve, reject) => {
        const stream = session.request({ ":path": `/orders/h2-${i}`, ":authority": HOST, "x-break-glass": grant });
        stream.on("response", (headers) => resolve(headers[":status"]));
        stream.on("error", reject);
        stream.resume().end();
      });
    const statuses = await Promise.all(Array.from({ length: 40 }, (_, i) => one(i)));
    session.close();
    expect(statuses).toContain(200);
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([]);
  });

  it("a body that is sent meanwhile arrives whole", async () => {
    const body = Buffer.alloc(300_000, "body ");
    const upload = () =>
      new Promise<string>((resolve, reject) => {
        const headers = { host: HOST, "x-break-glass": vital(), "content-length": body.length };
        const sent = httpRequest({
          host: "127.0.0.1",
          port: gateway.port,
          method: "POST",
          path: "/orders/body",
          headers,
          agent: false,
        });
        sent.on("response", (response) => {
          response.setEncoding("utf8").on("data", (text: string) => resolve(text));
        });
        sent.on("error", reject);
        sent.end(body);
      });
    await expect.poll(upload, PATIENCE).toBe(`${body.length} bytes`);
  });
});

describe("anything else: 503, both records, and the next one is let in", () => {
  for (const [name, make] of Object.entries(badAnswers(key))) {
    it(name, async () => {
      ledger.answer(make);
      const { answer, lines, decided } = await ask();
      expect(answer.status).toBe(503);
      expect(answer.body).toContain('"code":"audit_unavailable"');
      expect(read(lines.record).verdict).toBe("pending");
      expect(decided).toMatchObject({ verdict: "audit_unavailable", settles: read(lines.record).seq });
      expect(lines.receipt).toBeUndefined();
    });
  }

  it("was no trap: the VMs are those of the start", async () => {
    expect((await askUntilAllowed()).answer.status).toBe(200);
    expect(gateway.envoy.log()).not.toMatch(/trapped|RuntimeError|Function: proxy_on/);
  });

  it("a ledger that hangs: denied within the bound", async () => {
    ledger.answer(() => undefined);
    const { answer, decided } = await ask();
    expect([answer.status, decided.verdict]).toEqual([503, "audit_unavailable"]);
  });

  it("a cluster that nobody serves, one that is not there, and none", async () => {
    const closed = await startLedger(key);
    await closed.stop();
    const at = (receipt: unknown) => gateway.configure(configuration({ receipt }));
    await at({ cluster: "no-such-cluster", path: RECEIPT_PATH });
    const unknown = await ask();
    expect(unknown.decided).toMatchObject({ verdict: "audit_unavailable", settles: read(unknown.lines.record).seq });
    await at(undefined);
    const none = await ask();
    expect(none.lines.settled).toBeUndefined();
    expect(none.decided.verdict).toBe("audit_unavailable");
    for (const { answer } of [unknown, none]) expect(answer.status).toBe(503);
    await gateway.configure(configuration());
    expect((await askUntilAllowed()).answer.status).toBe(200);
  });
});

describe("while it waits", () => {
  /** The ledger answers when `release` is called. */
  function hold(): { asked: () => Promise<void>; release: () => void } {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const before = ledger.bodies.length;
    ledger.answer(async (line, now) => {
      await held;
      return { body: receiptOf(key, line, now) };
    });
    const asked = () => expect.poll(() => ledger.bodies.length, { ...PATIENCE, interval: 2 }).toBeGreaterThan(before);
    return { asked, release: () => release() };
  }

  it("revoked meanwhile is revoked, and a rotation drops nothing", async () => {
    // A push takes longer than a request may wait, on a machine that is busy: until one was quick enough.
    const tried = async (change: (jti: string, i: number) => string, wanted: string) => {
      for (let i = 0; i < 40; i++) {
        const jti = `while-it-waits-${wanted}-${i}`;
        const text = change(jti, i);
        const { asked, release } = hold();
        const answered = ask(vital({ jti }));
        await asked();
        await gateway.configure(text);
        release();
        const { answer, decided, lines } = await answered;
        if (decided.verdict === "audit_unavailable") continue;
        expect(decided.verdict).toBe(wanted);
        return { answer, lines };
      }
      throw new Error("no push was quick enough");
    };
    const revoked = await tried((jti, i) => {
      const claims = { version: world.now - 1000 + i, revoked: { jti: [jti] } };
      return configuration({ revocations: revocations(world, { by: world.adam, claims }) });
    }, "revoked");
    expect(revoked.answer.status).toBe(401);
    expect(revoked.lines.receipt).toBeDefined();
    const rotated = await tried(() => configuration(), "allow");
    expect(rotated.answer.status).toBe(200);
  });

  it("a client that goes away: its record stays pending, and its place is free", async () => {
    const { asked, release } = hold();
    const sent = httpRequest({
      host: "127.0.0.1",
      port: gateway.port,
      path: "/orders/gone",
      headers: { host: HOST, "x-break-glass": vital() },
      agent: false,
    });
    sent.on("error", () => {}); // It is this test's own doing.
    sent.end();
    await asked();
    sent.destroy();
    const lines = await auditOf("/orders/gone");
    expect(read(lines.record).verdict).toBe("pending");
    expect(lines.settled).toBeUndefined();
    release();
    ledger.honest();
    expect((await askUntilAllowed()).answer.status).toBe(200);
  });
});
