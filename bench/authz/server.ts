/**
 * An external authorizer for Envoy's ext_authz over HTTP, in a process of its own: decides, writes its record as a line of
 * JSON, attests. Started by authz/process.ts, which it tells its port.
 */
import { createWriteStream, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { bundleClaimsSchema } from "../../control/trust/claims.js";
import { Decider, type Verdict } from "./decide.js";

const attestation = ({ claims }: Verdict): Record<string, string> =>
  claims === undefined
    ? {}
    : { "x-break-glass-grant": `jti="${claims.jti}", sub="${claims.sub}", ent="${claims.ent}", exp=${claims.exp}` };

/** @param args the bundle's claims as a file, the audience, the record's file */
export function main([bundlePath = "", audience = "", recordPath = ""]: readonly string[]): void {
  const decider = new Decider(bundleClaimsSchema.parse(JSON.parse(readFileSync(bundlePath, "utf8"))), audience);
  const records = createWriteStream(recordPath, { flags: "a" });
  const server = createServer((request, response) => {
    request.resume();
    const { method = "", url = "", headers } = request;
    const grant = headers["x-break-glass"];
    if (typeof grant !== "string") {
      response.writeHead(200).end();
      return;
    }
    const host = headers.host ?? "";
    const now = Date.now();
    const verdict = decider.decide(grant, { method, host, path: url, isUpgrade: false }, Math.floor(now / 1000));
    const { claims, approvers = [], code } = verdict;
    const people = approvers.map(({ principal, iat }) => ({ sub: principal.id, iat }));
    const { jti, sub, ent, reason, incident } = claims ?? {};
    const asked = { ts: new Date(now).toISOString(), verdict: code, method, host, path: url };
    records.write(
      `${JSON.stringify({ ...asked, jti, sub, ent, reason, incident, approvers: people, request_id: headers["x-request-id"] })}\n`,
    );
    response.writeHead(code === "allow" ? 200 : 401, attestation(verdict)).end();
  });
  server.keepAliveTimeout = 600_000;
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    process.send?.({ port: typeof address === "object" && address !== null ? address.port : 0 });
  });
  process.once("disconnect", () => process.exit());
}
