/** Grants bound to client certificates, by real TLS clients on a real Envoy: who has no key of the certificate gets nothing. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import type { ConnectionOptions, SecureVersion } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { z } from "zod";
import { send } from "../../control/gateway/client.js";
import { verifyGateway } from "../../control/gateway/verify/index.js";
import { readBoundCertificate } from "../../control/grant/certificate.js";
import { type Certificate, Certificates } from "../kit/certificates.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
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

const config = z.looseObject({
  static_resources: z.looseObject({ listeners: z.array(z.looseObject({ name: z.string() })) }),
});

/** Beside the rendered listener one that leaves sessions resumable, and one without TLS. */
function withOthers(rendered: string): string {
  const whole = config.parse(parseDocument(rendered, { merge: true }).toJS({ maxAliasCount: 1000 }));
  const [listener] = whole.static_resources.listeners;
  if (listener === undefined) throw new Error("no listener");
  const text = JSON.stringify(listener);
  const resuming = text.replaceAll(/"disable_state(?:less|ful)_session_resumption":true,/g, "");
  const parsed = (changed: string, name: string) => ({
    ...config.shape.static_resources.shape.listeners.element.parse(JSON.parse(changed)),
    name,
  });
  const plain = parseDocument(text);
  plain.deleteIn(["filter_chains", 0, "transport_socket"]);
  whole.static_resources.listeners.push(parsed(resuming, "resuming"), parsed(JSON.stringify(plain.toJS()), "plain"));
  return JSON.stringify(whole, undefined, 1);
}

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

describe("a grant that is bound to a certificate", () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const)
    it(`opens to whoever has its key, and to nobody else, by ${version}`, async () => {
      const headers = { "x-break-glass": boundTo(mine) };
      const way = only(version);
      expect(await ask(test.port, way, headers)).toMatchObject({ status: 401, code: "binding_missing" });
      expect(await ask(test.port, { ...way, ...other.shown }, headers)).toMatchObject({
        status: 401,
        code: "binding_mismatch",
      });
      const allowed = await ask(test.port, { ...way, ...mine.shown }, headers);
      expect(allowed).toMatchObject({ status: 200, body: expect.stringContaining("x-break-glass-grant") });
      // Now it is in the cache, and each connection is asked anew.
      for (let again = 0; again < 2; again++) {
        expect(await ask(test.port, { ...way, ...other.shown }, headers)).toMatchObject({ code: "binding_mismatch" });
        expect(await ask(test.port, way, headers)).toMatchObject({ code: "binding_missing" });
        expect(await ask(test.port, { ...way, ...mine.shown }, headers)).toMatchObject({ status: 200 });
      }
    });
});
