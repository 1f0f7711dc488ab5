/** Grants bound to client certificates, by real TLS clients on a real Envoy: who has no key of the certificate gets nothing. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import type { ConnectionOptions, SecureVersion } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { send } from "../../control/gateway/client.js";
import { verifyGateway } from "../../control/gateway/verify/index.js";
import { readBoundCertificate } from "../../control/grant/certificate.js";
import { type Certificate, Certificates } from "../kit/certificates.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { CHAIN, withListeners } from "../kit/listeners.js";
import { World } from "../kit/world.js";

const run = promisify(execFile);
const now = Math.floor(Date.now() / 1000);
const world = new World(now);
const certificates = new Certificates();
const mine = certificates.selfSigned("mine");
const other = certificates.selfSigned("other");
const gateway = certificates.selfSigned("gateway");
const ended = certificates.between("ended", "20200101000000Z", "20210101000000Z");

const boundTo = ({ certificate }: Certificate): string =>
  world.alone({ claims: { cnf: readBoundCertificate(certificate, now).cnf } });

interface Seen {
  readonly status: number;
  /** Of a denial. */
  readonly code: string | undefined;
  readonly body: string;
  readonly isResumed: boolean;
  readonly session: Buffer | undefined;
}

const problem = z.object({ code: z.string() });
const codeIn = (body: string): string | undefined => {
  const type = /^\{"type":"urn:glassgate/.test(body) ? problem.parse(JSON.parse(body)) : undefined;
  return type?.code;
};

type Way = Pick<ConnectionOptions, "cert" | "key" | "session" | "minVersion" | "maxVersion">;
const only = (version: SecureVersion): Way => ({ minVersion: version, maxVersion: version });

/** One request over a connection of its own. */
function ask(port: number, way: Way, headers: Readonly<Record<string, string>>): Promise<Seen> {
  return new Promise((resolve, reject) => {
    let isResumed = false;
    let session: Buffer | undefined;
    const outgoing = httpsRequest(
      {
        ...way,
        ...{ host: "127.0.0.1", port, path: "/orders/7", agent: false, ca: gateway.shown.cert },
        headers: { host: "api.example.com", ...headers },
      },
      (incoming) => {
        let body = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => {
          body += chunk;
        });
        incoming.on("end", () =>
          resolve({ status: incoming.statusCode ?? 0, code: codeIn(body), body, isResumed, session }),
        );
      },
    );
    outgoing.on("socket", (socket) => {
      socket.on("secureConnect", () => {
        isResumed = Reflect.apply(Reflect.get(socket, "isSessionReused"), socket, []) === true;
      });
      socket.on("session", (given: Buffer) => {
        session = given;
      });
    });
    outgoing.setTimeout(30_000, () => outgoing.destroy(new Error("no answer within 30 s")));
    outgoing.on("error", reject);
    outgoing.end();
  });
}

const SOCKET = [...CHAIN, "transport_socket"] as const;

/** Beside the rendered listener one that leaves sessions resumable, and one without TLS. */
const withOthers = (text: string): string =>
  withListeners(text, {
    resuming: (listener) => {
      for (const kind of ["stateless", "stateful"])
        listener.deleteIn([...SOCKET, "typed_config", `disable_${kind}_session_resumption`]);
    },
    plain: (listener) => {
      listener.deleteIn(SOCKET);
    },
    "passed-over": (listener) => {
      listener.setIn([...SOCKET, "typed_config", "require_client_certificate"], true);
    },
    demanding: (listener) => {
      listener.setIn([...SOCKET, "typed_config", "require_client_certificate"], true);
      const trusted = { trusted_ca: { filename: mine.certificate } };
      listener.setIn([...SOCKET, "typed_config", "common_tls_context", "validation_context"], trusted);
    },
  });

let test: TestEnvoy;
let rendered = "";
let built = "";
beforeAll(async () => {
  test = await startTestEnvoy(world, {
    render: { tls: gateway },
    edit: (text) => {
      rendered = text;
      built = withOthers(text);
      return built;
    },
  });
  await test.configure(world.configuration());
}, 60_000);
afterAll(async () => {
  await test?.stop();
  certificates.remove();
});

/** Requests side by side over one HTTP/2 connection. */
async function askTogether(
  way: Way,
  requests: readonly Readonly<Record<string, string>>[],
): Promise<(string | number)[]> {
  const session: ClientHttp2Session = connectHttp2(`https://127.0.0.1:${test.port}`, {
    ...way,
    ca: gateway.shown.cert,
  });
  const one = (headers: Readonly<Record<string, string>>): Promise<string | number> =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ":path": "/orders/7", ":authority": "api.example.com", ...headers });
      let status = 0;
      let body = "";
      stream.on("response", (answer) => {
        status = answer[":status"] ?? 0;
      });
      stream.setEncoding("utf8");
      stream.on("data", (chunk: string) => {
        body += chunk;
      });
      stream.on("end", () => resolve(codeIn(body) ?? status));
      stream.on("error", reject);
      stream.end();
    });
  try {
    return await new Promise((resolve, reject) => {
      session.on("error", reject);
      Promise.all(requests.map(one)).then(resolve, reject);
    });
  } finally {
    session.close();
  }
}

const WITH = (certificate: Certificate, way: Way = {}): Way => ({ ...way, ...certificate.shown });
const MISSING = { status: 401, code: "binding_missing" };
const MISMATCH = { status: 401, code: "binding_mismatch" };
const ALLOWED = { status: 200, body: expect.stringContaining("x-break-glass-grant") };

for (const version of ["TLSv1.2", "TLSv1.3"] as const)
  describe(`over ${version}`, () => {
    const way = only(version);

    it("a grant opens to whoever has the key of its certificate, and to nobody else, cached or not", async () => {
      const headers = { "x-break-glass": boundTo(mine) };
      expect(await ask(test.port, way, headers)).toMatchObject(MISSING);
      expect(await ask(test.port, WITH(other, way), headers)).toMatchObject(MISMATCH);
      expect(await ask(test.port, WITH(mine, way), headers)).toMatchObject(ALLOWED);
      // It is in the cache now, and each connection is asked anew.
      for (let again = 0; again < 2; again++) {
        expect(await ask(test.port, WITH(other, way), headers)).toMatchObject(MISMATCH);
        expect(await ask(test.port, way, headers)).toMatchObject(MISSING);
        expect(await ask(test.port, WITH(mine, way), headers)).toMatchObject(ALLOWED);
      }
    });

    it("a resumed session needs no certificate where the switches are not set, and does not come about where they are", async () => {
      const headers = { "x-break-glass": boundTo(mine) };
      const resuming = test.envoy.ports.resuming ?? 0;
      const first = await ask(resuming, WITH(mine, way), headers);
      expect(first).toMatchObject(ALLOWED);
      expect(first.session).toBeDefined();
      const thief: Way = { ...way, ...(first.session === undefined ? {} : { session: first.session }) };
      expect(await ask(resuming, thief, headers)).toMatchObject({ ...ALLOWED, isResumed: true });
      expect(await ask(test.port, thief, headers)).toMatchObject({ ...MISSING, isResumed: false });

      const rendered = await ask(test.port, WITH(mine, way), headers);
      expect(rendered).toMatchObject(ALLOWED);
      expect(rendered.session).toBeUndefined();
    });
  });

it("a record says of a cached grant that its holder was another", async () => {
  const jti = "cached-and-shown-by-others";
  const grant = world.alone({ claims: { jti, cnf: readBoundCertificate(mine.certificate, now).cnf } });
  for (const way of [WITH(mine), {}, WITH(other)]) await ask(test.port, way, { "x-break-glass": grant });
  const records = (): unknown[] =>
    [...test.audits().values()]
      .map(({ record }): unknown => JSON.parse(record))
      .filter((record) => Reflect.get(Object(record), "jti") === jti);
  await expect.poll(records, { timeout: 20_000 }).toHaveLength(3);
  expect(records()).toMatchObject([
    { verdict: "allow", cached: false, sub: "rita" },
    { verdict: "binding_missing", cached: true, sub: "rita" },
    { verdict: "binding_mismatch", cached: true, sub: "rita" },
  ]);
});

it("all streams of an HTTP/2 connection have its certificate, and none of another's", async () => {
  const [bound, others, free] = [boundTo(mine), boundTo(other), world.alone()].map((grant) => ({
    "x-break-glass": grant,
  }));
  const normal = { authorization: `Bearer ${await test.normalToken()}` };
  const all = [bound, others, free, normal, bound].flatMap((headers) => headers ?? []);
  const connections = await Promise.all([WITH(mine), WITH(other), {}].map((way) => askTogether(way, all)));
  expect(connections).toEqual([
    [200, "binding_mismatch", 200, 200, 200],
    ["binding_mismatch", 200, 200, 200, "binding_mismatch"],
    ["binding_missing", "binding_missing", 200, 200, "binding_missing"],
  ]);
});

it("takes a certificate that has ended, as the digest names its key's holder", async () => {
  const headers = { "x-break-glass": boundTo(ended) };
  expect(await ask(test.port, WITH(ended), headers)).toMatchObject(ALLOWED);
  expect(await ask(test.port, WITH(mine), headers)).toMatchObject(MISMATCH);
});

it("no header says which certificate was shown, and a connection without TLS has shown none", async () => {
  const { "x5t#S256": digest } = readBoundCertificate(mine.certificate, now).cnf;
  const hex = Buffer.from(digest, "base64url").toString("hex");
  const headers = {
    "x-break-glass": boundTo(mine),
    "x-forwarded-client-cert": `Hash=${hex};Cert="${encodeURIComponent(mine.shown.cert.toString())}"`,
    "client-cert": `:${Buffer.from(hex, "hex").toString("base64")}:`,
    "x-ssl-client-fingerprint": hex,
  };
  expect(await ask(test.port, {}, headers)).toMatchObject(MISSING);
  expect(await ask(test.port, WITH(other), headers)).toMatchObject(MISMATCH);
  const plain = await send({ port: test.envoy.ports.plain ?? 0, path: "/orders/7", headers });
  expect({ status: plain.status, code: codeIn(plain.body) }).toEqual(MISSING);
});

it("callers without a grant need no certificate, and grants that are bound to none neither", async () => {
  const token = { authorization: `Bearer ${await test.normalToken()}` };
  for (const way of [{}, WITH(mine)]) {
    expect(await ask(test.port, way, token)).toMatchObject({ status: 200 });
    expect(await ask(test.port, way, {})).toMatchObject({ status: 401, code: undefined });
    expect(await ask(test.port, way, { "x-break-glass": world.alone() })).toMatchObject(ALLOWED);
  }
});

it("curl shows the certificate as docs/operator-guide.md says", async () => {
  const header = join(certificates.folder, "grant.txt");
  writeFileSync(header, `x-break-glass: ${boundTo(mine)}\n`);
  const curl = (...shown: readonly string[]) =>
    run("curl", [
      ...["-sS", "--noproxy", "*", "--cacert", gateway.certificate, "-H", `@${header}`, "-H", "host: api.example.com"],
      ...["-o", join(certificates.folder, "body"), "-w", "%{http_version} %{http_code}", ...shown],
      `https://127.0.0.1:${test.port}/orders/7`,
    ]);
  expect((await curl("--cert", mine.certificate, "--key", mine.key)).stdout).toMatch(/^[12](\.1)? 200$/);
  expect((await curl("--http1.1", "--cert", other.certificate, "--key", other.key)).stdout).toBe("1.1 401");
  expect((await curl()).stdout).toMatch(/ 401$/);
});

it("a certificate is demanded of nobody where no authority is named", async () => {
  const { "passed-over": passedOver = 0, demanding = 0 } = test.envoy.ports;
  expect(await ask(passedOver, {}, {})).toMatchObject({ status: 401, body: expect.stringMatching(/^Jwt/) });
  await expect(ask(demanding, {}, {})).rejects.toThrow(/certificate required/);
  await expect(ask(demanding, WITH(other), {})).rejects.toThrow(/unknown ca/);
  expect(await ask(demanding, WITH(mine), {})).toMatchObject({ status: 401, body: expect.stringMatching(/^Jwt/) });
});

it("verify finds nothing in what was rendered, and the mistakes beside it, in file and dump", async () => {
  expect(verifyGateway(rendered, "rendered.yaml").filter(({ level }) => level !== "warning")).toEqual([]);
  const dump = await (await fetch(`http://${test.envoy.admin.address}/config_dump?include_eds`)).text();
  for (const text of [built, dump]) {
    const found = verifyGateway(text, "it").filter(({ level }) => level !== "warning");
    expect(found.map(({ name }) => name).sort()).toEqual([
      "certificate-not-required@passed-over",
      "resumption@resuming",
    ]);
  }
});
