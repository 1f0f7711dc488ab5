/** Signatures under reviews and drills, from whoever brings them: the signature in them says whose they are. */
import type { IncomingMessage } from "node:http";
import { remember } from "../chain/bounded.js";
import { handIn, type SignedKind } from "../closing.js";
import type { Received, Taken } from "../intake.js";
import type { TileSource } from "../log.js";
import { type Answer, json, Refused } from "./answer.js";
import { readBody } from "./body.js";
import { networkOf } from "./connections.js";
import { QuotaMeter } from "./quota.js";
import { Bodies } from "./senders.js";
import type { Turns } from "./turns.js";

/** Of one network in a minute: reviews are signed by people. */
const QUOTA = { entries: 60, bytes: 4 * 1024 * 1024 };
const MAX_NETWORKS = 4096;

interface Door {
  readonly quota: QuotaMeter;
  readonly bodies: Bodies;
}

/** Nobody is known before his signature was judged: so the networks that knock are counted. */
export class ReviewDoors {
  private readonly doors = new Map<string, Door>();

  constructor(private readonly now: () => number) {}

  of(network: string): Door {
    const door = this.doors.get(network) ?? { quota: new QuotaMeter(QUOTA, this.now), bodies: new Bodies() };
    remember(this.doors, network, door, MAX_NETWORKS);
    return door;
  }
}

/** @returns 200 once it is durable, with its entry's index, or 422 with the reasons @throws Refused */
export async function takeSigned(
  request: IncomingMessage,
  { log, turns, doors }: { readonly log: TileSource; readonly turns: Turns; readonly doors: ReviewDoors },
  signed: SignedKind,
): Promise<Answer> {
  const network = networkOf(request.socket.remoteAddress ?? "local");
  const { quota, bodies } = doors.of(network);
  const { kind, typ, what, maxBytes } = signed;
  return bodies.hold(async () => {
    quota.check();
    const body = await readBody(request, (bytes) => quota.takeBytes(bytes), maxBytes);
    quota.takeEntries(1);
    const token = body.toString("latin1");
    if (signed.read(token) === undefined)
      throw new Refused(400, `The body is one ${what}, a compact JWS of type ${typ}, and nothing else.`);
    // No sender's name has a space.
    const take = (received: readonly Received[]): Promise<readonly Taken[]> =>
      turns.take(`${kind} ${network}`, received);
    const done = await handIn(log, take, token, signed);
    if ("index" in done) return json(200, { index: done.index, new: done.isNew });
    const title = `The ledger refuses this ${what}: it does not hold.`;
    return {
      ...json(422, { type: "about:blank", title, status: 422, reasons: done.refused }),
      headers: { "content-type": "application/problem+json" },
    };
  });
}
