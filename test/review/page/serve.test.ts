/** The pages over HTTP: who is answered, with what headers, and what is shown of a ledger that changes or no longer verifies. */
import { request } from "node:http";
import { afterAll, describe, expect, it } from "vitest";
import { UserError } from "../../../control/base/errors.js";
import { addressIn, isKnownHost } from "../../../control/review/addresses.js";
import type { ReviewList } from "../../../control/review/model.js";
import { deniedId } from "../../../control/review/page/denied.js";
import { type Served, serveReviews } from "../../../control/review/serve.js";
import { listOf, reviewOf, START } from "../../kit/review.js";

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

function ask(url: string, { method = "GET", host }: { method?: string; host?: string } = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: host === undefined ? {} : { host }, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

/** A ledger whose checkpoint and reviews are what the test says. */
class Told {
  checkpointText = "1";
  reads: (string | undefined)[] = [];
  answer: () => ReviewList = () => listOf();
  now = START + 3_600_000;
  checkpoints = 0;
  checkpoint = async (): Promise<string> => {
    this.checkpoints += 1;
    return this.checkpointText;
  };
  read = async (wanted: string | undefined): Promise<ReviewList> => {
    this.reads.push(wanted);
    return this.answer();
  };
}

const open: Served[] = [];
afterAll(async () => {
  for (const one of open) await one.close();
});

async function start(told: Told, said: string[] = []): Promise<string> {
  const served = await serveReviews({
    ledger: told,
    address: { host: "127.0.0.1", port: 0 },
    names: ["reviews.example.com"],
    place: { ledger: "ledger", key: undefined, anchors: [] },
    now: () => told.now,
    say: (line) => said.push(line),
  });
  open.push(served);
  return served.url;
}

const review = reviewOf();
const [denied] = listOf().denied;

describe("what is served", () => {
  it("the list, a review and a shared one, each as page and as JSON; nothing else", async () => {
    const url = await start(new Told());
    const id = denied === undefined ? "" : deniedId(denied);
    expect((await ask(`${url}/`)).body).toContain("INC-2041");
    expect((await ask(`${url}/review/${review.grant}`)).body).toContain("Refunds of the last hour");
    expect((await ask(`${url}/denied/${id}`)).body).toContain("mallory");
    expect(JSON.parse((await ask(`${url}/review/${review.grant}.json`)).body).grant).toBe(review.grant);
    expect(JSON.parse((await ask(`${url}/denied/${id}.json`)).body).key).toBe(denied?.key);
    expect(JSON.parse((await ask(`${url}/reviews.json`)).body).size).toBe(412);
    for (const path of [
      "/favicon.ico",
      "/review/",
      `/review/${"0".repeat(64)}`,
      "/denied/x",
      "/review/../x",
      "/%2e%2e/x",
      `/review/${review.grant}/`,
      "//evil/",
    ]) {
      const reply = await ask(url + path);
      expect([path, reply.status]).toEqual([path, 404]);
      expect(reply.body).not.toContain("INC-2041");
    }
  });

  it("each answer with the headers that keep it where it is", async () => {
    const url = await start(new Told());
    for (const path of ["/", "/nothing", `/review/${review.grant}.json`]) {
      const { headers } = await ask(url + path);
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "cross-origin-resource-policy": "same-origin",
        "x-frame-options": "DENY",
      });
      expect(headers["content-security-policy"]).toMatch(
        /^default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
      );
    }
  });

  it("to GET and HEAD alone", async () => {
    const url = await start(new Told());
    const head = await ask(`${url}/`, { method: "HEAD" });
    expect([head.status, head.body]).toEqual([200, ""]);
    expect(Number(head.headers["content-length"])).toBeGreaterThan(1000);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      const reply = await ask(`${url}/`, { method });
      expect([method, reply.status, reply.headers.allow]).toEqual([method, 405, "GET, HEAD"]);
    }
  });

  it("under names that nobody else can own", async () => {
    const url = await start(new Told());
    const { port } = new URL(url);
    for (const host of [
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      `[::1]:${port}`,
      "127.0.0.1",
      "reviews.example.com",
      "Reviews.Example.com:443",
    ])
      expect([host, (await ask(`${url}/`, { host })).status]).toEqual([host, 200]);
    for (const host of [
      "evil.example",
      `evil.example:${port}`,
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "192.0.2.1",
      "127.0.0.1 evil",
      "a@127.0.0.1",
    ]) {
      const reply = await ask(`${url}/`, { host });
      expect([host, reply.status]).toEqual([host, 421]);
      expect(reply.body).not.toContain("INC-2041");
    }
  });
});

describe("a ledger that changes", () => {
  it("is read again when its checkpoint is another one, and when a minute is gone", async () => {
    const told = new Told();
    const url = await start(told);
    await Promise.all([ask(`${url}/`), ask(`${url}/`), ask(`${url}/`)]);
    expect(told.reads).toEqual([undefined]);
    await ask(`${url}/review/${review.grant}`);
    await ask(`${url}/review/${review.grant}`);
    expect(told.reads).toEqual([undefined, review.grant]);
    for (const id of ["0", "1", "2"]) await ask(`${url}/review/${id.repeat(64)}`);
    expect(told.reads).toHaveLength(2);
    told.checkpointText = "2";
    await ask(`${url}/`);
    expect(told.reads).toHaveLength(3);
    told.now += 61_000;
    await ask(`${url}/`);
    expect(told.reads).toHaveLength(4);
  });

  it("while it grows all the time: whoever reloads and reloads waits for two readings at most", async () => {
    const told = new Told();
    const url = await start(told);
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const read = told.read;
    told.read = async (wanted) => {
      const list = await read(wanted);
      await gate;
      return list;
    };
    const asked: Promise<Reply>[] = [];
    for (let i = 0; i < 6; i++) {
      told.checkpointText = `${i}`;
      const seen = told.checkpoints;
      asked.push(ask(`${url}/`));
      await expect.poll(() => told.checkpoints, { timeout: 60_000 }).toBe(seen + 1);
    }
    go();
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(told.reads).toHaveLength(2);
  });

  it("shows nothing once it does not verify, not even what was read before, and all again when it does", async () => {
    const told = new Told();
    const said: string[] = [];
    const url = await start(told, said);
    await ask(`${url}/review/${review.grant}`);
    told.checkpointText = "2";
    told.answer = () => {
      throw new UserError("This ledger does not verify, so nothing of it is shown: entry 7 \u001b[31m<b>.", {
        hint: "Ask who runs it.",
      });
    };
    for (const path of ["/", `/review/${review.grant}`, `/review/${review.grant}.json`, "/reviews.json"]) {
      const reply = await ask(url + path);
      expect([path, reply.status]).toEqual([path, 503]);
      expect(reply.body).toContain("This ledger does not verify");
      expect(reply.body).not.toMatch(/INC-2041|rita|<b>\./);
    }
    expect(said[0]).toMatch(/^Nothing is shown: This ledger does not verify/);
    expect(said[0]).not.toContain("\u001b");
    told.answer = () => listOf();
    told.now += 10_000;
    expect((await ask(`${url}/`)).status).toBe(200);
  });

  it("that cannot be read at all is no page either", async () => {
    const told = new Told();
    const url = await start(told);
    await ask(`${url}/`);
    told.checkpoint = async () => {
      throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    };
    const reply = await ask(`${url}/`);
    expect(reply.status).toBe(503);
    expect(reply.body).not.toContain("INC-2041");
  });
});

describe("the address", () => {
  it("is one of this machine, or others' on purpose", () => {
    expect(addressIn("127.0.0.1:7071", false)).toEqual({ host: "127.0.0.1", port: 7071 });
    expect(addressIn("[::1]:0", false)).toEqual({ host: "::1", port: 0 });
    expect(addressIn("localhost:1", false).host).toBe("localhost");
    expect(addressIn("0.0.0.0:80", true).host).toBe("0.0.0.0");
    for (const text of ["0.0.0.0:80", "192.0.2.1:80", "[::]:80", "[::ffff:192.0.2.1]:80", "10.0.0.1:1"])
      expect(() => addressIn(text, false), text).toThrow(/reached from other machines/);
    for (const text of [
      "7071",
      "evil.example:80",
      "127.0.0.1",
      "127.0.0.1:99999",
      "127.0.0.1:",
      "300.0.0.1:1",
      "[::1:80",
    ])
      expect(() => addressIn(text, true), text).toThrow(/is no address/);
  });

  it("that others reach is asked for by addresses, which are no names, and by names that were given", () => {
    const open = { host: "0.0.0.0" };
    expect(isKnownHost("192.0.2.7:7071", open, [])).toBe(true);
    expect(isKnownHost("evil.example:7071", open, [])).toBe(false);
    expect(isKnownHost("reviews.example:7071", open, ["reviews.example"])).toBe(true);
    expect(isKnownHost(undefined, open, [])).toBe(false);
  });
});
