/** No grant, no Wasm: what has no x-break-glass never meets the filter, whatever state it is in; what has one always does. */
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect, type OutgoingHttpHeaders } from "node:http2";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { isRecordLine } from "../../control/base/audit.js";
import { type Answer, keepAlive, send } from "../../control/gateway/client.js";
import { ecdsText, writeEcds } from "../../control/gateway/ecds.js";
import { startTestEnvoy, type TestEnvoy, type TestEnvoyOptions } from "../kit/envoy.js";
import { compileFixture } from "../kit/fixture.js";
import { World } from "../kit/world.js";
import { direct, edited } from "./verify/files.js";

const world = new World(Math.floor(Date.now() / 1000));
const ORDER = "/orders/7";

type Headers = Readonly<Record<string, string | readonly string[]>>;
type Client = (port: number, headers: Headers, path?: string) => Promise<Answer>;

const http1: Client = (port, headers, path = ORDER) => send({ port, path, headers });

const http2: Client = (port, headers, path = ORDER) =>
  new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on("error", reject);
    const lines: OutgoingHttpHeaders = { ":path": path, ":authority": "api.example.com" };
    for (const [name, value] of Object.entries(headers)) lines[name] = typeof value === "string" ? value : [...value];
    const stream = session.request(lines);
    let answered: Answer = { status: 0, headers: {}, body: "" };
    let body = "";
    stream.setEncoding("utf8");
    stream.on("response", ({ ":status": status = 0, ...rest }) => {
      answered = { status, headers: rest, body: "" };
    });
    stream.on("data", (chunk: string) => {
      body += chunk;
    });
    stream.on("error", reject);
    stream.on("end", () => {
      session.close();
      resolve({ ...answered, body });
    });
    stream.end();
  });

const clients = [
  ["HTTP/1.1", http1],
  ["HTTP/2", http2],
] as const;

/** Normal callers that ask without a pause until they are told to stop. `stop` says what was not a 200 with the caller's payload. */
async function traffic(test: TestEnvoy): Promise<{ sent: () => number; stop: () => Promise<string[]> }> {
  const authorization = `Bearer ${await test.normalToken()}`;
  const wrong: string[] = [];
  let isRunning = true;
  let sent = 0;
  const client = async (): Promise<void> => {
    const agent = keepAlive(1);
    while (isRunning) {
      sent += 1;
      const seen = await send({ port: test.port, path: ORDER, headers: { authorization }, agent }).then(
        ({ status, body }) => (status === 200 && body.includes("x-jwt-payload") ? undefined : `${status} ${body}`),
        String,
      );
      if (seen !== undefined) wrong.push(seen);
    }
    agent.destroy();
  };
  const running = Array.from({ length: 4 }, client);
  return {
    sent: () => sent,
    stop: async () => {
      isRunning = false;
      await Promise.all(running);
      return wrong.slice(0, 3);
    },
  };
}

/** Statuses of requests on connections of their own, so that they spread over the workers. */
async function statuses(test: TestEnvoy, headers: Headers): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: 16 }, () => http1(test.port, headers)));
  return [...new Set(answers.map(({ status }) => status))].sort();
}
const granted = (test: TestEnvoy): Promise<number[]> => statuses(test, { "x-break-glass": world.alone() });

describe("a filter that traps, while normal traffic flows", () => {
  let test: TestEnvoy;
  let wasmPath = "";
  beforeAll(async () => {
    wasmPath = await compileFixture("traps");
  });
  afterEach(() => test.stop());
  const start = async (options: TestEnvoyOptions): Promise<void> => {
    test = await startTestEnvoy(world, { concurrency: 2, render: { wasmPath }, ...options });
  };

  it("closes for grants until the next push (FAIL_CLOSED), and no normal request fails or enters the VM", async () => {
    await start({ failurePolicy: "FAIL_CLOSED" });
    const normal = await traffic(test);
    expect(await statuses(test, {})).toEqual([401]);
    await expect.poll(normal.sent, { timeout: 60_000 }).toBeGreaterThan(50);
    expect(test.envoy.log()).not.toContain("unreachable");
    for (let round = 0; round < 3; round++) expect(await granted(test)).toEqual([503]);
    const before = normal.sent();
    await expect.poll(normal.sent, { timeout: 60_000 }).toBeGreaterThan(before + 50);
    expect(test.envoy.log()).toContain("unreachable");
    expect(await statuses(test, {})).toEqual([401]);
    expect(await normal.stop()).toEqual([]);
  });

  it("comes back by itself as rendered (FAIL_RELOAD), trap after trap, and no normal request fails", async () => {
    await start({});
    const normal = await traffic(test);
    // The VM is made anew about a second after a trap, and the next grant ends it again.
    const trapped = (): number => test.envoy.log().split("unreachable").length - 1;
    await expect
      .poll(
        async () => {
          expect(await granted(test)).toEqual([503]);
          return trapped();
        },
        { timeout: 120_000, interval: 200 },
      )
      .toBeGreaterThan(2);
    expect(await normal.stop()).toEqual([]);
  });

  it("ends normal requests as well where it stands in the chain itself", async () => {
    await start({ edit: (config) => edited(config, direct) });
    expect(await statuses(test, { authorization: `Bearer ${await test.normalToken()}` })).toEqual([503]);
  });
});

describe("a bad ECDS file", () => {
  let test: TestEnvoy;
  afterEach(() => test.stop());
  const start = async (options: TestEnvoyOptions): Promise<void> => {
    test = await startTestEnvoy(world, { concurrency: 2, ...options });
  };
  const bad: Readonly<Record<string, string>> = {
    "no JSON": "{",
    "no resources": '{"version_info":"1","resources":[]}',
    "another type": JSON.stringify({
      version_info: "2",
      resources: [
        {
          "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
          name: "glassgate",
          typed_config: {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
            max_request_bytes: 1,
          },
        },
      ],
    }),
  };

  it("at the start, with the default: grants get no_trust, and no normal request fails", async () => {
    await start({ initial: "nonsense" });
    const normal = await traffic(test);
    expect(await granted(test)).toEqual([503]);
    expect((await http1(test.port, { "x-break-glass": world.alone() })).body).toContain('"code":"no_trust"');
    await test.configure(world.configuration());
    expect(await granted(test)).toEqual([200]);
    expect(await normal.stop()).toEqual([]);
  });

  it("at the start, without a default: grants get 500, and no normal request fails", async () => {
    await start({
      initial: "nonsense",
      edit: (config) => config.replace(/^( +)default_config:[\s\S]*?(?=^ +# 2\.)/m, ""),
    });
    const normal = await traffic(test);
    expect(await granted(test)).toEqual([500]);
    await test.configure(world.configuration());
    expect(await granted(test)).toEqual([200]);
    expect(await normal.stop()).toEqual([]);
  });

  it("later, by rename: the old one serves on, and no request of either kind fails", async () => {
    await start({ initial: world.configuration() });
    const normal = await traffic(test);
    const missing = { ...test.filter.config, vm_config: { code: { local: { filename: "/nowhere.wasm" } } } };
    const texts = {
      ...bad,
      "refused by the filter": ecdsText(test.filter, "nonsense", undefined, "3"),
      "without the filter's code": ecdsText({ ...test.filter, config: missing }, world.configuration(), undefined, "4"),
    };
    let { rejections } = await test.state();
    for (const [name, text] of Object.entries(texts)) {
      writeEcds(test.filter.ecdsPath, text);
      await expect
        .poll(async () => (await test.state()).rejections, { timeout: 60_000, message: name })
        .toBeGreaterThan(rejections);
      rejections = (await test.state()).rejections;
      expect(await granted(test), name).toEqual([200]);
    }
    await test.configure(world.configuration({ configuration: { generation: 77 } }));
    expect(await granted(test)).toEqual([200]);
    expect(await normal.stop()).toEqual([]);
  });
});

describe("a request", () => {
  let test: TestEnvoy;
  const answersLog = (): string[] =>
    readFileSync(join(test.folder, "answers.log"), { encoding: "utf8", flag: "a+" }).split("\n").slice(0, -1);
  beforeAll(async () => {
    test = await startTestEnvoy(world, {
      concurrency: 1,
      initial: world.configuration({ configuration: { strip: ["x-jwt-payload"] } }),
      edit: (config) => config.replace("access_log_flush_interval: 5s", "access_log_flush_interval: 0.2s"),
    });
  });
  afterAll(() => test.stop());

  for (const [protocol, client] of clients) {
    describe(`over ${protocol}`, () => {
      const forms: readonly (readonly [string, () => Headers, number, string])[] = [
        ["a grant", () => ({ "x-break-glass": world.alone() }), 200, ""],
        ["a grant under another spelling", () => ({ "X-Break-GLASS": world.alone() }), 200, ""],
        ["nonsense", () => ({ "x-break-glass": "x" }), 401, "malformed"],
        ["an empty header", () => ({ "x-break-glass": "" }), 401, "malformed"],
        ["a blank header", () => ({ "x-break-glass": " \t " }), 401, "malformed"],
        ["bytes above ASCII", () => ({ "x-break-glass": "\u0080\u00e9\u00ff" }), 401, "malformed"],
        ["two lines", () => ({ "x-break-glass": [world.alone(), world.alone()] }), 400, "duplicate_header"],
        ["two empty lines", () => ({ "x-break-glass": ["", ""] }), 400, "duplicate_header"],
      ];
      for (const [name, headers, status, code] of forms) {
        it(`with ${name} is the filter's to judge`, async () => {
          const answer = await client(test.port, { authorization: "Bearer forged", ...headers() });
          expect(answer).toMatchObject({ status, headers: { "cache-control": "no-store" } });
          if (code === "") expect(answer.body).toMatch(/"x-break-glass-grant":"jti=/);
          else expect(JSON.parse(answer.body)).toMatchObject({ type: `urn:glassgate:verdict:${code}`, code });
        });
      }

      it("without one is jwt_authn's", async () => {
        const answer = await client(test.port, {});
        expect(answer).toMatchObject({ status: 401, body: "Jwt is missing" });
        const passed = await client(test.port, { authorization: `Bearer ${await test.normalToken()}` });
        expect(passed.status).toBe(200);
        expect(passed.headers["cache-control"]).toBeUndefined();
      });

      it("with a forged attestation reaches the upstream without it", async () => {
        const authorization = `Bearer ${await test.normalToken()}`;
        for (const forged of ['sub="admin"', ['sub="admin"', 'sub="root"']]) {
          const normal = await client(test.port, { authorization, "x-break-glass-grant": forged });
          expect(normal.status).toBe(200);
          expect(normal.body).not.toContain("x-break-glass-grant");
          const broken = await client(test.port, { "x-break-glass": world.alone(), "x-break-glass-grant": forged });
          expect(broken.status).toBe(200);
          expect(broken.body).toMatch(/"x-break-glass-grant":"jti=\\"[^,]*, sub=\\"rita\\"/);
          expect(broken.body).not.toMatch(/admin|root/);
        }
      });
    });
  }

  it("whose Connection header names x-break-glass has none", async () => {
    const answer = await http1(test.port, { "x-break-glass": world.alone(), connection: "x-break-glass" });
    expect(answer).toMatchObject({ status: 401, body: "Jwt is missing" });
  });

  it("that is still open is on record, again and again the same; its answer is logged once, when it has ended", async () => {
    const log = (): string[] => readFileSync(join(test.folder, "gateway.log"), "utf8").split("\n");
    const lines = (id: string): string[] => log().filter((line) => line.includes(`"request_id":"${id}"`));
    const open = httpRequest({
      host: "127.0.0.1",
      port: test.port,
      path: "/orders/open",
      headers: { host: "api.example.com", "x-break-glass": world.alone(), "x-delay-ms": "60000" },
    });
    const broken = new Promise((resolve) => open.on("error", resolve));
    open.end();
    const records = (): string[] =>
      log().filter((line) => isRecordLine(line) && line.includes('"path":"/orders/open"'));
    await expect.poll(() => records().length, { timeout: 30_000 }).toBeGreaterThan(2);
    const [first = "{}"] = records();
    expect(new Set(records()).size).toBe(1);
    expect(JSON.parse(first)).toMatchObject({ verdict: "allow", cached: false });
    const id = String(JSON.parse(first).request_id);
    expect(lines(id).every(isRecordLine)).toBe(true);
    expect(answersLog().filter((line) => line.includes(id))).toEqual([]);

    open.destroy();
    await broken;
    await expect.poll(() => answersLog().filter((line) => line.includes(id)).length, { timeout: 30_000 }).toBe(1);
    const [answer = "{}"] = answersLog().filter((line) => line.includes(id));
    expect(JSON.parse(answer)).toMatchObject({
      request_id: id,
      verdict: "allow",
      status: 0,
      bytes_sent: 0,
      duration_ms: expect.any(Number),
      details: "downstream_remote_disconnect",
    });
    expect(lines(id).filter((line) => !isRecordLine(line))).toHaveLength(1);
    expect(new Set(lines(id).filter(isRecordLine)).size).toBe(1);
  });

  it("that is denied, ordinary, or refused with a forged attestation has no answer there", async () => {
    const authorization = `Bearer ${await test.normalToken()}`;
    const forged = { "x-break-glass-grant": 'sub="admin"' };
    await http1(test.port, { "x-break-glass": "x", ...forged });
    await http1(test.port, { authorization, ...forged });
    await http1(test.port, { authorization, ...forged }, "/a%2fb");
    const { body } = await http1(test.port, { "x-break-glass": world.alone() }, "/orders/8");
    const id = String(JSON.parse(body).headers["x-request-id"]);
    await expect.poll(() => answersLog().some((line) => line.includes(id)), { timeout: 20_000 }).toBe(true);
    const answers = answersLog().map((line): unknown => JSON.parse(line));
    // Envoy had not removed the forged header yet when it refused the path: nothing of it looks like an answer.
    expect(answers.filter((answer) => !JSON.stringify(answer).includes('"verdict":"allow"'))).toEqual([
      expect.objectContaining({ request_id: null, verdict: null, status: 400, details: "path_normalization_failed" }),
    ]);
    expect(answers.at(-1)).toMatchObject({
      request_id: id,
      status: 200,
      bytes_sent: expect.any(Number),
      details: "via_upstream",
    });
  });
});
