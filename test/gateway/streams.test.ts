/**
 * A stream does not outlive its grant, on a real Envoy: WebSocket, gRPC, download and upload end at expiry and at revocation, behind
 * `composite` as rendered and directly in the chain; whatever else is open goes on.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { send } from "../../control/gateway/client.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { revocations } from "../kit/revocations.js";
import { type Json, World } from "../kit/world.js";
import { sha256 } from "../verdicts/checks.js";
import {
  KINDS,
  OPENERS,
  type OpenStream,
  type StreamUpstream,
  startStreamUpstream,
  withStreams,
} from "./streams-kit.js";

const recordSchema = z.looseObject({
  verdict: z.string(),
  ts: z.string(),
  path: z.string(),
  jti: z.string().optional(),
  vm: z.string(),
  seq: z.number(),
  evidence: z.string().optional(),
});
const accessSchema = z.looseObject({
  path: z.string(),
  details: z.string(),
  code: z.number(),
  verdict: z.string().nullable(),
});
const NETWORK_ERROR = 2; // INTERNAL_ERROR of HTTP/2: a reset in the middle.

let upstream: StreamUpstream;
beforeAll(async () => {
  upstream = await startStreamUpstream();
});
afterAll(() => upstream.stop());

const places = [
  ["behind composite", {}],
  ["directly in the chain", { require: true }],
] as const;

for (const [place, render] of places) {
  describe(`on Envoy, ${place}`, () => {
    const world = new World(Math.floor(Date.now() / 1000));
    let test: TestEnvoy;
    beforeAll(async () => {
      test = await startTestEnvoy(world, {
        concurrency: 2,
        render: { ...render, upstream: { host: "127.0.0.1", port: upstream.port } },
        edit: withStreams(upstream.http2Port),
      });
    });
    afterAll(() => test.stop());

    const everything = world.detail({ actions: ["GET", "POST", "CONNECT"], paths: ["/orders/*"] });
    const bundle = (more: Json = {}) =>
      world.bundleClaims({
        entitlements: [world.entitlement("repair", { authorization_details: [everything] })],
        ...more,
      });
    const configuration = (more: Json = {}, texts: readonly string[] = []) =>
      world.configuration({
        bundle: bundle(more),
        configuration: {
          ...("require" in render ? { require: true } : {}),
          ...(texts.length === 0 ? {} : { revocations: texts }),
        },
      });
    const grantOf = (jti: string, seconds: number, now = Math.floor(Date.now() / 1000)): string => {
      return world.grant({
        claims: { jti, iat: now, exp: now + seconds, authorization_details: [everything] },
        approvals: [
          { by: world.adam, iat: now },
          { by: world.anna, iat: now },
        ],
      });
    };
    const openAll = (name: string, headers: Record<string, string>): Promise<OpenStream[]> =>
      Promise.all(KINDS.map((kind) => OPENERS[kind](test.port, `/orders/${kind}-${name}`, headers)));
    const allFlow = (streams: readonly OpenStream[]): Promise<unknown> =>
      Promise.all(streams.map((stream) => stream.flows()));
    /** What the access log says of it, once it has ended. */
    const accessOf = async (path: string): Promise<z.infer<typeof accessSchema>> => {
      for (let lines = 1; ; lines++) {
        const found = (await test.logLines(lines))
          .map((line) => accessSchema.parse(JSON.parse(line)))
          .find((line) => line.path === path);
        if (found !== undefined) return found;
      }
    };
    const auditOf = (path: string) => {
      const found = [...test.audits().values()].find(({ record }) => record.includes(`"path":"${path}"`));
      if (found === undefined) throw new Error(`no record of ${path}`);
      return found;
    };

    /** Each has ended, the client noticed, and the log says why and has first record, evidence and end. */
    const expectEnded = async (streams: readonly OpenStream[], verdict: string): Promise<number[]> => {
      const evidences: string[] = [];
      const ends: number[] = [];
      for (const { kind, path, end } of streams) {
        const seen = await end;
        if (kind === "upload") {
          expect(seen.status).toBe(403);
          expect(JSON.parse(seen.body ?? "{}")).toMatchObject({ code: verdict, status: 403, ended: true });
        } else if (kind === "grpc") expect(seen.rstCode).toBe(NETWORK_ERROR);
        else expect(seen).toEqual({});
        expect(await accessOf(path)).toMatchObject({ details: `glassgate_ended_${verdict}`, verdict: "allow" });
        const { record, evidence, ended } = auditOf(path);
        const [first, last] = [recordSchema.parse(JSON.parse(record)), recordSchema.parse(JSON.parse(ended ?? "{}"))];
        expect(first).toMatchObject({ verdict: "allow", path });
        expect(last).toMatchObject({ verdict, path, ended: true, jti: first.jti, vm: first.vm });
        expect(last.seq).toBeGreaterThan(first.seq);
        expect(first.evidence).toBe(evidence === undefined ? undefined : sha256(evidence));
        if (evidence !== undefined) evidences.push(evidence);
        ends.push(Date.parse(last.ts));
      }
      // Once a VM: with the first of its streams.
      expect(evidences.length).toBeGreaterThan(0);
      return ends;
    };

    it("each kind ends at expiry and at revocation, under old root contexts; all others go on", async () => {
      await test.configure(configuration());
      const normal: OpenStream[] = [];
      if (!("require" in render)) {
        const authorization = `Bearer ${await test.normalToken()}`;
        normal.push(...(await openAll("normal", { authorization })));
      }
      const seconds = 4;
      const iat = Math.floor(Date.now() / 1000);
      const grants = {
        expires: grantOf("this-one-expires", seconds, iat),
        revoked: grantOf("this-one-is-revoked", 600),
        urgent: grantOf("this-one-is-urgent", 600),
        lasts: grantOf("this-one-outlasts-them", 600),
      };
      const expiring = await openAll("expires", { "x-break-glass": grants.expires });
      const headers = { "x-break-glass": grants.expires };
      expect(await send({ port: test.port, path: "/orders/short", headers })).toMatchObject({
        status: 200,
        body: "short",
      });
      const revoked = await openAll("revoked", { "x-break-glass": grants.revoked });
      const urgent = await openAll("urgent", { "x-break-glass": grants.urgent });
      const lasting = await openAll("lasts", { "x-break-glass": grants.lasts });
      await allFlow([...normal, ...revoked, ...urgent, ...lasting]);
      // From here on all of them are under an old root context.
      await test.configure(configuration());

      const ends = await expectEnded(expiring, "expired");
      await allFlow([...normal, ...revoked, ...urgent, ...lasting]);

      const pushedAt = Date.now();
      await test.configure(configuration({ revoked: { jti: ["this-one-is-revoked"] } }));
      const revokedAt = await expectEnded(revoked, "revoked");
      await allFlow([...normal, ...urgent, ...lasting]);

      const text = revocations(world, { by: world.roots[0], revoked: { jti: ["this-one-is-urgent"] } });
      await test.configure(configuration({}, [text]));
      await expectEnded(urgent, "revoked");
      await allFlow([...normal, ...lasting]);
      console.log(
        `${place}: ended ${Math.max(...ends) - 1000 * (iat + seconds)} ms after exp, and ${Math.max(...revokedAt) - pushedAt} ms after the push began`,
      );

      for (const stream of [...normal, ...lasting]) stream.close();
      for (const { path } of [...normal, ...lasting]) {
        expect((await accessOf(path)).details).not.toContain("glassgate");
      }
      for (const { path } of lasting) expect(auditOf(path).ended).toBeUndefined();
      for (const { path } of normal) expect(() => auditOf(path)).toThrow();
      const { record, ended } = auditOf("/orders/short");
      expect([recordSchema.parse(JSON.parse(record)).verdict, ended]).toEqual(["allow", undefined]);
    }, 120_000);

    it("an old vm_id's VM cannot be told of a revocation any more: its streams under grants end, and no other", async () => {
      await test.configure(configuration());
      const normal: OpenStream[] = [];
      if (!("require" in render)) {
        const authorization = `Bearer ${await test.normalToken()}`;
        normal.push(...(await openAll("old-vm-normal", { authorization })));
      }
      const streams = await openAll("old-vm", { "x-break-glass": grantOf("the-old-vm-has-this", 600) });
      // From here on they are under an old root context of the vm_id that serves.
      await test.configure(configuration());
      await allFlow([...normal, ...streams]);
      await test.configure(configuration(), `glassgate-${place.replaceAll(" ", "-")}-2`);
      const young = await openAll("new-vm", { "x-break-glass": grantOf("the-new-vm-has-this", 600) });
      await expectEnded(streams, "no_trust");
      await allFlow([...normal, ...young]);
      for (const stream of [...normal, ...young]) stream.close();
    }, 120_000);
  });
}
