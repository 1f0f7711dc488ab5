/** The ledger's HTTP door: who may come in, what is taken, and that nobody makes another one wait. */
import { copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { encodeFrame } from "../../control/ledger/frame.js";
import { Senders } from "../../control/ledger/serve/senders.js";
import { Certificates } from "../kit/certificates.js";
import { ask, keepOpen, newToken, raw, sha256, startTestServer, type TestServer } from "./http-kit.js";

const PATIENCE = { timeout: 60_000 };

const eu = newToken();
const us = newToken();
const auditor = newToken();
const SENDERS = `
senders:
  - { name: eu, tokens: [${sha256(eu)}], speaks_for: [gateway-1], follows: true }
  - { name: us, tokens: [${sha256(us)}], speaks_for: [gateway-2] }
  - { name: auditor, tokens: [${sha256(auditor)}], speaks_for: [], reads: true }
`;
const LOOPBACK = 'listen: { address: "127.0.0.1:0" }\n';

let server: TestServer | undefined;
const start = async (yaml = SENDERS + LOOPBACK, files?: ReadonlyMap<string, Buffer>): Promise<TestServer> => {
  server = await startTestServer(yaml, files);
  return server;
};
afterEach(async () => {
  await server?.close();
  server = undefined;
});

describe("POST /v1/lines", () => {
  it("takes lines of any bytes, each once, and answers when they are durable", async () => {
    const { url, intake } = await start();
    const body = Buffer.concat([
      Buffer.from('{"v":1}\r\nnonsense\n\n'),
      Buffer.from([0xff, 0, 0xc0, 0x0a]),
      Buffer.from('{"v":1}\nlast'),
    ]);
    const { status, body: answer } = await ask(url, { path: "/v1/lines", token: eu, body });
    expect([status, JSON.parse(answer)]).toEqual([200, { taken: 5, new: 4 }]);
    expect(intake.lines()).toEqual(['{"v":1}', "nonsense", "\xff\0\xc0", "last"]);
    expect(intake.entries.map(({ sender }) => sender)).toEqual(Array(4).fill({ sender: "eu", via: "token" }));
    const open = intake.hold();
    const waiting = ask(url, { path: "/v1/lines", token: eu, body: "later" });
    let isAnswered = false;
    void waiting.then(() => {
      isAnswered = true;
    });
    await expect.poll(() => intake.calls, PATIENCE).toBe(2);
    expect(isAnswered).toBe(false);
    open();
    expect((await waiting).status).toBe(200);
  });

  it("a line of 1 MB, and one of 3 MB, whose rest is named", async () => {
    const { url, intake } = await start();
    const exact = "e".repeat(1024 * 1024);
    const longer = "f".repeat(3_000_000);
    expect((await ask(url, { path: "/v1/lines", token: eu, body: `${exact}\n${longer}\nshort` })).status).toBe(200);
    expect(intake.lines()[0]).toBe(exact);
    expect(intake.lines()[1]?.slice(1024 * 1024)).toBe(`\n{"cut":true,"bytes":3000000,"sha256":"${sha256(longer)}"}`);
    expect(intake.lines()[2]).toBe("short");
  });

  it("refuses a request for its form, and takes nothing of it", async () => {
    const { url, intake } = await start();
    const long = Buffer.alloc(4 * 1024 * 1024 + 1, "x\n");
    const cases: readonly [number, Parameters<typeof ask>[1]][] = [
      [413, { path: "/v1/lines", token: eu, body: long }],
      [413, { path: "/v1/lines", token: eu, body: long, headers: { "transfer-encoding": "chunked" } }],
      [413, { path: "/v1/lines", token: eu, body: Buffer.alloc(4 * 1024 * 1024, "\n") }],
      [
        413,
        {
          path: "/v1/lines",
          token: eu,
          body: gzipSync(Buffer.alloc(64 * 1024 * 1024)),
          headers: { "content-encoding": "gzip" },
        },
      ],
      [400, { path: "/v1/lines", token: eu, body: "no gzip", headers: { "content-encoding": "gzip" } }],
      [
        400,
        {
          path: "/v1/lines",
          token: eu,
          body: gzipSync("cut").subarray(0, -4),
          headers: { "content-encoding": "gzip" },
        },
      ],
      [415, { path: "/v1/lines", token: eu, body: "x", headers: { "content-encoding": "br" } }],
      [405, { path: "/v1/lines", token: eu, method: "GET" }],
      [405, { path: "/v1/lines", token: eu, method: "PUT", body: "x" }],
      [405, { path: "/v1/nothing", token: eu, body: "x" }],
      [404, { path: "/v1/nothing", token: auditor, method: "GET" }],
    ];
    for (const [status, request] of cases) {
      const answer = await ask(url, request);
      expect([answer.status, request.path]).toEqual([status, request.path]);
      expect(answer.headers["content-type"]).toBe("application/problem+json");
    }
    expect(intake.entries).toEqual([]);
    const inflated = gzipSync("one\ntwo\n");
    for (const coding of ["gzip", "x-gzip"])
      expect(
        (await ask(url, { path: "/v1/lines", token: eu, body: inflated, headers: { "content-encoding": coding } }))
          .status,
      ).toBe(200);
    expect(intake.lines()).toEqual(["one", "two"]);
  });

  it("a lying length, two lengths, and headers without an end", async () => {
    const { url, intake } = await start();
    const head = `POST /v1/lines HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${eu}\r\n`;
    expect(await raw(url, `${head}content-length: 3\r\n\r\nabcdef GET / nonsense\r\n\r\n`)).toMatch(/HTTP\/1.1 400 /);
    expect(await raw(url, `${head}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd`)).toMatch(/^HTTP\/1.1 400 /);
    expect(await raw(url, `${head}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 400 /,
    );
    expect(await raw(url, `${head}x: ${"y".repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 4(?:00|31) /);
    // What has the right length is a request; whether its answer still gets out before the connection ends is open.
    expect(intake.lines().filter((line) => line !== "abc")).toEqual([]);
  });

  it("connections that bring no request and are kept open by their other end do not use up an address's share", async () => {
    const { url } = await start();
    const ends = await Promise.all(Array.from({ length: 640 }, () => keepOpen(url, "nonsense\r\n\r\n")));
    try {
      const isAnswered = () =>
        ask(url, { method: "GET", path: "/healthz" }).then(
          ({ status }) => status === 200,
          () => false,
        );
      await expect.poll(isAnswered, PATIENCE).toBe(true);
    } finally {
      for (const end of ends) end();
    }
  });

  it("connections on which nobody says anything make room for a sender, of one address and of all", async () => {
    const { url, intake } = await start();
    const silent: Socket[] = [];
    const open = (localAddress: string): Promise<void> =>
      new Promise((resolve) => {
        const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", localAddress }, resolve);
        socket.on("error", () => {}); // Ended by the other end, as it may be.
        silent.push(socket);
      });
    try {
      for (const [count, from] of [
        [700, "127.0.0.1"],
        [500, "127.0.0.2"],
        [500, "127.0.0.3"],
        [500, "127.0.0.4"],
      ] as const) {
        await Promise.all(Array.from({ length: count }, () => open(from)));
        expect((await ask(url, { path: "/v1/lines", token: eu, body: `beside those of ${from}` })).status).toBe(200);
      }
      expect(intake.lines()).toHaveLength(4);
      expect(silent.filter(({ destroyed }) => !destroyed).length).toBeLessThanOrEqual(2048);
    } finally {
      for (const socket of silent) socket.destroy();
    }
  });

  it("requests that are sent on and on without waiting end the connection, and take no memory", async () => {
    const files = new Map([["tile/entries/000", Buffer.alloc(1024)]]);
    const { url } = await start(SENDERS + LOOPBACK.replace(" }", ", read: public }"), files);
    const got = await raw(url, "GET /tile/entries/000 HTTP/1.1\r\nhost: x\r\n\r\n".repeat(500));
    expect(got.split("HTTP/1.1 200").length - 1).toBeLessThanOrEqual(8);
    expect((await ask(url, { method: "GET", path: "/tile/entries/000" })).status).toBe(200);
  });

  it("a body that breaks off is not taken", async () => {
    const { url, intake } = await start();
    await new Promise<void>((resolve) => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1", () => {
        socket.write(
          `POST /v1/lines HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${eu}\r\ncontent-length: 100\r\n\r\none\n`,
        );
        setTimeout(() => socket.destroy(), 50);
      });
      socket.on("close", () => resolve());
    });
    expect((await ask(url, { path: "/v1/lines", token: eu, body: "two" })).status).toBe(200);
    expect(intake.lines()).toEqual(["two"]);
  });

  it("is answered 503 while the log takes nothing, and says so without the request", async () => {
    const { url, intake, told } = await start();
    intake.fault = new Error("the disk is full");
    const answer = await ask(url, { path: "/v1/lines", token: eu, body: "secret line" });
    expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "5"]);
    expect(told.join()).toContain("the disk is full");
    expect(told.join() + answer.body).not.toContain("secret line");
  });
});

describe("senders", () => {
  it("by token; without, with another's, or with none: 401, and no token in any answer", async () => {
    const { url, intake, told } = await start();
    for (const headers of [
      {},
      { authorization: `Bearer ${newToken()}` },
      { authorization: eu },
      { authorization: `Basic ${eu}` },
      { authorization: "Bearer " },
    ]) {
      const answer = await ask(url, { path: "/v1/lines", body: "x", headers });
      expect(answer.status).toBe(401);
      expect(answer.body + JSON.stringify(answer.headers) + told.join()).not.toContain(eu);
    }
    expect(intake.entries).toEqual([]);
  });

  it("quota of entries and bytes: 429 and when to come again, others go on", async () => {
    const { url, clock } = await start(`
senders:
  - { name: eu, tokens: [${sha256(eu)}], speaks_for: [], quota: { entries: 10, bytes: 1000000 } }
  - { name: us, tokens: [${sha256(us)}], speaks_for: [], quota: { entries: 1000, bytes: 600 } }
${LOOPBACK}`);
    const lines = (count: number): string => Array.from({ length: count }, (_, i) => `${i}\n`).join("");
    const post = (token: string, body: string) => ask(url, { path: "/v1/lines", token, body });
    expect((await post(eu, lines(8))).status).toBe(200);
    expect((await post(eu, lines(8))).status).toBe(200); // Into debt, as else nothing large ever got through.
    const refused = await post(eu, "x");
    expect(refused.status).toBe(429);
    expect(Number(refused.headers["retry-after"])).toBe(42);
    expect((await post(us, "y".repeat(1000))).status).toBe(200);
    expect((await post(us, "y")).status).toBe(429);
    clock.now += 41_000;
    expect((await post(eu, "x")).status).toBe(429);
    expect((await post(us, "y")).status).toBe(200);
    clock.now += 2000;
    expect((await post(eu, "x")).status).toBe(200);
  });

  it("what each was refused is counted from nought on: the first must be a rise", () => {
    const config = { speaks_for: [], follows: false, reads: false, quota: { entries: 1, bytes: 1 } };
    const senders = new Senders(
      [
        { ...config, name: "eu" },
        { ...config, name: "us" },
      ],
      Date.now,
    );
    senders.noteRefused("us");
    expect([...senders.refused]).toEqual([
      ["eu", 0],
      ["us", 1],
    ]);
  });

  it("a sender that floods does not make another one wait", async () => {
    const { url, intake, turns } = await start();
    const open = intake.hold();
    const flood = Array.from({ length: 30 }, (_, i) =>
      ask(url, { path: "/v1/lines", token: eu, body: `flood ${i}\n`.repeat(10) }),
    );
    await expect.poll(() => intake.calls, PATIENCE).toBe(1);
    const other = ask(url, { path: "/v1/lines", token: us, body: "one of another" });
    await expect.poll(() => turns.waiting, PATIENCE).toBe(30); // All but the one that is being taken.
    open();
    expect((await other).status).toBe(200);
    await Promise.all(flood);
    const place = intake.entries.findIndex(({ sender }) => sender.sender === "us");
    expect(place).toBeGreaterThan(-1);
    expect(place).toBeLessThanOrEqual(2); // Behind at most the two requests that were taken before it came.
  });

  it("has so many connections at once and no more", async () => {
    const { url, intake } = await start();
    const open = intake.hold();
    const many = Array.from({ length: 40 }, (_, i) => ask(url, { path: "/v1/lines", token: eu, body: `${i}` }));
    const refused: number[] = [];
    void Promise.all(many.map(async (one) => (await one).status === 429 && refused.push(429)));
    await expect.poll(() => refused.length, PATIENCE).toBe(8);
    const other = ask(url, { path: "/v1/lines", token: us, body: "of another" });
    open();
    expect((await other).status).toBe(200);
    expect((await Promise.all(many)).filter(({ status }) => status === 200).length).toBe(32);
  });

  describe("by certificate", () => {
    const certificates = new Certificates();
    afterAll(() => certificates.remove());
    const own = certificates.selfSigned("ledger");
    const client = certificates.selfSigned("client");
    const stranger = certificates.selfSigned("stranger");
    const late = certificates.between("late", "20200101000000Z", "20200201000000Z");
    const der = (file: { readonly shown: { readonly cert: Buffer } }): string =>
      sha256(Buffer.from(file.shown.cert.toString().replace(/-----[^-]+-----|\s/g, ""), "base64"));
    const yaml = `
senders:
  - { name: pinned, certificates: [${der(client)}, ${der(late)}], speaks_for: [] }
  - { name: eu, tokens: [${sha256(eu)}], speaks_for: [] }
listen: { address: "127.0.0.1:0", tls: { certificate: "${own.certificate}", key: "${own.key}" } }
`;
    const ca = own.shown.cert;

    it("the pinned one is known, others are not, and a token works as well", async () => {
      const { url, intake } = await start(yaml);
      const post = async (tls: object, more: object = {}) =>
        (await ask(url, { path: "/v1/lines", body: "x", tls: { ca, ...tls }, ...more })).status;
      expect(await post(client.shown)).toBe(200);
      expect(intake.entries[0]?.sender).toEqual({ sender: "pinned", via: "certificate" });
      expect(await post(stranger.shown)).toBe(401);
      expect(await post(late.shown)).toBe(401);
      expect(await post({})).toBe(401);
      expect(await post({}, { token: eu })).toBe(200);
    });

    it("a certificate that is renewed is shown as soon as it has its key, and what does not go together is said", async () => {
      const [first, second] = [certificates.selfSigned("first"), certificates.selfSigned("second")];
      const [certificate, key] = ["shown.pem", "shown.key"].map((name) => join(certificates.folder, name));
      if (certificate === undefined || key === undefined) throw new Error("two files");
      const listen = (more = ""): string =>
        `listen: { address: "127.0.0.1:0", tls: { certificate: "${certificate}", key: "${key}"${more} } }\n`;
      const put = (one: string, other: string): void => {
        copyFileSync(one, certificate);
        copyFileSync(other, key);
      };
      const garbage = join(certificates.folder, "garbage");
      writeFileSync(garbage, "garbage\n");
      put(garbage, first.key);
      await expect(startTestServer(listen())).rejects.toThrow(/shown\.pem is no certificate/);
      put(first.certificate, garbage);
      await expect(startTestServer(listen())).rejects.toThrow(/shown\.key is no private key/);
      put(first.certificate, second.key);
      await expect(startTestServer(listen())).rejects.toThrow(/shown\.key is not the key of .*shown\.pem/);
      put(first.certificate, first.key);
      await expect(startTestServer(listen(`, client_ca: "${garbage}"`))).rejects.toThrow(/garbage is no certificate/);
      server = await startTestServer(listen(), undefined, 20);
      const { url, told } = server;
      const isShown = (trusted: Buffer): Promise<boolean> =>
        ask(url, { method: "GET", path: "/healthz", tls: { ca: trusted } }).then(
          ({ status }) => status === 200,
          () => false,
        );
      expect([await isShown(first.shown.cert), await isShown(second.shown.cert)]).toEqual([true, false]);
      copyFileSync(second.certificate, certificate);
      await expect.poll(() => told.join(), PATIENCE).toMatch(/shown\.key is not the key of .* It goes on with the one/);
      expect(await isShown(first.shown.cert)).toBe(true);
      copyFileSync(second.key, key);
      await expect.poll(() => isShown(second.shown.cert), PATIENCE).toBe(true);
      expect(told).toHaveLength(1);
    });

    it("receipts are given for it, and not for a token", async () => {
      const { url } = await start(yaml);
      const body = '{"v":1,"vm":"a/1/1","seq":1,"verdict":"pending"}\n';
      expect((await ask(url, { path: "/v1/receipts", body, tls: { ca, ...client.shown } })).status).toBe(200);
      expect((await ask(url, { path: "/v1/receipts", body, tls: { ca }, token: eu })).status).toBe(403);
      expect((await ask(url, { path: "/v1/receipts", body, tls: { ca } })).status).toBe(401);
    });

    it("receipts have a quota of their own", async () => {
      const yaml = `
senders:
  - name: gate
    certificates: [${der(client)}]
    speaks_for: []
    quota: { entries: 4, bytes: 100000 }
listen: { address: "127.0.0.1:0", tls: { certificate: "${own.certificate}", key: "${own.key}" } }
`;
      const { url, intake } = await start(yaml);
      const tls = { ca, ...client.shown };
      const give = (seq: number) =>
        ask(url, { path: "/v1/receipts", body: `{"v":1,"vm":"a/1/1","seq":${seq},"verdict":"pending"}`, tls });
      // His lines use up theirs, and not what requests wait for.
      expect((await ask(url, { path: "/v1/lines", body: "1\n2\n3\n4\n5", tls })).status).toBe(200);
      expect((await ask(url, { path: "/v1/lines", body: "6", tls })).status).toBe(429);
      expect([(await give(1)).status, (await give(2)).status, (await give(3)).status]).toEqual([200, 200, 429]);
      expect(intake.entries.length).toBe(7);
    });

    it("with an authority, the pinned one must be of it as well", async () => {
      const { url } = await start(yaml.replace('key: "', `client_ca: "${stranger.certificate}", key: "`));
      expect((await ask(url, { path: "/v1/lines", body: "x", tls: { ca, ...client.shown } })).status).toBe(401);
    });
  });
});

describe("POST /v1/follow", () => {
  it("takes kinds and bytes of a sender that may, in the one form", async () => {
    const { url, intake } = await start();
    const frame = encodeFrame([
      { kind: "line", bytes: Buffer.from([0xff, 0x0a, 0]) },
      { kind: "heartbeat", bytes: Buffer.from("{}") },
    ]);
    expect((await ask(url, { path: "/v1/follow", token: us, body: frame })).status).toBe(403);
    expect((await ask(url, { path: "/v1/follow", token: eu, body: frame })).status).toBe(200);
    expect(intake.entries.map(({ kind, bytes }) => [kind, bytes.toString("latin1")])).toEqual([
      ["line", "\xff\n\0"],
      ["heartbeat", "{}"],
    ]);
    for (const body of [
      "",
      "[]",
      "{}",
      '{"received":[{"kind":"line","bytes":"a"}]}',
      '{"received":[{"kind":"review","bytes":""}]}',
      '{"received":[{"kind":"line","bytes":"YQ==","sender":"x"}]}',
      '{"received":[],"sender":"x"}',
    ])
      expect([body, (await ask(url, { path: "/v1/follow", token: eu, body })).status]).toEqual([body, 400]);
    expect(intake.entries.length).toBe(2);
  });
});

/** A million log records of nothing. */
function hugeProtobuf(): Buffer {
  const length = (bytes: number): Buffer =>
    Buffer.from([(bytes & 127) | 128, ((bytes >> 7) & 127) | 128, ((bytes >> 14) & 127) | 128, bytes >> 21]);
  const records = Buffer.alloc(2_000_000, Buffer.from([2 * 8 + 2, 0]));
  const scope = Buffer.concat([Buffer.from([2 * 8 + 2]), length(records.length), records]);
  return Buffer.concat([Buffer.from([1 * 8 + 2]), length(scope.length), scope]);
}

describe("POST /v1/logs", () => {
  const record = '{"v":1,"vm":"g/1/1","seq":1}';
  const otlp = (...logRecords: readonly object[]): string =>
    JSON.stringify({ resourceLogs: [{ resource: {}, scopeLogs: [{ scope: { name: "s" }, logRecords }] }] });
  const post = (url: string, body: string | Buffer, type = "application/json") =>
    ask(url, { path: "/v1/logs", token: eu, body, headers: { "content-type": type } });

  it("takes the text of bodies and of attributes as lines", async () => {
    const { url, intake } = await start();
    const body = otlp(
      { timeUnixNano: "1", body: { stringValue: `${record}\n{"evidence":"a~b"}\n` }, attributes: [] },
      {
        attributes: [
          { key: "audit", value: { stringValue: record.replace("1}", "2}") } },
          { key: "file", value: { stringValue: "/var/log" } },
        ],
      },
    );
    const answer = await post(url, body);
    expect([answer.status, answer.body.trim()]).toEqual([200, "{}"]);
    expect(intake.lines()).toEqual([record, '{"evidence":"a~b"}', record.replace("1}", "2}")]);
  });

  it("what is no text is kept as it came, and said", async () => {
    const { url, intake } = await start();
    const strange = { body: { kvlistValue: { values: [] } }, severityText: "INFO" };
    const answer = await post(url, otlp(strange));
    expect(JSON.parse(answer.body).partialSuccess).toMatchObject({ rejectedLogRecords: "0" });
    expect(intake.lines()).toEqual([JSON.stringify(strange)]);
  });

  it("one value of another form takes nothing else of its request with it", async () => {
    const { url, intake } = await start();
    const bytes = { type: "Buffer", data: [1, 2] };
    const odd = [{ body: 7 }, { body: { stringValue: 7 } }, { body: { bytesValue: { 0: 1 } } }, { body: [] }];
    const answer = await post(
      url,
      otlp(
        {
          body: { stringValue: record },
          attributes: [
            { key: "id", value: { bytesValue: bytes } },
            { key: "n", value: 3 },
          ],
        },
        ...odd,
        { body: { stringValue: record.replace("1}", "2}") } },
      ),
    );
    expect([answer.status, JSON.parse(answer.body).partialSuccess?.rejectedLogRecords]).toEqual([200, "0"]);
    expect(intake.lines()).toEqual([record, ...odd.map((one) => JSON.stringify(one)), record.replace("1}", "2}")]);
  });

  it("in protobuf as well, whatever the bytes", async () => {
    const { url, intake } = await start();
    const field = (number: number, bytes: Buffer): Buffer => {
      const length: number[] = [];
      for (let left = bytes.length; ; left = Math.floor(left / 128)) {
        length.push(left >= 128 ? (left % 128) | 128 : left);
        if (left < 128) break;
      }
      return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), bytes]);
    };
    const text = (value: Buffer): Buffer => field(1, value);
    const logRecord = (body: Buffer): Buffer =>
      Buffer.concat([Buffer.from([1 * 8 + 1]), Buffer.alloc(8), Buffer.from([2 * 8, 9]), field(5, text(body))]);
    const whole = (...records: readonly Buffer[]): Buffer =>
      field(
        1,
        Buffer.concat([field(1, Buffer.alloc(0)), field(2, Buffer.concat(records.map((one) => field(2, one))))]),
      );
    const bytes = whole(
      logRecord(Buffer.from(`${record}\n`)),
      logRecord(Buffer.from([0xff, 0xfe])),
      field(
        6,
        Buffer.concat([field(1, Buffer.from("audit")), field(2, text(Buffer.from(record.replace("1}", "3}"))))]),
      ),
    );
    const answer = await post(url, bytes, "application/x-protobuf");
    expect([answer.status, answer.body, answer.headers["content-type"]]).toEqual([200, "", "application/x-protobuf"]);
    expect(intake.lines()).toEqual([record, "\xff\xfe", record.replace("1}", "3}")]);
    for (let end = 1; end < bytes.length; end += 7)
      expect((await post(url, bytes.subarray(0, end), "application/x-protobuf")).status).toBe(400);
    expect(intake.entries.length).toBe(3);
  });

  it("a body that would become millions of objects is refused for its form, and what it was made into stays small", async () => {
    const { url, intake, told } = await start();
    const million = (one: string, of = 1_000_000) => Array(of).fill(one).join();
    const records = (inside: string): string => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${inside}]}]}]}`;
    const cases: readonly [number, string | Buffer, string?][] = [
      [413, `{"resourceLogs":[${million("0")}]}`],
      [400, `{"resourceLogs":[{"scopeLogs":[${million("0", 200_000)}]}]}`],
      [413, records(`{"attributes":[${million("0")}]}`)],
      [413, records(million("{}"))],
      [413, records(`{"attributes":[${million("{}")}]}`)],
      [413, records(`{"body":{"stringValue":"${"a\\n".repeat(1_000_000)}"}}`)],
      [413, records(`{"attributes":[{"value":{"stringValue":"${"a\\n".repeat(1_000_000)}"}}]}`)],
      [413, hugeProtobuf(), "application/x-protobuf"],
    ];
    for (const [status, body, type] of cases) {
      const got = await post(url, body, type);
      expect([got.status, body.slice(0, 60).toString()]).toEqual([status, body.slice(0, 60).toString()]);
    }
    for (const body of [`{"received":[${million("0")}]}`, `{"received":${"[".repeat(500_000)}`])
      expect((await ask(url, { path: "/v1/follow", token: eu, body })).status).toBe(400);
    expect(intake.entries).toEqual([]);
    expect(told).toEqual([]);
  });

  it("refuses other forms", async () => {
    const { url } = await start();
    expect((await post(url, otlp(), "text/plain")).status).toBe(415);
    for (const body of ["", "[]", '{"resourceLogs":{}}', '{"resourceLogs":[{"scopeLogs":[{"logRecords":[1]}]}]}'])
      expect([body, (await post(url, body)).status]).toEqual([body, 400]);
  });
});

describe("reading", () => {
  const files = new Map([
    ["checkpoint", Buffer.from("test.example/log\n")],
    ["tile/0/000", Buffer.from("full")],
    ["tile/0/x001/000.p/17", Buffer.from("part")],
    ["tile/entries/000", Buffer.from("entries")],
    ["../secret", Buffer.from("secret")],
    ["state/x.json", Buffer.from("secret")],
    ["tile/0/000.p/0", Buffer.from("secret")],
    ["tile/entries/../../lock", Buffer.from("secret")],
  ]);

  it("gives the files of a log to senders that may, with the right caching, and no others", async () => {
    const { url } = await start(SENDERS + LOOPBACK, files);
    const get = (path: string, token?: string) =>
      ask(url, { method: "GET", path, ...(token === undefined ? {} : { token }) });
    expect((await get("/checkpoint")).headers["cache-control"]).toBe("no-cache");
    expect((await get("/tile/0/000")).status).toBe(401);
    expect((await get("/tile/0/000", eu)).status).toBe(403);
    const full = await get("/tile/0/000", auditor);
    expect([full.status, full.body, full.headers["cache-control"]]).toEqual([
      200,
      "full",
      "private, max-age=31536000, immutable",
    ]);
    expect((await get("/tile/0/x001/000.p/17", auditor)).headers["cache-control"]).toBe("private, max-age=60");
    for (const path of [
      "/../secret",
      "/tile/../../secret",
      "/state/x.json",
      "/tile/0/000.p/0",
      "/tile/0/000.p/256",
      "/tile/64/000",
      "/tile/00/000",
      "/tile/0/0",
      "/tile/entries/../../lock",
      "/tile/entries/%2e%2e/%2e%2e/lock",
      "/tile/0/001",
      "/lock",
      "/",
      "//checkpoint",
      "/blob/xyz",
    ])
      expect([path, (await get(path, auditor)).status]).toEqual([path, 404]);
  });

  it("public where the configuration says so; metrics and health", async () => {
    const { url } = await start(`${SENDERS}listen: { address: "127.0.0.1:0", read: public }\n`, files);
    const got = await ask(url, { method: "GET", path: "/tile/entries/000" });
    expect([got.status, got.headers["cache-control"]]).toEqual([200, "public, max-age=31536000, immutable"]);
    expect((await ask(url, { method: "GET", path: "/metrics" })).body).toBe("glassgate_ledger_entries 7\n");
    expect((await ask(url, { method: "GET", path: "/healthz" })).body).toBe("ok\n");
    expect((await ask(url, { method: "HEAD", path: "/checkpoint" })).body).toBe("");
  });
});

describe("receipts on the unix socket", () => {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-socket-"));
  const socketPath = join(folder, "receipts.sock");
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const yaml = `${SENDERS}listen: { address: "127.0.0.1:0", receipts: "${socketPath}" }\n`;
  const pending = (seq: number): string => `{"v":1,"vm":"a/1/1","seq":${seq},"verdict":"pending"}`;
  const give = (url: string, body: string) => ask(url, { path: "/v1/receipts", body, socketPath });

  it("one for a pending record, the same index for it again", async () => {
    const { url, intake } = await start(yaml);
    const first = await give(url, `${pending(1)}\n{"evidence":"a~b"}\n`);
    expect(first.status).toBe(200);
    expect(first.body).toMatch(
      new RegExp(`^receipt \\{"index":0,"recordSha256":"${sha256(pending(1))}","iat":\\d+\\}$`),
    );
    expect(intake.lines()).toEqual([pending(1), '{"evidence":"a~b"}']);
    expect((await give(url, pending(2))).body).toContain('"index":2');
    expect((await give(url, pending(1))).body).toContain('"index":0');
    expect(intake.entries[0]?.sender).toEqual({ sender: "local", via: "local" });
    const open = intake.hold();
    let isGiven = false;
    const waiting = give(url, pending(3)).then((got) => {
      isGiven = true;
      return got;
    });
    await expect.poll(() => intake.calls, PATIENCE).toBe(4);
    expect(isGiven).toBe(false);
    open();
    expect((await waiting).status).toBe(200);
  });

  it("none for anything else", async () => {
    const { url, intake } = await start(yaml);
    for (const body of [
      "",
      "\n",
      "nonsense",
      '{"evidence":"a~b"}',
      pending(1).replace("pending", "allow"),
      pending(1).replace('"vm":"a/1/1",', ""),
      `${pending(1)}\n${pending(2)}`,
      `${pending(1)}\n{"evidence":"a"}\n{"evidence":"b"}`,
      `{"evidence":"a"}\n${pending(1)}`,
    ])
      expect([body, (await give(url, body)).status]).toEqual([body, 400]);
    expect((await give(url, `${pending(1)}\n${"x".repeat(40_000)}`)).status).toBe(413);
    expect(intake.entries).toEqual([]);
  });

  it("its socket is never open to others, whatever this process lets others do", async () => {
    const before = process.umask(0);
    try {
      const { url } = await start(yaml);
      expect(statSync(socketPath).mode & 0o777).toBe(0o660);
      expect((await give(url, pending(1))).status).toBe(200);
      expect(process.umask(0)).toBe(0);
    } finally {
      process.umask(before);
    }
  });

  it("takes the place of a socket that nobody listens on, and of nothing else", async () => {
    const first = await start(yaml);
    await expect(startTestServer(yaml)).rejects.toThrow(/another process has this port|Cannot listen/);
    await first.close();
    server = undefined;
    writeFileSync(socketPath, "a file");
    await expect(startTestServer(yaml)).rejects.toThrow("no socket");
    rmSync(socketPath);
    const { url } = await start(yaml);
    expect((await give(url, pending(1))).status).toBe(200);
  });
});
