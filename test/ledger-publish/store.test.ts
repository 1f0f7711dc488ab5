/** Stores that are not fit, that answer what they should not, and keys that nobody may see. */
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { parseLedgerConfig } from "../../control/ledger/config.js";
import type { Log } from "../../control/ledger/log.js";
import {
  type CredentialSource,
  environmentCredentials,
  processCredentials,
} from "../../control/ledger/publish/credentials.js";
import { startPublishing } from "../../control/ledger/publish/loop.js";
import { probe } from "../../control/ledger/publish/probe.js";
import { PublishConflict, publish } from "../../control/ledger/publish/publish.js";
import { StoreAway } from "../../control/ledger/publish/request.js";
import { parseTarget } from "../../control/ledger/publish/target.js";
import { publishingOf } from "../../control/ledger/serve/publishing.js";
import { failure, HASTY, keys, PREFIX, readAll, storeAt } from "./kit.js";
import { MemoryLog } from "./log.js";
import { BUCKET_OF_TESTS, type Fault, KEYS, StoreServer } from "./store-server.js";

let server: StoreServer;
beforeAll(async () => {
  server = await StoreServer.start(BUCKET_OF_TESTS);
});
afterAll(() => server.stop());
beforeEach(() => {
  server.objects.clear();
  server.seen.length = 0;
  server.keeps = { ifNoneMatch: true, ifMatch: true };
  server.breakAt();
});

const store = (credentials: CredentialSource = keys, attempts = 1) =>
  storeAt(server.endpoint, { ...HASTY, attempts }, credentials);

describe("the probe", () => {
  it("lets a store pass that keeps conditions, and leaves nothing behind", async () => {
    expect(await probe(store())).toBeUndefined();
    expect(server.objects.size).toBe(0);
  });

  it("passes also where each answer is lost once", async () => {
    const once = new Set<string>();
    let last = "";
    server.breakAt(({ method, key }, count) => {
      // Each request's first attempt; the same key is put several times.
      const isAgain = last === `${method} ${key}` && once.has(`${count - 1}`);
      last = `${method} ${key}`;
      if (isAgain) return undefined;
      once.add(`${count}`);
      return "lost";
    });
    expect(await probe(store(keys, 3))).toBeUndefined();
    server.breakAt();
    expect(server.objects.size).toBe(0);
  });

  for (const [what, keeps] of [
    ["both", { ifNoneMatch: false, ifMatch: false }],
    ["If-None-Match", { ifNoneMatch: false, ifMatch: true }],
    ["If-Match", { ifNoneMatch: true, ifMatch: false }],
  ] as const) {
    it(`refuses a store that ignores ${what}, and leaves nothing behind`, async () => {
      server.keeps = { ...keeps };
      const error = await failure(probe(store()));
      expect(error).toBeInstanceOf(UserError);
      expect(error.message).toContain("does not keep conditions");
      expect(server.objects.size).toBe(0);
    });
  }

  for (const [what, fault] of [
    ["says 412 to every write", { status: 412 }],
    ["knows no conditions (501)", { status: 501, body: "<Error><Code>NotImplemented</Code></Error>" }],
    ["says 200 and writes nothing", { status: 200, headers: { etag: '"x"' } }],
  ] as const) {
    it(`refuses a store that ${what}`, async () => {
      server.breakAt(({ method }) => (method === "PUT" ? fault : undefined));
      expect(await failure(probe(store()))).toBeInstanceOf(UserError);
      expect(server.objects.size).toBe(0);
    });
  }

  it("names its key where the store keeps everything for ever", async () => {
    server.breakAt(({ method }) => (method === "DELETE" ? { status: 403 } : undefined));
    expect(await probe(store())).toMatch(/^probe-[0-9a-f]{24}$/);
  });
});

describe("answers that should not be", () => {
  const log = new MemoryLog().add(300);
  const send = (attempts = 1) => publish({ source: log, vkey: log.vkey, store: store(keys, attempts) });
  const cases: readonly (readonly [string, Fault, RegExp])[] = [
    ["a redirect", { status: 307, headers: { location: "http://127.0.0.1:9/" } }, /leads elsewhere \(307\)/],
    ["another region", { status: 301, body: "<Error><Code>PermanentRedirect</Code></Error>" }, /leads elsewhere/],
    ["no bucket", { status: 404, body: "<Error><Code>NoSuchBucket</Code></Error>" }, /no bucket ledgers/],
    ["no permission", { status: 403, body: "<Error><Code>AccessDenied</Code></Error>" }, /403 AccessDenied/],
    [
      "a code with a terminal's escapes",
      { status: 400, body: "<Error><Code>\u001b[2J</Code></Error>" },
      /answers 400:/,
    ],
    [
      "an endless body",
      { status: 200, headers: { etag: '"x"' }, body: Buffer.alloc(1_000_000) },
      /larger than it can be/,
    ],
    ["an endless error", { status: 400, body: Buffer.alloc(1_000_000) }, /larger than it can be/],
    ["no ETag", { status: 200, body: "x" }, /no usable ETag/],
    ["an ETag with a line", { status: 200, headers: { etag: "weak" }, body: "x" }, /no usable ETag/],
    ["too much to do, for ever", { status: 503 }, /cannot be used: GET .*it answers 503/],
    ["nothing", "cut", /cannot be used: GET/],
  ];
  for (const [what, fault, says] of cases) {
    it(`${what}: one clear sentence, and nothing is written`, async () => {
      server.breakAt(() => fault);
      const error = await failure(send(2));
      expect(error).toBeInstanceOf(UserError);
      expect(error.message).toMatch(says);
      expect(error.message).not.toContain("secret");
      expect(server.objects.size).toBe(0);
      expect(server.seen.length).toBeLessThanOrEqual(2);
    });
  }

  it("a store that never answers is given up", async () => {
    const patience = { attempts: 1, pauseMs: 1, maxPauseMs: 1, timeoutMs: 50 };
    const silent = storeAt(server.endpoint, patience);
    server.breakAt(() => "silence");
    const error = await failure(silent.remove("x"));
    expect(error).toBeInstanceOf(StoreAway);
    // Which address it was that nobody answered at.
    expect(error.message).toContain(`The store at ${server.endpoint} cannot be used: DELETE `);
    expect(error instanceof StoreAway && error.hint).toContain(`is ${server.endpoint} its address`);
  });
});

describe("a place", () => {
  const at = "https://s3.eu-central-1.amazonaws.com";
  for (const [to, endpoint] of [
    ["s3://led", "http://ledger.example.com"],
    ["s3://led", "http://10.0.0.1:9000"],
    ["s3://led", "ftp://127.0.0.1"],
    ["s3://led", "https://user:secret@store.example.com"],
    ["s3://led", "https://store.example.com?x=1"],
    ["s3://led", "store"],
    ["https://led", at],
    ["s3://", at],
    ["s3://A_B", at],
    ["s3://led/../other", at],
    ["s3://led/a//b", at],
    ["s3://led/./b", at],
    ["s3://led/a b", at],
    ["s3://led/%2e%2e", at],
    ["s3://led/\u001b", at],
  ] as const) {
    it(`${JSON.stringify(to)} at ${endpoint} is none`, () => {
      let error: unknown;
      try {
        parseTarget(to, endpoint);
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(UserError);
      expect(String(error)).not.toContain("secret");
    });
  }

  it("takes its region from Amazon's name, or from the option", () => {
    expect(parseTarget("s3://led/a/b/", at)).toEqual({
      endpoint: at,
      region: "eu-central-1",
      bucket: "led",
      prefix: "a/b/",
    });
    expect(parseTarget("s3://led", "http://127.0.0.1:9000/", "auto")).toMatchObject({ region: "auto", prefix: "" });
    expect(parseTarget("s3://led", "http://[::1]:9000")).toMatchObject({ region: "us-east-1" });
  });
});

describe("keys", () => {
  const json = (more: object = {}): string =>
    JSON.stringify({ Version: 1, AccessKeyId: KEYS.accessKeyId, SecretAccessKey: KEYS.secretAccessKey, ...more });
  const program = (script: string): string => `${process.execPath} -e '${script}'`;
  const printing = (text: string): string => program(`process.stdout.write(${JSON.stringify(text)})`);

  it("come from the environment", async () => {
    const env = {
      AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      AWS_SESSION_TOKEN: "",
    };
    expect(await environmentCredentials(env).get()).toMatchObject(KEYS);
    expect(await probe(store(environmentCredentials({ ...env, AWS_SESSION_TOKEN: "a-session" })))).toBeUndefined();
  });

  it("that are missing or unprintable are refused, unseen", () => {
    for (const env of [
      {},
      { AWS_ACCESS_KEY_ID: "secret" },
      { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "secret\n" },
    ]) {
      let error: unknown;
      try {
        environmentCredentials(env);
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(UserError);
      expect(String(error)).not.toContain("secret");
    }
  });

  it("come from a program, which is asked once for many requests, and again before they end or where they are refused", async () => {
    const source = processCredentials(printing(json({ Expiration: "2099-01-01T00:00:00Z" })));
    const [first, second] = await Promise.all([source.get(), source.get()]);
    expect(first).toBe(second);
    expect(await source.get()).toBe(first);
    expect(await source.get(true)).not.toBe(first);
    expect(await probe(store(source))).toBeUndefined();
    const ending = processCredentials(printing(json({ Expiration: "2020-01-01T00:00:00Z" })));
    expect(await ending.get()).not.toBe(await ending.get());
  });

  it("that a store refuses are asked for once more, then it is an error", async () => {
    let asked = 0;
    const source: CredentialSource = {
      get: async (isRefused) => {
        if (isRefused) asked += 1;
        return asked === 1 ? KEYS : { ...KEYS, secretAccessKey: "ended" };
      },
    };
    await store(source, 3).put("x", Buffer.from("x"), "absent");
    expect(asked).toBe(1);
    const wrong: CredentialSource = { get: async () => ({ ...KEYS, secretAccessKey: "another-secret" }) };
    const error = await failure(store(wrong, 5).get("x", 10));
    expect(error.message).toContain("403 SignatureDoesNotMatch");
    expect(error.message).not.toContain("another");
  });

  for (const [what, command] of [
    ["fails", program('console.error("secret"); process.exit(3)')],
    ["does not exist", "/no/such/program-secret"],
    ["prints no JSON", printing("secret")],
    ["prints another form", printing(json({ Version: 2, SecretAccessKey: "secret" }))],
    ["prints a key with a line feed", printing(json({ SecretAccessKey: "secret\n" }))],
    ["prints without end", program('setInterval(() => process.stdout.write("secret".repeat(10000)), 0)')],
  ] as const) {
    it(`of a program that ${what}: an error without its words`, async () => {
      const error = await failure(processCredentials(command).get());
      expect(error).toBeInstanceOf(UserError);
      expect(`${error.message} ${String(error.cause)}`).not.toContain("secret");
    });
  }
});

describe("publishing beside a ledger", () => {
  it("sends what was committed, one at a time, goes on after faults, and sends the rest when it is closed", async () => {
    const log = new MemoryLog().add(3);
    let running = 0;
    const sizes: number[] = [];
    const faults: unknown[] = [];
    let published: (() => void) | undefined;
    const next = (): Promise<void> =>
      new Promise((resolve) => {
        published = resolve;
      });
    const loop = startPublishing({
      publish: async () => {
        expect(++running).toBe(1);
        try {
          return await publish({ source: log, vkey: log.vkey, store: store() });
        } finally {
          running -= 1;
        }
      },
      everyMs: 5,
      onPublished: ({ size }) => {
        sizes.push(size);
        published?.();
      },
      onFault: (error, isFinal) => faults.push([error instanceof StoreAway, isFinal]),
    });
    let waiting = next();
    loop.committed();
    loop.committed();
    await waiting;
    expect(loop.size).toBe(3);
    server.breakAt((_, count) => (count < 3 ? "cut" : undefined));
    waiting = next();
    log.add(2);
    loop.committed();
    await waiting;
    expect(faults).toEqual([
      [true, false],
      [true, false],
    ]);
    log.add(300);
    loop.committed();
    await loop.close();
    expect(sizes.at(-1)).toBe(305);
    expect(await readAll({ read: async (path) => server.objects.get(`${PREFIX}/${path}`) }, log.vkey)).toBe(305);
  });

  it("is what `publish` in ledger.yaml says: the store is tried first, then each commit's files go there", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", KEYS.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", KEYS.secretAccessKey);
    const memory = new MemoryLog().add(300);
    const log: Log = {
      origin: memory.signer.origin,
      vkey: memory.signer.vkey,
      size: 0,
      read: (path) => memory.read(path),
      append: async () => [],
      putBlob: async () => "",
      close: async () => {},
    };
    const to = `publish: { to: "s3://${BUCKET_OF_TESTS}/${PREFIX}", endpoint: "${server.endpoint}", every: 1s }`;
    const config = parseLedgerConfig(`origin: ${log.origin}\nkey: key.json\n${to}\n`, "ledger.yaml");
    const folder = mkdtempSync(join(tmpdir(), "glassgate-publish-"));
    const told = await new Promise<string>((resolve) => {
      const loop = publishingOf(folder, config, log, (sentence) => {
        memory.add(5);
        loop?.committed();
        void loop?.close().then(() => resolve(sentence));
      });
      loop?.committed();
    });
    expect(told).toContain("has a copy now, of 300 entries");
    expect(server.seen.slice(0, 6).every(({ key }) => key.includes("/probe-"))).toBe(true);
    expect(await readAll({ read: async (path) => server.objects.get(`${PREFIX}/${path}`) }, memory.vkey)).toBe(305);
    expect(readdirSync(join(folder, "state"))).toEqual([expect.stringMatching(/^published-[0-9a-f]{12}\.json$/)]);
    vi.unstubAllEnvs();
    expect(publishingOf(folder, { ...config, publish: undefined }, log, () => {})).toBeUndefined();
  });

  it("stops at a conflict", async () => {
    const log = new MemoryLog().add(3);
    await publish({ source: log.copy().add(2, "b"), vkey: log.vkey, store: store() });
    log.add(4);
    const [error, isFinal] = await new Promise<[unknown, boolean]>((resolve) => {
      const loop = startPublishing({
        publish: () => publish({ source: log, vkey: log.vkey, store: store() }),
        everyMs: 1,
        onFault: (...fault) => resolve(fault),
      });
      loop.committed();
    });
    expect(error).toBeInstanceOf(PublishConflict);
    expect(isFinal).toBe(true);
  });
});
