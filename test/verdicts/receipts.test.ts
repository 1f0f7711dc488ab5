/** Receipts on the Node host: what is asked of a ledger, what its answer opens, and that nothing else does. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { decidedBy, readAuditLines } from "../../control/base/audit.js";
import type { Callout } from "../../control/host/callouts.js";
import { FilterHost, type HostOptions, type OpenRequest } from "../../control/host/host.js";
import { apply, mutations } from "../fuzz/mutations.js";
import { headersOf } from "../kit/headers.js";
import { badAnswers, hashOf, ledgerClaims, RECEIPT_PATH, receiptOf } from "../kit/ledger.js";
import { proofOf } from "../kit/proofs.js";
import { quickSigner } from "../kit/quick.js";
import { revocations } from "../kit/revocations.js";
import { base64url, newSigner, segment } from "../kit/token.js";
import { type Json, World } from "../kit/world.js";

const start = Math.floor(Date.now() / 1000);
const ledger = newSigner("Ed25519");
/** MAX_PENDING_OF_REQUESTER; MAX_PENDING is four times that. */
const SHARE = 256;
/** Exactly these members, within their bounds. */
const claimsSchema = z.strictObject({
  origin: z.string().regex(/^[ -~]{1,255}$/),
  index: z.int().min(0),
  record_sha256: z.string(),
  iat: z
    .int()
    .min(start - 60)
    .max(start + 60),
});
const CALL = { cluster: "ledger", path: RECEIPT_PATH };
const recordSchema = z.looseObject({
  vm: z.string(),
  seq: z.number(),
  prev: z.string(),
  verdict: z.string(),
  evidence: z.string().optional(),
  settles: z.number().optional(),
  jti: z.string().optional(),
});

interface Setting {
  readonly configuration?: Json;
  readonly bundle?: Json;
  readonly options?: HostOptions;
  /** None: no such cluster. */
  readonly clusters?: false;
}

async function setUp({ configuration = {}, bundle = {}, options = {}, clusters }: Setting = {}) {
  const world = new World(start);
  const calls: Callout[] = [];
  const clock = { seconds: start };
  const host = await FilterHost.load({
    clock: () => clock.seconds * 1000,
    ...(clusters === false ? {} : { clusters: (call) => calls.push(call) > 0 }),
    ...options,
  });
  const configure = (changes: Json = {}, claims: Json = {}): void => {
    const text = world.configuration({
      bundle: ledgerClaims(world, ledger, { ...bundle, ...claims }),
      configuration: { receipt: CALL, ...configuration, ...changes },
    });
    expect(host.configure(text)).toMatchObject({ accepted: true, refusal: undefined });
  };
  configure();
  const open = (grant: string, path?: string): OpenRequest => host.open({ headers: headersOf([grant], path) });
  const vital = (claims: Json = {}): string => world.alone({ claims: { ent: "vital", ...claims } });
  const lastCall = (): Callout => calls.at(-1) ?? expect.unreachable("nobody was asked");
  const recordSent = (call = lastCall()): string => call.body.toString("latin1").split("\n", 1)[0] ?? "";
  const good = (call = lastCall()): string => receiptOf(ledger, recordSent(call), clock.seconds);
  const answer = (body: string | Uint8Array = good(), status = 200, call = lastCall()): void =>
    call.answer([[":status", String(status)]], Buffer.from(body));
  return { world, host, clock, calls, configure, open, vital, lastCall, recordSent, good, answer };
}

const textOf = (opened: OpenRequest): string => opened.look().filterState.get("wasm.glassgate.audit") ?? "";
const linesOf = (opened: OpenRequest) => readAuditLines(textOf(opened));
const read = (line: string | undefined) => recordSchema.parse(JSON.parse(line ?? "null"));
const verdictOf = (opened: OpenRequest): string | undefined => opened.look().filterState.get("wasm.glassgate.verdict");
const decided = (opened: OpenRequest) => read(decidedBy(linesOf(opened)));

describe("a good receipt", () => {
  it("lets the request in, and all of it is on the line: pending, evidence, settled, receipt", async () => {
    const { world, open, lastCall, good, answer } = await setUp();
    const opened = open(world.grant({ claims: { ent: "grave" } }));
    expect(opened.outcome.kind).toBe("paused");
    const sent = lastCall();
    expect(sent).toMatchObject({ cluster: "ledger", timeoutMilliseconds: 500 });
    expect(Object.fromEntries(sent.headers)).toEqual({
      ":method": "POST",
      ":path": RECEIPT_PATH,
      ":authority": "ledger",
      "content-type": "application/x-ndjson",
    });
    expect(sent.body.toString("latin1")).toBe(textOf(opened));
    expect(verdictOf(opened)).toBeUndefined();
    const receipt = good();
    answer();

    expect(opened.look().kind).toBe("continue");
    expect(verdictOf(opened)).toBe("allow");
    const headers = new Map(opened.look().headers);
    expect(headers.has("x-break-glass")).toBe(false);
    expect(headers.get("x-break-glass-grant")).toMatch(/sub="rita", ent="grave"/);
    const lines = linesOf(opened);
    const [pending, settled] = [read(lines.record), read(lines.settled)];
    expect(pending).toMatchObject({ verdict: "pending", seq: 1, evidence: hashOf(lines.evidence ?? "") });
    expect(settled).toMatchObject({ verdict: "allow", seq: 2, settles: 1, prev: hashOf(lines.record) });
    expect(settled.evidence).toBeUndefined();
    const { verdict: _1, seq: _2, prev: _3, evidence: _4, ...same } = pending;
    expect(settled).toMatchObject(same);
    expect(lines.receipt).toBe(receipt);
    expect(textOf(opened)).toBe(
      `${lines.record}\n${JSON.stringify({ evidence: lines.evidence })}\n${lines.settled}\n${JSON.stringify({ receipt })}\n`,
    );
    // Nothing but what a log may show.
    expect(textOf(opened)).toMatch(/^[\x20-\x7e\n]+$/);
    opened.close();
  });

  it("is asked for each request anew; a cached grant gives no second evidence", async () => {
    const { open, vital, calls, answer } = await setUp();
    const grant = vital();
    for (let i = 0; i < 3; i++) {
      const opened = open(grant);
      answer();
      expect(opened.look().kind).toBe("continue");
      const { record, evidence } = linesOf(opened);
      expect(evidence === undefined).toBe(i > 0);
      expect(read(record).seq).toBe(2 * i + 1);
      opened.close();
    }
    expect(calls).toHaveLength(3);
  });

  it("may be ES256, and late or early by a minute", async () => {
    const key = newSigner("ES256");
    const { open, vital, answer, recordSent, clock } = await setUp({ bundle: { ledgers: [ledger.jwk, key.jwk] } });
    for (const shift of [-60, 0, 60]) {
      const opened = open(vital());
      answer(receiptOf(key, recordSent(), clock.seconds + shift));
      expect(opened.look().kind, String(shift)).toBe("continue");
      opened.close();
    }
    for (const shift of [-61, 61]) {
      const opened = open(vital());
      answer(receiptOf(key, recordSent(), clock.seconds + shift));
      expect(decided(opened).verdict, String(shift)).toBe("audit_unavailable");
    }
  });

  it("of 2,048 bytes is taken, of 2,049 is not; an origin of 255 is", async () => {
    const { open, vital, answer, recordSent, clock } = await setUp();
    const opened = open(vital());
    answer(receiptOf(ledger, recordSent(), clock.seconds, { claims: { origin: "o".repeat(255) } }));
    expect(opened.look().kind).toBe("continue");
    const ofSize = (record: string, wanted: number): string => {
      const payload = { origin: "o", index: 1, record_sha256: hashOf(record), iat: clock.seconds };
      const text = (blanks: number): string =>
        receiptOf(ledger, record, clock.seconds, { payload: `${JSON.stringify(payload)}${" ".repeat(blanks)}` });
      let blanks = 0;
      while (text(blanks).length < wanted) blanks += 1;
      return text(blanks);
    };
    const largest = open(vital());
    const text = ofSize(recordSent(), 2047);
    expect(text.length).toBeGreaterThanOrEqual(2047);
    expect(text.length).toBeLessThanOrEqual(2048);
    answer(text);
    expect(largest.look().kind).toBe("continue");
    const larger = open(vital());
    answer(ofSize(recordSent(), 2049));
    expect(decided(larger).verdict).toBe("audit_unavailable");
  });

  it("goes where the configuration says, as whom, and for how long", async () => {
    const receipt = { cluster: "log-eu", path: "/v1/receipts?x=1", authority: "log.example.com", timeout_ms: 120 };
    const { open, vital, lastCall } = await setUp({ configuration: { receipt } });
    open(vital()).close();
    expect(lastCall()).toMatchObject({ cluster: "log-eu", timeoutMilliseconds: 120 });
    expect(Object.fromEntries(lastCall().headers)).toMatchObject({
      ":path": receipt.path,
      ":authority": receipt.authority,
    });
  });

  it("is not asked for by other entitlements, nor for what is denied anyway", async () => {
    const { world, open, vital, calls } = await setUp();
    expect(open(world.alone()).outcome.kind).toBe("continue");
    expect(open(vital({ exp: start - 1, iat: start - 100 })).outcome.kind).toBe("reply");
    expect(open(vital(), "/elsewhere").outcome.kind).toBe("reply");
    expect(calls).toHaveLength(0);
  });
});

describe("anything else is no receipt: denied, on record, and nothing traps", () => {
  const setting = setUp();
  for (const [name, make] of Object.entries(badAnswers(ledger))) {
    it(name, async () => {
      const { open, vital, answer, recordSent, clock } = await setting;
      const opened = open(vital());
      const { status = 200, body } = make(recordSent(), clock.seconds);
      answer(body, status);
      const { reply } = opened.look();
      expect(reply?.status).toBe(503);
      expect(reply?.details).toBe("glassgate_audit_unavailable");
      expect(verdictOf(opened)).toBe("audit_unavailable");
      const lines = linesOf(opened);
      const { seq, verdict } = read(lines.record);
      expect(verdict).toBe("pending");
      expect(read(lines.settled)).toMatchObject({ verdict: "audit_unavailable", seq: seq + 1, settles: seq });
      expect(lines.receipt).toBeUndefined();
      expect(new Map(opened.look().headers).has("x-break-glass")).toBe(false);
      // The VM lives.
      const next = open(vital());
      answer();
      expect(next.look().kind).toBe("continue");
    });
  }

  it("a grant is kept only once a receipt was good: until then its evidence comes again", async () => {
    const { open, vital, answer, host } = await setUp();
    const grant = vital();
    const hasEvidence = ["no receipt", undefined, undefined].map((body) => {
      const opened = open(grant);
      answer(body);
      return linesOf(opened).evidence !== undefined;
    });
    expect(hasEvidence).toEqual([true, true, false]);
    host.tick();
    expect(host.metrics().get("glassgate.decisions.verdict=audit_unavailable")).toBe(1);
    expect(host.metrics().get("glassgate.decisions.verdict=allow")).toBe(2);
  });

  it("no answer but the gateway's own: a time-out, a closed connection", async () => {
    for (const status of [504, 503]) {
      const { open, vital, answer } = await setUp();
      const opened = open(vital());
      answer("upstream request timeout", status);
      expect(decided(opened).verdict).toBe("audit_unavailable");
    }
  });

  it("no such cluster: denied at once, with both records", async () => {
    const { open, vital } = await setUp({ clusters: false });
    const opened = open(vital());
    expect(opened.outcome.reply?.status).toBe(503);
    expect(read(linesOf(opened).record).verdict).toBe("pending");
    expect(decided(opened)).toMatchObject({ verdict: "audit_unavailable", settles: 1 });
  });

  it("a configuration that names none: denied at once, with one record", async () => {
    const { open, vital, calls } = await setUp({ configuration: { receipt: undefined } });
    const opened = open(vital());
    expect(opened.outcome.reply?.status).toBe(503);
    expect(calls).toHaveLength(0);
    expect(linesOf(opened).settled).toBeUndefined();
    expect(decided(opened)).toMatchObject({ verdict: "audit_unavailable", seq: 1 });
  });

  it("a bundle without ledgers, and one that knows another", async () => {
    for (const ledgers of [undefined, [newSigner("Ed25519").jwk]]) {
      const { open, vital, answer } = await setUp({ bundle: { ledgers } });
      const opened = open(vital());
      answer();
      expect(decided(opened).verdict).toBe("audit_unavailable");
    }
  });

  it("the pending record that the gateway does not take: nobody is asked", async () => {
    let isFailing = false;
    const { open, vital, calls } = await setUp({
      options: { intercept: ({ name }) => (isFailing && name === "proxy_set_property" ? 10 : undefined) },
    });
    isFailing = true;
    const opened = open(vital());
    expect(opened.outcome.reply?.details).toBe("glassgate_audit_unavailable");
    expect(calls).toHaveLength(0);
  });

  it("the record that settles is not taken: denied, whatever the ledger said", async () => {
    let isFailing = false;
    const { open, vital, answer } = await setUp({
      options: { intercept: ({ name }) => (isFailing && name === "proxy_set_property" ? 10 : undefined) },
    });
    const opened = open(vital());
    isFailing = true;
    answer();
    expect(opened.look().reply?.details).toBe("glassgate_audit_unavailable");
    expect(linesOf(opened).settled).toBeUndefined();
  });

  it("a header that cannot be changed: internal, and a record takes the settled one back", async () => {
    let isFailing = false;
    const { open, vital, answer } = await setUp({
      options: { intercept: ({ name }) => (isFailing && name === "proxy_replace_header_map_value" ? 10 : undefined) },
    });
    const opened = open(vital());
    isFailing = true;
    answer();
    const lines = linesOf(opened);
    expect(read(lines.settled)).toMatchObject({ verdict: "allow", seq: 2, settles: 1 });
    expect(lines.receipt).toBeDefined();
    expect(read(lines.correction)).toMatchObject({
      verdict: "internal",
      seq: 3,
      corrects: 2,
      prev: hashOf(lines.settled ?? ""),
    });
    expect(verdictOf(opened)).toBe("internal");
  });
});

it("whatever bytes come, by whichever key: never a trap, and never let in without a good one", async () => {
  const quick = quickSigner();
  const { host, open, vital, answer, recordSent, clock } = await setUp({ bundle: { ledgers: [quick.jwk] } });
  const grant = vital();
  const play = (bend: (receipt: string, record: string) => Buffer): void => {
    const opened = open(grant);
    const receipt = receiptOf(quick, recordSent(), clock.seconds);
    const body = bend(receipt, recordSent());
    answer(body);
    expect(opened.look().kind).toBe(isGood(body.toString("latin1"), recordSent()) ? "continue" : "reply");
    opened.close();
    expect(host.process.workers[0]?.allVms[0]?.failure).toBeUndefined();
  };
  /** Read by other code: a signature over these very claims, spelt in one way. */
  const isGood = (body: string, record: string): boolean => {
    const [header = "", payload = ""] = body.split(".");
    const parsed = parse(payload);
    return (
      header === segment({ alg: quick.alg, kid: quick.kid, typ: "bg-receipt+jws" }) &&
      parsed !== undefined &&
      parsed.record_sha256 === hashOf(record) &&
      body === compactOf(header, payload)
    );
  };
  const compactOf = (header: string, payload: string): string =>
    `${header}.${payload}.${base64url(quick.sign(Buffer.from(`${header}.${payload}`)))}`;
  const parse = (payload: string) => {
    try {
      return claimsSchema.safeParse(JSON.parse(Buffer.from(payload, "base64url").toString("utf8"))).data;
    } catch {
      return undefined; // Not JSON any more.
    }
  };
  fc.assert(
    fc.property(mutations, fc.boolean(), (list, isSigned) => {
      if (!isSigned) return play((receipt) => apply(list, receipt));
      // Well signed, and its claims are damaged: the reader is all that is left.
      play((receipt) => {
        const [header = "", payload = ""] = receipt.split(".");
        const bent = apply(list, Buffer.from(payload, "base64url").toString("latin1")).toString("base64url");
        return Buffer.from(compactOf(header, bent));
      });
    }),
    { numRuns: 1500 },
  );
});

describe("while it waits", () => {
  it("revoked meanwhile is revoked, with the receipt on record", async () => {
    const { world, open, vital, configure, answer, good } = await setUp({ bundle: { revokers: ["lead"] } });
    const grant = vital({ jti: "a-grant-to-be-revoked" });
    const opened = open(grant);
    configure({
      revocations: revocations(world, { by: world.adam, claims: { revoked: { jti: ["a-grant-to-be-revoked"] } } }),
    });
    const receipt = good();
    answer();
    expect(opened.look().reply?.status).toBe(401);
    expect(decided(opened)).toMatchObject({ verdict: "revoked", settles: 1 });
    expect(linesOf(opened).receipt).toBe(receipt);
  });

  it("expired meanwhile is expired, and a bundle that ended ends it too", async () => {
    const { open, vital, answer, clock } = await setUp();
    const opened = open(vital({ exp: start + 1 }));
    clock.seconds += 1;
    answer();
    expect(decided(opened).verdict).toBe("expired");
    const short = await setUp({ bundle: { exp: start + 1 } });
    const other = short.open(short.vital());
    short.clock.seconds += 1;
    short.answer();
    expect(decided(other).verdict).toBe("bundle_expired");
  });

  it("a newer bundle counts: its ledgers sign, and those of the old one no more", async () => {
    const next = newSigner("Ed25519");
    const { open, vital, configure, answer, calls, recordSent, clock } = await setUp();
    const opened = [open(vital()), open(vital())];
    configure({}, { ledgers: [next.jwk] });
    for (const [i, key] of [ledger, next].entries()) {
      const call = calls[i];
      answer(receiptOf(key, recordSent(call), clock.seconds), 200, call);
    }
    expect(opened.map((one) => decided(one).verdict)).toEqual(["audit_unavailable", "allow"]);
    expect(opened[1]?.look().kind).toBe("continue");
  });

  it("a rotation drops nothing: it goes on under the context that it began in", async () => {
    const { open, vital, configure, answer } = await setUp();
    const opened = open(vital());
    for (let i = 0; i < 3; i++) configure();
    answer();
    expect(opened.look().kind).toBe("continue");
    expect(decided(opened).verdict).toBe("allow");
    opened.close();
  });

  it("a ledger's key that is revoked signs nothing more", async () => {
    const { open, vital, configure, answer } = await setUp();
    const opened = open(vital());
    configure({}, { revoked: { kid: [ledger.kid] } });
    answer();
    expect(decided(opened).verdict).toBe("audit_unavailable");
  });

  it("a client that goes away frees its place; what is answered then is nobody's, also twice, also unknown", async () => {
    const { open, vital, answer, calls, good, host } = await setUp();
    const gone = open(vital());
    gone.close();
    answer();
    expect(linesOf(gone).settled).toBeUndefined();
    expect(verdictOf(gone)).toBeUndefined();
    const opened = open(vital());
    const call = calls.at(-1);
    answer();
    const before = textOf(opened);
    call?.answer([[":status", "200"]], Buffer.from(good()));
    expect(textOf(opened)).toBe(before);
    const vm = host.process.workers[0]?.allVms[0] ?? expect.unreachable();
    for (const token of [0, 1, 99, 0xffffffff]) vm.call("proxy_on_http_call_response", 2, token, 0, 0, 0);
    expect(textOf(opened)).toBe(before);
  });

  it("answers may come in any order: each is its own request's", async () => {
    const { open, vital, calls, answer, good } = await setUp();
    const opened = Array.from({ length: 20 }, () => open(vital()));
    for (const call of [...calls].reverse()) answer(good(call), 200, call);
    expect(opened.every((one) => one.look().kind === "continue")).toBe(true);
    // Another's receipt opens nothing.
    const [first, second] = [open(vital()), open(vital())];
    const [one, two] = calls.slice(-2);
    answer(good(two), 200, one);
    answer(good(two), 200, two);
    expect([first, second].map((each) => decided(each).verdict)).toEqual(["audit_unavailable", "allow"]);
  });

  it("a requester has a share of the places, and when all are taken nobody more is held back", async () => {
    const people = Array.from({ length: 5 }, () => newSigner("Ed25519"));
    const { world, open, answer, calls, good } = await setUp({
      bundle: { principals: people.map(({ jwk }, i) => ({ id: `p${i}`, roles: ["oncall"], keys: [jwk] })) },
    });
    const of = (i: number): string =>
      world.alone({ by: people[i] ?? world.rita, claims: { ent: "vital", sub: `p${i}` } });
    const opened: OpenRequest[] = [];
    for (let i = 0; i < 4; i++) {
      const grant = of(i);
      for (let n = 0; n < SHARE; n++) opened.push(open(grant));
      expect(opened.at(-1)?.outcome.kind).toBe("paused");
      if (i < 3) expect(open(grant).outcome.reply?.details).toBe("glassgate_busy");
    }
    expect(calls).toHaveLength(4 * SHARE);
    expect(open(of(4)).outcome.reply?.details).toBe("glassgate_audit_unavailable");
    const [first] = calls;
    answer(good(first), 200, first);
    expect(opened[0]?.look().kind).toBe("continue");
    expect(open(of(4)).outcome.kind).toBe("paused");
    opened[1]?.close();
    expect(open(of(4)).outcome.kind).toBe("paused");
  });

  it("a proof counts once, and is not asked for again when the ledger has answered", async () => {
    const { world, host, clock, answer } = await setUp();
    const key = newSigner("Ed25519");
    const grant = world.alone({ claims: { ent: "vital", cnf: { jkt: key.kid } } });
    host.advance(20_000);
    const iat = start + 20;
    expect(clock.seconds).toBe(start);
    const proof = proofOf(key, { grant, claims: { iat } });
    const opened = host.open({ headers: [...headersOf([grant]), ["dpop", proof]] });
    expect(opened.outcome.kind).toBe("paused");
    answer();
    expect(decided(opened).verdict).toBe("allow");
    expect(host.request({ headers: [...headersOf([grant]), ["dpop", proof]] }).reply?.details).toBe("glassgate_proof");
  });
});

describe("what comes of it afterwards", () => {
  it("an open stream ends with its grant, and its record names what the pending one named", async () => {
    const { open, vital, answer, host, clock } = await setUp();
    const opened = open(vital({ jti: "the-grant-of-a-stream", exp: start + 30 }));
    answer();
    expect(opened.look().kind).toBe("continue");
    clock.seconds += 31;
    for (let i = 0; i < 4; i++) host.tick();
    const { ended, settled, receipt } = linesOf(opened);
    expect(read(ended)).toMatchObject({ verdict: "expired", ended: true, jti: "the-grant-of-a-stream", seq: 3 });
    expect(read(ended)).not.toHaveProperty("settles");
    expect(read(ended)).not.toHaveProperty("cached");
    expect(read(settled).verdict).toBe("allow");
    expect(receipt).toBeDefined();
  });

  it("shadow asks nobody, and puts on record what would be", async () => {
    const shadow = await setUp({ configuration: { mode: "shadow" } });
    const opened = shadow.open(shadow.vital());
    expect(opened.outcome.kind).toBe("continue");
    expect(shadow.calls).toHaveLength(0);
    expect(decided(opened)).toMatchObject({ verdict: "allow", mode: "shadow", seq: 1 });
    const without = await setUp({ configuration: { mode: "shadow", receipt: undefined } });
    expect(decided(without.open(without.vital()))).toMatchObject({ verdict: "audit_unavailable", mode: "shadow" });
  });
});
