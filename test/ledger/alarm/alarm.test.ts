/** Alarms go out: signed, escaped, to where they may, at least once; and what could not be delivered is said. */
import { createHmac } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { addressesOf, isPublic } from "../../../control/ledger/alarm/address.js";
import { type Alarm, bodyOf, textOf } from "../../../control/ledger/alarm/alarm.js";
import { runCommand } from "../../../control/ledger/alarm/command.js";
import { Dispatcher, type DispatcherOptions } from "../../../control/ledger/alarm/dispatcher.js";
import { readWebhookSecrets, sendWebhook, type Webhook } from "../../../control/ledger/alarm/webhook.js";

const folder = mkdtempSync(join(tmpdir(), "ledger-alarm-"));
const ORIGIN = "ledger.example/test";
const alarm = (entry: number, says = "g/1/2: seq 3 did not come"): Alarm => ({
  code: "gap",
  subject: "g/1/2",
  about: [entry - 1],
  entry,
  at: 1_767_225_600_000,
  vm: "g/1/2",
  seq: 3,
  ranges: [[3, 3]],
  says,
});

interface Got {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

const servers: Server[] = [];
/** Answers with these statuses, the last one for ever; 0 never answers. */
async function receiver(statuses: readonly number[], location?: string) {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      got.push({ headers: request.headers, body });
      const status = statuses[Math.min(got.length, statuses.length) - 1] ?? 200;
      if (status !== 0) response.writeHead(status, location === undefined ? {} : { location }).end("x".repeat(100_000));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { got, url: `http://127.0.0.1:${port}/hook?x=1`, port };
}
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const secret = Buffer.alloc(32, 7);
const hook = (url: string, more: Partial<Webhook> = {}): Webhook => ({
  url,
  secrets: [secret],
  mayBePrivate: true,
  ...more,
});

describe("the text of an alarm", () => {
  it("has what is from outside in a code span, with nothing in it that a channel would read", () => {
    const hostile = "<!channel> <@U1> <http://evil|click> *bold* _it_ ~no~ `code` & \u202e\u0007\nline <b>";
    const text = textOf(alarm(5, hostile), ORIGIN);
    const [, says = ""] = text.split("\n");
    expect(text.split("\n")).toHaveLength(4);
    expect(says.startsWith("`") && says.endsWith("`")).toBe(true);
    expect(says.slice(1, -1)).not.toMatch(/[`<>\u202e]|&(?!amp;|lt;|gt;)/u);
    expect(says).toContain("&lt;!channel&gt;");
  });

  it("stands in a JSON body with code, severity, entry and what it is about", () => {
    const body: unknown = JSON.parse(bodyOf(alarm(5), ORIGIN));
    expect(body).toMatchObject({
      type: "glassgate.ledger.alarm",
      timestamp: "2026-01-01T00:00:00.000Z",
      text: textOf(alarm(5), ORIGIN),
      data: { code: "gap", severity: "critical", origin: ORIGIN, entry: 5, about: [4], vm: "g/1/2", ranges: [[3, 3]] },
    });
  });
});

describe("a webhook", () => {
  it("is signed as Standard Webhooks says", async () => {
    const { got, url } = await receiver([204]);
    await sendWebhook(hook(url), "alarm_1", '{"a":"\u00e9"}', 1_767_225_600);
    const [{ headers, body } = { headers: {}, body: "" }] = got;
    expect(headers).toMatchObject({
      "webhook-id": "alarm_1",
      "webhook-timestamp": "1767225600",
      "content-type": "application/json",
    });
    const expected = createHmac("sha256", secret).update(`alarm_1.1767225600.${body}`).digest("base64");
    expect(headers["webhook-signature"]).toBe(`v1,${expected}`);
    expect(body).toBe('{"a":"\u00e9"}');
  });

  it("is signed by each secret, so that a receiver that has one of them takes it", async () => {
    const { got, url } = await receiver([204]);
    const secrets = [secret, Buffer.alloc(24, 8), Buffer.alloc(64, 9)];
    await sendWebhook(hook(url, { secrets }), "alarm_1", "{}", 1_767_225_600);
    const hmacs = secrets.map((one) => createHmac("sha256", one).update("alarm_1.1767225600.{}").digest("base64"));
    expect(got[0]?.headers["webhook-signature"]).toBe(hmacs.map((hmac) => `v1,${hmac}`).join(" "));
  });

  it("follows no redirect, and is not delivered by any answer but 2xx", async () => {
    const elsewhere = await receiver([200]);
    for (const status of [301, 302, 307, 308, 400, 404, 410, 500]) {
      const { url } = await receiver([status], elsewhere.url);
      await expect(sendWebhook(hook(url), "a", "{}", 1)).rejects.toThrow(`answered ${status}`);
    }
    expect(elsewhere.got).toEqual([]);
  });

  it("waits for an answer only so long", async () => {
    const { url } = await receiver([0]);
    await expect(sendWebhook(hook(url, { timeoutMs: 50 }), "a", "{}", 1)).rejects.toThrow();
  });

  it("goes to no private address unless it may, whatever a name says", async () => {
    const { got, url, port } = await receiver([200]);
    await expect(
      sendWebhook(hook(url.replace("http:", "https:"), { mayBePrivate: false }), "a", "{}", 1),
    ).rejects.toThrow("no address of the public internet");
    await expect(sendWebhook(hook("http://example.com/", { mayBePrivate: false }), "a", "{}", 1)).rejects.toThrow(
      "not https",
    );
    const answers = [["93.184.216.34"], ["127.0.0.1"]];
    let asked = 0;
    const resolve = async () => (answers[asked++] ?? []).map((address) => ({ address, family: 4 as const }));
    // A name that is public when it is judged and private later: it is asked once, and the first answer is connected to.
    expect(await addressesOf("rebind.example", false, resolve)).toEqual([{ address: "93.184.216.34", family: 4 }]);
    await expect(addressesOf("rebind.example", false, resolve)).rejects.toThrow("127.0.0.1");
    const mixed = async () => [
      { address: "93.184.216.34", family: 4 as const },
      { address: "10.0.0.1", family: 4 as const },
    ];
    await expect(addressesOf("mixed.example", false, mixed)).rejects.toThrow("10.0.0.1");
    asked = 1;
    await sendWebhook(hook(`http://any-name.example:${port}/`, { resolve }), "a", "{}", 1);
    expect(got).toHaveLength(1);
    expect(got[0]?.headers.host).toBe(`any-name.example:${port}`);
    expect(asked).toBe(2);
  });

  it("goes to the next address of a name where the first leads nowhere", async () => {
    const { got, url, port } = await receiver([200]);
    // Nobody listens at the first: a name with an IPv6 address, from a machine that has none.
    const resolve = async () => [
      { address: "::1", family: 6 as const },
      { address: "127.0.0.1", family: 4 as const },
    ];
    await sendWebhook(hook(url.replace("127.0.0.1", "any-name.example"), { resolve }), "a", "{}", 1);
    expect([got.length, got[0]?.headers.host]).toEqual([1, `any-name.example:${port}`]);
  });

  it("knows addresses that are not public, in every spelling", () => {
    const not = [
      "127.0.0.1",
      "127.9.9.9",
      "10.1.2.3",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "169.254.169.254",
      "100.64.0.1",
      "0.0.0.0",
      "255.255.255.255",
      "224.0.0.1",
      "198.18.0.1",
      "::1",
      "::",
      "fe80::1",
      "fc00::1",
      "fd12::1",
      "ff02::1",
      "::ffff:127.0.0.1",
      "::ffff:8.8.8.8",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
      "2001::1",
      "2001:db8::1",
      "localhost",
      "",
      "1.2.3",
    ];
    expect(not.filter(isPublic)).toEqual([]);
    expect(
      ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"].filter(
        (address) => !isPublic(address),
      ),
    ).toEqual([]);
  });

  it("has its secret in a file that nobody else reads", () => {
    const path = join(folder, "secret");
    writeFileSync(path, `whsec_${secret.toString("base64")}\n`, { mode: 0o600 });
    expect(readWebhookSecrets(path)).toEqual([secret]);
    chmodSync(path, 0o640);
    expect(() => readWebhookSecrets(path)).toThrow("others may read");
    for (const bad of [
      "",
      "whsec_",
      `whsec_${Buffer.alloc(10).toString("base64")}`,
      secret.toString("base64"),
      "whsec_!!!",
    ]) {
      const other = join(folder, `bad-${bad.length}`);
      writeFileSync(other, bad, { mode: 0o600 });
      expect(() => readWebhookSecrets(other)).toThrow("no secret of a webhook");
    }
    expect(() => readWebhookSecrets(join(folder, "none"))).toThrow("does not exist");
  });

  it("has up to four, a line each", () => {
    const path = join(folder, "secrets");
    const secrets = [1, 2, 3, 4, 5].map((fill) => Buffer.alloc(32, fill));
    const lines = secrets.map((one) => `whsec_${one.toString("base64")}`);
    const read = (text: string): Buffer[] => {
      writeFileSync(path, text, { mode: 0o600 });
      return readWebhookSecrets(path);
    };
    expect(read(`${lines.slice(0, 2).join("\n")}\n`)).toEqual(secrets.slice(0, 2));
    expect(read(`\n${lines.slice(0, 4).join("\r\n\r\n")}`)).toEqual(secrets.slice(0, 4));
    expect(() => read(lines.join("\n"))).toThrow("has 5 lines, and a webhook has 4 secrets at most");
    expect(() => read(`${lines[0]}\n\nwhsec_short\n`)).toThrow("is no list of a webhook's secrets, by its line 3");
    expect(() => read(`${lines[0]} ${lines[1]}`)).toThrow("no secret of a webhook");
  });
});

describe("a command", () => {
  const node = (script: string, ...args: string[]): string[] => [process.execPath, "-e", script, ...args];

  it("gets the alarm on standard input, its arguments as they are, and no passphrase", async () => {
    const path = join(folder, "got");
    const script =
      'const{GLASSGATE_PASSPHRASE:p}=process.env;require("fs").writeFileSync(process.argv[1],JSON.stringify([require("fs").readFileSync(0,"utf8"),process.argv.slice(2),p??null]))';
    process.env.GLASSGATE_PASSPHRASE = "secret";
    await runCommand({ run: node(script, path, "$(touch x)", "a b; c") }, bodyOf(alarm(5), ORIGIN));
    delete process.env.GLASSGATE_PASSPHRASE;
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual([bodyOf(alarm(5), ORIGIN), ["$(touch x)", "a b; c"], null]);
    expect(existsSync("x")).toBe(false);
  });

  it("that fails, hangs or is not there is not delivered to, and what it prints is escaped", async () => {
    const fails = runCommand({ run: node('console.error("\\u001b[31mred");process.exit(3)') }, "{}");
    await expect(fails).rejects.toThrow(/ended with 3: \\u\{1b\}\[31mred/);
    const hangs = node(
      "require('child_process').spawn(process.execPath,['-e','setInterval(()=>{},1e3)'],{stdio:'inherit'});setInterval(()=>{},1e3)",
    );
    await expect(runCommand({ run: hangs, timeoutMs: 300 }, "{}")).rejects.toThrow("took longer");
    await expect(runCommand({ run: ["/nowhere/to/be/found"] }, "{}")).rejects.toThrow("does not exist");
    await runCommand({ run: node("process.exit(0)") }, "x".repeat(1_000_000));
  });
});

describe("the dispatcher", () => {
  const lost: string[] = [];
  const positions: number[] = [];
  const dispatcher = (url: string, more: Partial<DispatcherOptions> = {}) => {
    lost.length = 0;
    positions.length = 0;
    return new Dispatcher({
      origin: ORIGIN,
      receivers: [{ name: "hook", webhook: hook(url) }],
      clock: () => 1_767_225_600_000,
      onLost: ({ entry }, name, why) => lost.push(`${entry} ${name} ${why}`),
      keepPosition: (before) => positions.push(before),
      pausesMs: [1, 1, 1],
      ...more,
    });
  };

  it("tries again under the same name, in order, and keeps how far it is", async () => {
    const { got, url } = await receiver([500, 503, 200, 200]);
    const out = dispatcher(url);
    out.send(alarm(7));
    out.send(alarm(9));
    await out.drained();
    const ids = got.map(({ headers }) => headers["webhook-id"]);
    expect(new Set(ids.slice(0, 3)).size).toBe(1);
    expect(ids).toHaveLength(4);
    expect(ids[3]).not.toBe(ids[0]);
    expect(positions).toEqual([7, 9, 10]);
    expect([lost, out.delivered.get("hook")]).toEqual([[], 2]);
  });

  it("goes on where it cannot keep how far it is", async () => {
    const { got, url } = await receiver([200]);
    const keepPosition = (): void => {
      throw new Error("the disk is full");
    };
    const out = dispatcher(url, { keepPosition });
    out.send(alarm(7));
    out.send(alarm(9));
    await out.drained();
    expect(got).toHaveLength(2);
  });

  it("says what it gives up, and goes on with the next", async () => {
    const { got, url, port } = await receiver([500, 500, 500, 500, 200]);
    const out = dispatcher(url);
    out.send(alarm(7));
    out.send(alarm(9));
    await out.drained();
    expect(lost).toEqual([`7 hook http://127.0.0.1:${port} answered 500.`]);
    expect([got.length, out.lost.get("hook"), positions.at(-1)]).toEqual([5, 1, 10]);
  });

  it("says at the first failure that a receiver does not work, once, and when it works again", async () => {
    const { url, port } = await receiver([500, 500, 500, 200, 200, 503, 200]);
    const told: string[] = [];
    const out = dispatcher(url, {
      pausesMs: [1, 1],
      onFailing: ({ entry }, name, why) => told.push(`${entry} ${name} ${why}`),
      onWorking: (name) => told.push(name),
      onLost: ({ entry }) => told.push(`lost ${entry}`),
    });
    for (const entry of [7, 9, 11, 13]) out.send(alarm(entry));
    await out.drained();
    const says = (status: number): string => `http://127.0.0.1:${port} answered ${status}.`;
    expect(told).toEqual([`7 hook ${says(500)}`, "lost 7", "hook", `13 hook ${says(503)}`, "hook"]);
  });

  it("says why, also where it is the system that refuses", async () => {
    const told: string[] = [];
    const { url } = await receiver([200]);
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    const out = dispatcher(url, {
      receivers: [
        { name: "gone", webhook: hook(url) },
        { name: "private", webhook: hook(url, { mayBePrivate: false }) },
      ],
      pausesMs: [60_000],
      onFailing: (_, name, why) => told.push(`${name}: ${why}`),
    });
    out.send(alarm(7));
    await expect.poll(() => told.length, { timeout: 10_000 }).toBe(2);
    expect(told.sort()[0]).toBe("gone: nobody listens there. Check the address.");
    expect(told[1]).toMatch(/^private: .* is not https\. Plain http needs allow_private: true\.$/);
    await out.stop();
  });

  it("sends what it had not delivered again after a restart", async () => {
    const down = await receiver([500]);
    const before = dispatcher(down.url, { pausesMs: [60_000] });
    before.send(alarm(7));
    before.send(alarm(9));
    while (down.got.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await before.stop();
    const kept = positions.at(-1) ?? 0;
    expect(kept).toBe(7);
    const up = await receiver([200]);
    const after = dispatcher(up.url);
    for (const entry of [5, 7, 9].filter((index) => index >= kept)) after.send(alarm(entry));
    await after.drained();
    expect(up.got).toHaveLength(2);
  });

  it("keeps a thousand waiting and says that the next is lost", async () => {
    const { url } = await receiver([0]);
    const out = dispatcher(url, {
      receivers: [{ name: "hook", webhook: hook(url, { timeoutMs: 20 }) }],
      pausesMs: [60_000],
    });
    for (let entry = 1; entry <= 1002; entry++) out.send(alarm(entry));
    expect(lost).toHaveLength(2);
    await out.stop();
  });

  it("gives up the least of those that wait where there is no room, and not one that is critical", async () => {
    const { url } = await receiver([0]);
    const out = dispatcher(url, {
      receivers: [{ name: "hook", webhook: hook(url, { timeoutMs: 20 }) }],
      pausesMs: [60_000],
    });
    const notice = (entry: number): Alarm => ({ ...alarm(entry), code: "first_use" });
    for (let entry = 1; entry <= 1000; entry++) out.send(entry === 7 ? alarm(entry) : notice(entry));
    out.send(alarm(1001));
    out.send(notice(1002));
    expect(lost.map((one) => one.split(" ", 1)[0])).toEqual(["2", "1002"]);
    await out.stop();
  });

  it("does not hold up the others for long with one that is refused for what it is", async () => {
    const { got, url } = await receiver([400, 400, 200]);
    const out = dispatcher(url, { pausesMs: [1, 60_000] });
    out.send(alarm(7));
    out.send(alarm(9));
    await out.drained();
    expect([got.length, lost.length, out.delivered.get("hook")]).toEqual([3, 1, 1]);
  });

  it("counts what is lost from nought on", async () => {
    const { url } = await receiver([200]);
    expect(dispatcher(url).lost.get("hook")).toBe(0);
  });

  it("lets one receiver that is down not stop another", async () => {
    const [down, up] = [await receiver([500]), await receiver([200])];
    const receivers = [
      { name: "down", webhook: hook(down.url) },
      { name: "up", webhook: hook(up.url) },
    ];
    const out = dispatcher(up.url, { receivers });
    for (const entry of [1, 2, 3]) out.send(alarm(entry));
    await out.drained();
    expect(up.got).toHaveLength(3);
    expect(out.lost.get("down")).toBe(3);
  });
});
