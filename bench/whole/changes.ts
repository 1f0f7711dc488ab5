/** What happens to the gateways while they serve: a bundle each second by the product's push, and urgent revocations by its command. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { messageOf } from "../../control/base/errors.js";
import { outcomes } from "../../test/kit/revoking.js";
import type { Faults } from "../evidence/faults.js";
import type { Revocation, Rotation } from "./books.js";
import type { Fleet } from "./fleet.js";

const ROTATE_MS = 1000;
/** One in so many takes away a person, the others one grant. */
const PERSON_EVERY = 4;
/** A grant is used for so long before it is revoked, and after. */
const AROUND_MS = 500;

const watched = z.object({ jti: z.string().optional(), sub: z.string().optional() });

/** One question at a time: an answer does not say which it belongs to. */
export class Asking {
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly answer: (message: string) => Promise<unknown>) {}

  ask(message: string): Promise<unknown> {
    const next = this.last.then(() => this.answer(message));
    this.last = next.catch(() => undefined); // Told to whoever asked.
    return next;
  }
}

/** A revocation of a grant that was in use at all gateways, and was applied at each. */
export type Revoked = Revocation & { readonly jti: string };

export class Changes {
  readonly rotations: Rotation[] = [];
  readonly pushMs: number[] = [];
  readonly revoked: Revoked[] = [];
  /** Those that may be in force somewhere, and nobody knows where. */
  readonly failed: Revocation[] = [];
  /** The last bundle that serves everywhere. */
  version = 1;

  constructor(
    private readonly fleet: Fleet,
    private readonly callers: Asking,
    private readonly faults: Faults,
    private readonly isOver: () => boolean,
  ) {}

  /** A rotation and a revocation at the least, whatever came of them. */
  get haveHappened(): boolean {
    return this.version > 1 && this.revoked.length + this.failed.length > 0;
  }

  /** Each second, one gateway after the other, as `glassgate push` does. */
  async rotate(): Promise<void> {
    for (let next = performance.now(); !this.isOver(); ) {
      next += ROTATE_MS;
      const version = this.version + 1;
      const text = await this.fleet.bundle(version);
      for (const [gateway, member] of this.fleet.members.entries()) {
        try {
          const { milliseconds, healed } = await this.fleet.party.push(member.gateway, text, version);
          this.rotations.push({ version, gateway, at: Date.now() });
          this.pushMs.push(milliseconds);
          this.faults.noteIf(healed, "a push had to heal a worker that was dead", `${member.name}, ${version}`);
        } catch (error) {
          this.faults.note("a push was not applied", `${member.name}, ${version}: ${messageOf(error)}`);
        }
      }
      this.version = version;
      await sleep(Math.max(0, next - performance.now()));
    }
  }

  /** @param everyMs from one to the next */
  async revoke(everyMs: number): Promise<void> {
    for (let next = performance.now() + Math.min(everyMs, AROUND_MS); !this.isOver(); next += everyMs) {
      while (performance.now() < next && !this.isOver()) await sleep(20);
      if (!this.isOver()) await this.revokeOne();
    }
  }

  private async revokeOne(): Promise<void> {
    const { jti, sub } = watched.parse(await this.callers.ask("watch"));
    if (jti === undefined || sub === undefined) return; // None is in use yet.
    const { party, members } = this.fleet;
    try {
      await sleep(AROUND_MS);
      const isPerson = this.revoked.length % PERSON_EVERY === PERSON_EVERY - 1;
      const what = isPerson ? ["--person", sub] : ["--grant", jti];
      const named = members.flatMap(({ name }) => ["--gateway", `${name}.yaml`]);
      const began = Date.now();
      const ran = await party.run("revoke", ...what, "--key", "guard", "--json", ...named);
      const taken = isPerson ? ({ kind: "sub", name: sub } as const) : ({ kind: "jti", name: jti } as const);
      if (ran.code !== 0) {
        this.failed.push({ ...taken, began, signed: began, applied: [] });
        this.faults.note("a revocation was not applied everywhere", `${ran.stderr}${ran.stdout}`.slice(0, 500));
        return;
      }
      const { gateways } = outcomes.parse(JSON.parse(ran.stdout));
      const applied = members.map(({ name }) => {
        const one = gateways.find(({ gateway }) => gateway === `${name}.yaml`);
        return { at: Date.parse(one?.at ?? ""), ms: one?.milliseconds ?? Number.NaN };
      });
      const signed = Math.min(...applied.map(({ at, ms }) => at - ms));
      this.revoked.push({ ...taken, began, signed, applied: applied.map(({ at }) => at), jti });
      if (isPerson) this.fleet.load.callers?.send(`gone ${sub}`);
      await sleep(AROUND_MS);
    } finally {
      this.fleet.load.callers?.send("unwatch");
    }
  }
}
