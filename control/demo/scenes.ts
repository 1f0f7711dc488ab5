/** The scenes of the demonstration: real requests, what should happen, and what did. */
import { setTimeout as sleep } from "node:timers/promises";
import { authorize } from "../caller/credential.js";
import { newProofKey } from "../caller/proof.js";
import { newKey } from "../signer/jwk.js";
import type { DemoGateway, Shown } from "./gateway.js";
import { HOST, type World } from "./world.js";

export interface Scene {
  readonly what: string;
  readonly expected: string;
  /** What happened, in the words of `expected` when all is well. */
  readonly seen: string;
  readonly record: Shown["record"];
}

const MOST_PATIENCE_MS = 60_000;
const GRANT = "x-break-glass";
/** What the caller saw; of an allowed request the record says that it was. */
const answer = ({ status, told, record }: Shown): string =>
  `${status}${told !== undefined ? ` ${told}` : record?.verdict === "allow" ? " allow" : ""}`;

/** Changes one letter of the payload: the claims differ from what was signed. */
function tamper(grant: string): string {
  const [header = "", payload = "", ...rest] = grant.split(".");
  const claims = Buffer.from(payload, "base64url").toString("utf8").replace('"/orders/*"', '"/orders/1"');
  return [header, Buffer.from(claims).toString("base64url"), ...rest].join(".");
}

/** Nothing of the client's credentials or forged identity reached the upstream; our own attestation did. */
function cleanness({ upstream }: Shown): string {
  if (upstream === undefined) return "not forwarded";
  const { headers } = upstream;
  const leaked = [GRANT, "authorization", "x-jwt-payload"].filter((name) => headers[name] !== undefined);
  const attestation = headers["x-break-glass-grant"];
  if (leaked.length > 0) return `LEAKED ${leaked.join(", ")}`;
  return typeof attestation === "string" && /^jti="[\w-]+", sub="rita", /.test(attestation)
    ? "clean"
    : "NO ATTESTATION";
}

/** @param granted the grant that most of them show, and the ask that it came of */
export async function* playScenes(
  world: World,
  gateway: DemoGateway,
  { ask, grant }: Awaited<ReturnType<World["grant"]>>,
): AsyncGenerator<Scene> {
  const withGrant = { [GRANT]: grant };
  const token = await world.normalToken();
  const scene = async (
    what: string,
    expected: string,
    call: Parameters<DemoGateway["call"]>[0],
    show = answer,
  ): Promise<Scene> => {
    const shown = await gateway.call(call);
    return { what, expected, seen: show(shown), record: shown.record };
  };
  const order = "/orders/42";

  yield await scene("a normal caller with a normal token", "200", {
    path: order,
    headers: { authorization: `Bearer ${token}` },
  });
  yield await scene("neither grant nor token", "401", { path: order });
  yield await scene("a grant, two approvals", "200 allow", { path: order, headers: withGrant });
  yield await scene("the same grant again, POST", "200 allow", {
    method: "POST",
    path: `${order}?note=x`,
    headers: withGrant,
  });
  yield await scene("wrong method", "403 scope_method", { method: "DELETE", path: order, headers: withGrant });
  yield await scene("wrong host", "403 scope_host", { path: order, host: "billing.example.com", headers: withGrant });
  yield await scene("wrong path", "403 scope_path", { path: "/customers/42", headers: withGrant });
  yield await scene("path trick: /orders/42;admin=1", "400 path_ambiguous", {
    path: `${order};admin=1`,
    headers: withGrant,
  });
  // Envoy normalises the path before the filter sees it; without Envoy the filter refuses the dots itself.
  const dots = gateway.port === undefined ? "400 path_ambiguous" : "403 scope_path";
  yield await scene("path trick: /orders/../admin", dots, { path: "/orders/../admin", headers: withGrant });
  yield await scene("one approval short", "403 quorum", {
    path: order,
    headers: { [GRANT]: (await world.grant({ approvers: ["adam"] })).grant },
  });
  yield await scene("approved by the requester's other account", "403 self_approval", {
    path: order,
    headers: { [GRANT]: (await world.grant({ approvers: ["rita-admin", "anna"] })).grant },
  });
  yield await scene("payload tampered with", "401 signature", { path: order, headers: { [GRANT]: tamper(grant) } });
  yield await scene("the ask itself, as seen in chat", "401 malformed", { path: order, headers: { [GRANT]: ask } });
  yield await scene(
    "forged identity headers beside a good grant",
    "clean",
    {
      path: order,
      headers: {
        ...withGrant,
        authorization: "Bearer forged",
        "x-jwt-payload": "eyJzdWIiOiJhZG1pbiJ9",
        "x-break-glass-grant": 'sub="admin"',
      },
    },
    cleanness,
  );
  yield await expiry(world, gateway);
  const proofKey = newProofKey();
  const bound = await world.grant({ jkt: proofKey.kid });
  const proven = authorize({ grant: bound.grant, proofKey }, { method: "GET", host: HOST, path: order });
  yield await scene("bound to a key, with a DPoP proof by it", "200 allow", { path: order, headers: proven });
  yield await scene("its copy, without the key", "401 binding_missing", {
    path: order,
    headers: { [GRANT]: bound.grant },
  });
  yield await scene("its copy, with the proof that was used", "401 proof", { path: order, headers: proven });
  yield* revocation(world, gateway);
  yield await rotation(world, gateway, grant);
}

async function expiry(world: World, gateway: DemoGateway): Promise<Scene> {
  const { grant } = await world.grant({ ttl: 3 });
  const call = { path: "/orders/42", headers: { [GRANT]: grant } };
  const first = await gateway.call(call);
  await sleep(3500);
  const later = await gateway.call(call);
  return {
    what: "a grant of 3 seconds, at once and 3.5 s later",
    expected: "200 allow, then 401 expired",
    seen: `${answer(first)}, then ${answer(later)}`,
    record: later.record,
  };
}

/** One person takes back a grant in use: what is cached is denied, and the stream under it is cut. */
async function* revocation(world: World, gateway: DemoGateway): AsyncGenerator<Scene> {
  const { grant, jti } = await world.grant();
  const call = { path: "/orders/42", headers: { [GRANT]: grant } };
  const stream = await gateway.open(call);
  let cached = await gateway.call(call);
  // Until the worker at the other end of the connection has seen it before.
  for (let tries = 0; cached.record?.cached !== true && tries < 5; tries++) cached = await gateway.call(call);
  const began = performance.now();
  const since = (): number => Math.round(performance.now() - began);
  const bringing = world.revocation(jti).then((text) => gateway.revoke(text));
  let denial = await gateway.call({ ...call, isQuiet: true });
  while (denial.status === 200 && since() < MOST_PATIENCE_MS) {
    await sleep(1);
    denial = await gateway.call({ ...call, isQuiet: true });
  }
  const firstDenial = since();
  const applied = await bringing;
  const after = await gateway.call(call);
  yield {
    what: `revoked by anna alone, ${firstDenial} ms from signing to the first denial`,
    expected: "200 cached, then 401 revoked",
    seen: `${cached.status}${cached.record?.cached === true ? " cached" : ""}, then ${answer(after)}`,
    record: after.record,
  };
  const { how, record } = await stream.end;
  yield {
    what: `a download that was open under it (${applied})`,
    expected: "200, then cut",
    seen: `${stream.status}, then ${record === undefined ? `${how} without a record` : how}`,
    record,
  };
}

/** Traffic runs while the requester's key is rotated away: nothing is dropped, and the old grant is denied once push returns. */
async function rotation(world: World, gateway: DemoGateway, grant: string): Promise<Scene> {
  const call = { path: "/orders/42", headers: { [GRANT]: grant } };
  const token = await world.normalToken();
  const normal = { path: "/orders/42", headers: { authorization: `Bearer ${token}` }, isQuiet: true };
  let isRunning = true;
  let sent = 0;
  let dropped = 0;
  const traffic = async (): Promise<void> => {
    while (isRunning) {
      sent += 1;
      const shown = await gateway.call(normal).catch(() => undefined);
      if (shown?.status !== 200) dropped += 1;
    }
  };
  const running = [traffic(), traffic()];
  await sleep(200);
  const applied = await gateway.push(await world.bundle(2, newKey("Ed25519")), 2);
  const after = await gateway.call(call);
  await sleep(200);
  isRunning = false;
  await Promise.all(running);
  const seen = `${answer(after)}, ${dropped} of ${sent} dropped`;
  return {
    what: `key rotated away under traffic (${applied})`,
    expected: `401 signature, 0 of ${sent} dropped`,
    seen: sent > 0 ? seen : "no traffic",
    record: after.record,
  };
}
