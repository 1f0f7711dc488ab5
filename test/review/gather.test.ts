/** From the entries of a real small ledger to its reviews: who, what, when, and what proves it. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Call, Review, ReviewList } from "../../control/review/model.js";
import type { ReadOptions } from "../../control/review/read.js";
import type { GrantSpec } from "../kit/world.js";
import { line, memberOf, other } from "../ledger/chain/kit.js";
import { leaf } from "../ledger/make-log.js";
import { askOf, calmGrant, calmUse, hashOf, Scene } from "./scene.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-review-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let serial = 0;
const MINUTE = 60_000;

async function listOf(scene: Scene, more: Partial<ReadOptions> = {}): Promise<ReviewList> {
  const folder = join(base, `log-${serial++}`);
  await scene.write(folder);
  return scene.read(folder, more);
}

const reviewIn = ({ reviews }: ReviewList, grant: string): Review => {
  const review = reviews.find((one) => one.grant === hashOf(grant));
  if (review === undefined) throw new Error("the grant has no review");
  return review;
};

interface Used {
  readonly scene: Scene;
  readonly grant: string;
}
async function used(spec: GrantSpec = {}, start?: number): Promise<Used> {
  const scene = await Scene.start(start);
  const grant = calmGrant(scene, spec);
  scene.pass(2 * MINUTE);
  return { scene, grant };
}

describe("a review", () => {
  it("says who, why, when, and what was opened", async () => {
    const { scene, grant } = await used({
      claims: { incident: "INC-7", net: ["192.0.2.0/24"], aud: ["test", "staging"] },
    });
    await calmUse(scene, grant);
    const review = reviewIn(await listOf(scene, { asks: [askOf(grant, scene.world.rita2)] }), grant);
    const asked = Date.UTC(2026, 0, 14, 12);
    expect(review).toMatchObject({
      state: "open",
      openedAt: asked + 2 * MINUTE,
      dueAt: asked + 2 * MINUTE + 86_400_000,
      requester: { sub: "rita", person: "rita", roles: ["oncall"] },
      isRequesterProven: true,
      entitlement: "repair",
      reason: "outage",
      incident: "INC-7",
      text: 'refund "loop"\n\u00e9\u{1f600}',
      audience: ["test", "staging"],
      issuedAt: asked,
      binding: "bearer",
      networks: { granted: ["192.0.2.0/24"], used: ["192.0.2.0/24"] },
      granted: [
        {
          hosts: ["api.example.com"],
          methods: ["GET", "POST"],
          paths: ["/orders/*"],
          calls: 2,
          unusedMethods: [],
          unusedPaths: [],
        },
      ],
      // Of an hour at most, it ends ten minutes after the ask, whose quorum was there after one.
      minutes: { granted: 9, used: 0.02 },
      counts: { allowed: 2, denied: 0, answers: 2 },
      teardown: { exp: asked + 10 * MINUTE, openStreams: 0, acceptedAfter: 0 },
      evidence: { isProven: true, isPinned: true, gaps: [] },
      closures: [],
      blockers: [],
    });
    expect(review.approvals).toEqual([
      { sub: "adam", person: "adam", roles: ["lead"], at: asked + MINUTE, isProven: true },
      { sub: "anna", person: "anna", roles: ["security", "lead"], at: asked + MINUTE, isProven: true },
    ]);
    expect(review.timeline.map(({ what }) => what)).toEqual([
      "asked",
      "approved",
      "approved",
      "issued",
      "first_use",
      "call",
      "expired",
    ]);
    expect(review.calls.map(({ verdict, answer }) => [verdict, answer?.status])).toEqual([
      ["allow", 200],
      ["allow", 200],
    ]);
  });

  it("names the person behind an account, and the machine's owner", async () => {
    const { scene } = await used();
    const grant = scene.world.grant({ approvals: [{ by: scene.world.alex }, { by: scene.world.bot }] });
    await scene.call({ grant });
    const { approvals } = reviewIn(await listOf(scene), grant);
    expect(approvals.map(({ sub, person }) => [sub, person])).toEqual([
      ["alex", "alex"],
      ["bot", "adam"],
    ]);
  });

  it("covers exactly its entries, in a digest that anybody computes again", async () => {
    const { scene, grant } = await used();
    const other1 = calmGrant(scene);
    await calmUse(scene, grant);
    scene.pass(MINUTE);
    await calmUse(scene, other1);
    await scene.call({ grant, path: "/admin" });
    const list = await listOf(scene);
    const { evidence } = reviewIn(list, grant);
    const { entries } = scene.ledger.log;
    const mine = entries.flatMap((bytes, index) => {
      const body = bytes.toString("latin1").split("\n").slice(1).join("\n");
      if (!body.startsWith("{")) return [];
      const isEvidence = memberOf(body, "evidence") !== undefined && body.startsWith('{"evidence"');
      const payload = isEvidence ? String(memberOf(body, "evidence")).split("~")[0] : undefined;
      const named =
        payload === undefined ? memberOf(body, "grant_sha256") : createHash("sha256").update(payload).digest("hex");
      const id = memberOf(body, "status") === undefined ? undefined : memberOf(body, "request_id");
      return named === hashOf(grant) || id === "request-1" || id === "request-2" ? [index] : [];
    });
    expect(evidence.entries).toEqual(mine);
    let digest = Buffer.alloc(32);
    for (const index of mine)
      digest = createHash("sha256")
        .update(digest)
        .update(leaf(entries[index] ?? Buffer.alloc(0)))
        .digest();
    expect(evidence.digest).toBe(digest.toString("hex"));
    expect(evidence.checkpoint).toContain(`\n${entries.length}\n`);
  });

  it("counts what it does not keep: a list has the same sums, and no calls", async () => {
    const { scene, grant } = await used();
    await calmUse(scene, grant);
    await scene.call({ grant, path: "/admin", source: "198.51.100.7:1" });
    const folder = join(base, `log-${serial++}`);
    await scene.write(folder);
    const [whole, sums] = [await scene.read(folder), await scene.read(folder, { isWanted: () => false })];
    const [a, b] = [reviewIn(whole, grant), reviewIn(sums, grant)];
    expect(b.calls).toEqual([]);
    expect(b.unusual.map(({ says }) => says)).toEqual(a.unusual.map(({ says }) => says));
    expect({ ...b.counts, ...b.minutes, digest: b.evidence.digest, granted: b.granted }).toEqual({
      ...{ ...a.counts, ...a.minutes, digest: a.evidence.digest, granted: a.granted },
    });
  });

  it("is of an entitlement whose approvals nobody proves, where the evidence never came", async () => {
    const { scene, grant } = await used();
    const [first] = scene.linesOfCall({ grant });
    if (first === undefined) throw new Error("no record");
    await scene.hand(first);
    const review = reviewIn(await listOf(scene), grant);
    expect(review.evidence.isProven).toBe(false);
    expect(review.approvals.map(({ sub, isProven }) => [sub, isProven])).toEqual([
      ["adam", false],
      ["anna", false],
    ]);
    expect(review.granted).toEqual([]);
    expect(review.unusual.find(({ code }) => code === "alarm")?.says).toContain("evidence_missing");
  });

  it("joins what comes in another order: answer, evidence, record", async () => {
    const { scene, grant } = await used();
    const [record, evidence] = scene.linesOfCall({ grant, requestId: "early" });
    if (record === undefined || evidence === undefined) throw new Error("no lines");
    await scene.answer("early", { status: 204 });
    await scene.hand(evidence);
    await scene.hand(record);
    const review = reviewIn(await listOf(scene), grant);
    expect(review.calls.map(({ answer }) => answer?.status)).toEqual([204]);
    expect(review.evidence.isProven).toBe(true);
    expect(review.granted[0]?.calls).toBe(1);
  });

  it("says who is missing: records of the gateways that it touched", async () => {
    const { scene, grant } = await used();
    await scene.call({ grant });
    scene.linesOfCall({ grant });
    scene.linesOfCall({ grant });
    await scene.call({ grant });
    const review = reviewIn(await listOf(scene), grant);
    expect(review.evidence.gaps).toEqual([{ vm: expect.stringContaining("gateway-1/"), from: 2, to: 3 }]);
    expect(review.blockers).toEqual([expect.stringContaining("records 2 to 3 of gateway-1/")]);
  });

  it("cannot be closed before its end", async () => {
    const { scene, grant } = await used();
    await scene.call({ grant });
    const folder = join(base, `log-${serial++}`);
    await scene.write(folder, 1000);
    const review = reviewIn(await scene.read(folder), grant);
    expect(review.blockers[0]).toMatch(/^It cannot be closed before the grant has ended/);
    expect(review.timeline.at(-1)?.what).toBe("first_use");
  });

  it("tells of a revocation, by a record", async () => {
    const scene = await Scene.start(undefined, (world) => world.bundleClaims());
    const grant = calmGrant(scene);
    scene.pass(2 * MINUTE);
    await scene.call({ grant });
    const { jti } = JSON.parse(Buffer.from(grant.split(".", 2)[1] ?? "", "base64url").toString());
    const claims = scene.world.bundleClaims({ revoked: { jti: [jti] }, iat: Math.floor(scene.clock.now / 1000) });
    scene.configure(claims);
    await scene.hand(other("bundle", scene.world.bundle(claims)));
    await scene.call({ grant });
    const review = reviewIn(await listOf(scene), grant);
    expect(review.calls.map(({ verdict }) => verdict)).toEqual(["allow", "revoked"]);
    expect(review.teardown.revokedAt).toBe(Number(claims.iat) * 1000);
    expect(review.timeline.map(({ what }) => what)).toContain("revoked");
  });

  it("is found by an ask that stands in the log itself", async () => {
    const { scene, grant } = await used();
    await calmUse(scene, grant);
    await scene.hand(line(askOf(grant, scene.world.rita)));
    expect(reviewIn(await listOf(scene), grant).isRequesterProven).toBe(true);
  });

  it("takes no ask of another grant, by another key, or under another type for one", async () => {
    const { scene, grant } = await used();
    const another = calmGrant(scene);
    await calmUse(scene, grant);
    const asks = [askOf(another, scene.world.rita), askOf(grant, scene.world.ritaAdmin), grant.split("~", 1)[0] ?? ""];
    expect(reviewIn(await listOf(scene, { asks }), grant).isRequesterProven).toBe(false);
  });
});

describe("grants that opened nothing", () => {
  it("share a review a person and hour, and leave it when they open something", async () => {
    const { scene } = await used();
    const [one, two, three] = [calmGrant(scene), calmGrant(scene), calmGrant(scene)];
    scene.pass(2 * MINUTE);
    for (const grant of [one, two, three]) await scene.call({ grant, path: "/admin" });
    await scene.call({ grant: two });
    const { denied, reviews } = await listOf(scene);
    expect(reviews.map(({ grant }) => grant)).toEqual([hashOf(two)]);
    expect(denied).toEqual([
      expect.objectContaining({
        key: "denied:rita:2026-01-14T12Z",
        sub: "rita",
        hour: Date.UTC(2026, 0, 14, 12),
        grants: [hashOf(one), hashOf(three)],
        verdicts: { scope_path: 2 },
        counts: { allowed: 0, denied: 2, answers: 0, alarms: 0 },
      }),
    ]);
    expect(denied[0]?.calls.map(({ path }: Call) => path)).toEqual(["/admin", "/admin"]);
    expect(reviews[0]?.counts).toMatchObject({ allowed: 1, denied: 1 });
  });
});
