/** A client certificate as the gateway tells it, in the Node host: exactly a SHA-256 counts, and nobody else's grant asks for one. */
import { describe, expect, it } from "vitest";
import { FilterHost, type Header } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
const digest = Buffer.alloc(32, 0xc5);
const hex = digest.toString("hex");
const grant = world.alone({ claims: { cnf: { "x5t#S256": digest.toString("base64url") } } });
const PROPERTY = "connection.sha256_peer_certificate_digest";

async function setUp() {
  const asked: string[] = [];
  const host = await FilterHost.load({
    intercept: ({ name }) => {
      asked.push(name);
      return undefined;
    },
  });
  expect(host.configure(world.configuration()).accepted).toBe(true);
  const verdictOf = (headers: readonly Header[], certificate?: string | Uint8Array): string | undefined =>
    host
      .request({ headers, ...(certificate === undefined ? {} : { properties: { [PROPERTY]: certificate } }) })
      .filterState.get("wasm.glassgate.verdict");
  const properties = (headers: readonly Header[]): number => {
    asked.length = 0;
    verdictOf(headers, hex);
    return asked.filter((name) => name === "proxy_get_property").length;
  };
  return { verdictOf, properties };
}

const none: Readonly<Record<string, string | Uint8Array>> = {
  "an empty answer": "",
  "a digit too few": hex.slice(1),
  "a byte too few": hex.slice(2),
  "a digit too many": `${hex}0`,
  "a byte too many": `${hex}00`,
  "two digests": `${hex}${hex}`,
  "digests with a comma": `${hex},${hex}`,
  "colons between the bytes": hex.match(/../g)?.join(":") ?? "",
  "a letter that is no digit": `g${hex.slice(1)}`,
  "a blank at the end": `${hex.slice(1)} `,
  "a zero byte at the end": `${hex.slice(1)}\0`,
  "bytes above ASCII": Buffer.alloc(64, 0xff),
  "the digest itself": digest,
  base64: digest.toString("base64"),
  "another algorithm's digest": hex.slice(0, 40),
};

describe("the certificate of the connection", () => {
  it("opens the grant that is bound to it, cached or not, and no other digest does", async () => {
    const { verdictOf } = await setUp();
    const headers = headersOf([grant]);
    const others = [0, 7, 31].map((at) => Buffer.from(digest.map((byte, i) => (i === at ? byte ^ 1 : byte))));
    for (let round = 0; round < 3; round++) {
      for (const other of others) expect(verdictOf(headers, other.toString("hex"))).toBe("binding_mismatch");
      expect(verdictOf(headers)).toBe("binding_missing");
      expect(verdictOf(headers, hex)).toBe("allow");
      expect(verdictOf(headers, hex.toUpperCase())).toBe("allow");
    }
  });

  it("is none where the answer is no SHA-256", async () => {
    const { verdictOf } = await setUp();
    const headers = headersOf([grant]);
    expect(verdictOf(headers, hex)).toBe("allow");
    for (const [name, answer] of Object.entries(none)) expect(verdictOf(headers, answer), name).toBe("binding_missing");
  });

  it("of one grant opens no other, though both are cached", async () => {
    const { verdictOf } = await setUp();
    const other = Buffer.alloc(32, 0x3a);
    const both = [digest, other].map((certificate) => ({
      headers: headersOf([world.alone({ claims: { cnf: { "x5t#S256": certificate.toString("base64url") } } })]),
      certificate,
    }));
    for (let round = 0; round < 2; round++) {
      for (const { headers, certificate } of both) {
        expect(verdictOf(headers, certificate.toString("hex"))).toBe("allow");
        expect(verdictOf(headers, (certificate === other ? digest : other).toString("hex"))).toBe("binding_mismatch");
      }
    }
  });

  it("of the request before is not that of this one", async () => {
    const { verdictOf } = await setUp();
    expect(verdictOf(headersOf([grant]), hex)).toBe("allow");
    expect(verdictOf(headersOf([world.alone()]))).toBe("allow");
    expect(verdictOf(headersOf([grant]))).toBe("binding_missing");
  });

  it("is asked for once, of a grant that is bound to one, and only when all else holds", async () => {
    const { properties } = await setUp();
    const free = headersOf([world.alone()]);
    const bound = headersOf([grant]);
    for (const headers of [free, bound]) properties(headers);
    expect(properties(bound)).toBe(properties(free) + 1);
    const elsewhere = (grant: string): readonly Header[] =>
      headersOf([grant]).map(([name, value]): Header => [name, name === ":path" ? "/elsewhere" : value]);
    expect(properties(elsewhere(grant))).toBe(properties(elsewhere(world.alone())));
  });
});
