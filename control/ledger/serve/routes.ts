/** What each path does with a request whose sender is known. */
import type { IncomingMessage } from "node:http";
import { DRILL, REVIEW } from "../closing.js";
import type { Listen } from "../config.js";
import { decodeFrame, type FrameItem, MAX_ITEMS } from "../frame.js";
import type { Intake, Received, Taken } from "../intake.js";
import type { TileSource } from "../log.js";
import { COSIGNED } from "../tlog/file-source.js";
import { type Answer, json, Refused } from "./answer.js";
import { readBody } from "./body.js";
import { linesIn, tooManyLines } from "./items.js";
import { otlpAnswer, otlpLines, otlpType } from "./otlp.js";
import { readFile } from "./reading.js";
import { giveReceipt, MAX_RECEIPT_BODY_BYTES, MAX_RECEIPT_LINES, type ReceiptSigner } from "./receipts.js";
import { type ReviewDoors, takeSigned } from "./review.js";
import type { KnownSender, Senders } from "./senders.js";
import type { Turns } from "./turns.js";

export interface Served {
  readonly intake: Intake;
  readonly log: TileSource;
  readonly signer: ReceiptSigner;
  readonly senders: Senders;
  readonly turns: Turns;
  readonly doors: ReviewDoors;
  readonly read: Listen["read"];
  /** In Prometheus' text format. */
  readonly metrics: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Whose request it is, as far as it says; counted against his connections before anything else of it is looked at. */
export type Identify = () => KnownSender;

const counts = (taken: readonly Taken[]): Answer =>
  json(200, { taken: taken.length, new: taken.filter(({ isNew }) => isNew).length });

function onlyMethods(request: IncomingMessage, ...methods: readonly string[]): void {
  if (methods.includes(request.method ?? "")) return;
  throw new Refused(405, `This path knows ${methods.join(" and ")} only.`, { allow: methods.join(", ") });
}

interface Receiving {
  readonly request: IncomingMessage;
  readonly known: KnownSender;
  readonly served: Served;
}

/** Refused for its sender's sake: that is counted. */
async function counted<T>({ known, served }: Receiving, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refused && error.status === 429) served.senders.noteRefused(known.sender.sender);
    throw error;
  }
}

const receive = (receiving: Receiving, itemsOf: (body: Buffer) => readonly FrameItem[]): Promise<readonly Taken[]> =>
  counted(receiving, () => receiving.known.bodies.hold(() => receiveOne(receiving, itemsOf)));

/** Not behind others' lines, and so within a quota of its own. */
async function receiptFor({ request, known: { sender, receipts }, served }: Receiving): Promise<Answer> {
  receipts.check();
  const body = await readBody(request, (bytes) => receipts.takeBytes(bytes), MAX_RECEIPT_BODY_BYTES);
  receipts.takeEntries(MAX_RECEIPT_LINES);
  return giveReceipt(body, sender, served);
}

async function receiveOne(
  { request, known: { sender, quota }, served }: Receiving,
  itemsOf: (body: Buffer) => readonly FrameItem[],
): Promise<readonly Taken[]> {
  quota.check();
  const items = itemsOf(await readBody(request, (bytes) => quota.takeBytes(bytes)));
  if (items.length > MAX_ITEMS) throw tooManyLines();
  quota.takeEntries(items.length);
  const received: Received[] = items.map((item) => ({ ...item, sender }));
  return served.turns.take(sender.sender, received);
}

const asLines = (lines: readonly Buffer[]): readonly FrameItem[] => lines.map((bytes) => ({ kind: "line", bytes }));

function frameItems(body: Buffer): readonly FrameItem[] {
  const items = decodeFrame(body);
  if (items !== undefined) return items;
  throw new Refused(400, 'The body is not {"received": [{"kind", "bytes" in base64}]}, as `ledger follow` sends it.');
}

/** @throws Refused */
export async function answerTo(request: IncomingMessage, identify: Identify, served: Served): Promise<Answer> {
  const path = (request.url ?? "").split("?", 1)[0] ?? "";
  const { log, read } = served;
  const mayRead = (): void => {
    if (read === "public" || identify().config.reads) return;
    throw new Refused(403, "This sender may not read the log.");
  };
  switch (path) {
    case "/healthz":
      onlyMethods(request, "GET", "HEAD");
      return { status: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: "ok\n" };
    case "/v1/lines":
      onlyMethods(request, "POST");
      return counts(await receive({ request, known: identify(), served }, (body) => asLines(linesIn(body))));
    case "/v1/follow": {
      onlyMethods(request, "POST");
      const known = identify();
      if (!known.config.follows) throw new Refused(403, "This sender may not speak as `ledger follow`.");
      return counts(await receive({ request, known, served }, frameItems));
    }
    case "/v1/logs": {
      onlyMethods(request, "POST");
      const known = identify();
      const type = otlpType(request.headers["content-type"]);
      let strange = 0;
      await receive({ request, known, served }, (body) => {
        const found = otlpLines(body, type);
        strange = found.strange;
        return asLines(found.lines);
      });
      return otlpAnswer(type, strange);
    }
    case "/v1/receipts": {
      onlyMethods(request, "POST");
      const known = identify();
      if (known.sender.via === "token")
        throw new Refused(403, "Receipts are given on the unix socket, and for client certificates.");
      const receiving = { request, known, served };
      return counted(receiving, () => receiptFor(receiving));
    }
    case "/v1/review":
      onlyMethods(request, "POST");
      return takeSigned(request, served, REVIEW);
    case "/v1/drill":
      onlyMethods(request, "POST");
      return takeSigned(request, served, DRILL);
    case "/metrics":
      onlyMethods(request, "GET", "HEAD");
      mayRead();
      return {
        status: 200,
        headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
        body: served.metrics(),
      };
    default:
      onlyMethods(request, "GET", "HEAD");
      // What a checkpoint says, its size and a hash, is for everybody: witnesses and monitors look at it.
      if (path !== "/checkpoint" && path !== `/${COSIGNED}`) mayRead();
      return readFile(log, path.slice(1), read === "public");
  }
}
