/** The filter and the reference side by side, over configurations, grants and requests that are made up. */
import fc from "fast-check";
import { expect } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { QuickWorld } from "../kit/quick.js";
import { revocations } from "../kit/revocations.js";
import type { Json } from "../kit/world.js";
import { bundleOf, grantChoices, grantOf, isProven, requestChoices, shotOf } from "./cases.js";
import { referenceDecision } from "./decide.js";
import type { UsedProofs } from "./proof.js";

const CERTIFICATE_PROPERTY = "connection.sha256_peer_certificate_digest";
/** Requests under one grant. */
const MOST_REQUESTS = 12;
/** A VM takes no proof from before its own start: it is as old as that. */
const VM_AGE = 7200;

interface Stage {
  readonly world: QuickWorld;
  readonly configuration: string;
}

function stages(world: QuickWorld): Stage[] {
  const { now } = world;
  const stage = (bundle: Json, configuration: Json = {}): Stage => ({
    world,
    configuration: world.configuration({ bundle: bundleOf(world, bundle), configuration }),
  });
  const text = revocations(world, {
    by: world.anna,
    revoked: { sub: ["alex"], issued_before: [{ at: now - 60, sub: "adam" }] },
  });
  return [
    stage({}),
    stage({}, { leeway: 0 }),
    stage(
      { revoked: { jti: ["revoked-grant-id-1"], sub: ["bot"], kid: [world.adam.kid], incident: ["INC-666"] } },
      { leeway: 60 },
    ),
    stage({ revokers: ["security"] }, { revocations: [text] }),
    stage({ exp: now + 30 }),
  ];
}

/** One filter with one configuration: made anew where it has become busy with what was made up before. */
class Seat {
  private host: FilterHost | undefined;
  private seconds = 0;
  used: UsedProofs = new Map();

  constructor(readonly stage: Stage) {}

  async judge(grant: string, shot: ReturnType<typeof shotOf>): Promise<string> {
    const verdict = await this.ask(grant, shot);
    if (verdict !== "busy") return verdict;
    this.host = undefined;
    return this.ask(grant, shot);
  }

  private async ask(grant: string, { now, request, proofs }: ReturnType<typeof shotOf>): Promise<string> {
    if (this.host === undefined) {
      this.seconds = this.stage.world.now - VM_AGE;
      this.host = await FilterHost.load({ clock: () => this.seconds * 1000 });
      expect(this.host.configure(this.stage.configuration).reason).toBeUndefined();
      this.used = new Map();
    }
    this.seconds = now;
    const outcome = this.host.request({
      sourceAddress: request.source ?? "",
      headers: [
        [":method", request.method],
        [":path", request.path],
        [":authority", request.host],
        ["x-break-glass", grant],
        ...proofs.map((proof): [string, string] => ["dpop", proof]),
      ],
      ...(request.certificate === undefined ? {} : { properties: { [CERTIFICATE_PROPERTY]: request.certificate } }),
    });
    if (outcome.reply?.details === "wasm_fail_stream") return "a trap";
    return outcome.filterState.get("wasm.glassgate.verdict") ?? "none";
  }
}

/** @returns how often each verdict was given. A disagreement throws with the fewest choices that show it. */
export async function agree(cases: number, seed: number): Promise<ReadonlyMap<string, number>> {
  const world = new QuickWorld(Math.floor(Date.now() / 1000));
  // One for grants under which the clock moves, one for the others.
  const seats = stages(world).map((stage) => [new Seat(stage), new Seat(stage)] as const);
  const seen = new Map<string, number>();
  let done = 0;
  const property = fc.asyncProperty(
    fc.constantFrom(...seats.keys()),
    grantChoices,
    fc.array(requestChoices, { minLength: 1, maxLength: MOST_REQUESTS, size: "max" }),
    async (which, choices, asked) => {
      if (done >= cases) return;
      const seat = seats[which]?.[isProven(choices) ? 1 : 0];
      if (seat === undefined) throw new Error("no such seat");
      const grant = grantOf(world, choices);
      let last: readonly string[] = [];
      for (const one of asked) {
        const shot = shotOf(world, grant, choices, one, last);
        last = shot.proofs;
        const verdict = await seat.judge(grant, shot);
        const { configuration } = seat.stage;
        const request = { ...shot.request, used: seat.used };
        const reference = await referenceDecision({ configuration, grants: [grant], request, now: shot.now });
        // `expect` costs as much as the rest of a case.
        if (verdict !== reference) throw new Error(`the filter says ${verdict}, the reference ${reference}`);
        seen.set(reference, (seen.get(reference) ?? 0) + 1);
        done += 1;
      }
    },
  );
  await fc.assert(property, { numRuns: cases, seed, endOnFailure: false });
  return seen;
}
