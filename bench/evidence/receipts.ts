/**
 * Requests that need a ledger's receipt, while the ledger is stopped, killed, started again and restarted: none may be let in without
 * its entry, and what both sides hold in the end is compared line by line.
 */
import { statSync } from "node:fs";
import { loadavg } from "node:os";
import { messageOf } from "../../control/base/errors.js";
import { type Latency, latencyOf } from "../base/statistics.js";
import { Faults } from "./faults.js";
import { type Decided, type GatewayFiles, readGatewayFiles } from "./gateway-files.js";
import { alarmCounts, checkWhole, type LedgerFiles, readLedgerFiles } from "./ledger-files.js";
import { LINE_TYPES, type Lines } from "./lines.js";
import { type Asked, Load, type Period } from "./load.js";
import { makeStand, type RunningServer, type Stand } from "./stand.js";
import { waitUntilFollowed } from "./wait.js";

/** Denials that are waited for while the ledger is away, for each request that is let in; at least some. */
const AWAY_SHARE = 1 / 200;
const FEWEST_AWAY = 30;
/** What happens all the time here, and is right: one key is enough, grants are used first, and many are denied while the ledger is away. */
const EXPECTED_ALARMS: ReadonlySet<string> = new Set(["first_use", "single_key", "denials"]);

export interface AwayFigures {
  readonly how: string;
  readonly denied: Latency;
}

export interface ReceiptFigures {
  readonly allowed: number;
  /** Denied though the ledger was there: it answered too late, or was just coming or going. */
  readonly late: number;
  readonly turning: number;
  readonly seconds: number;
  /** Requests with a receipt that were let in, a second, while the ledger was there. */
  readonly perSecond: number;
  readonly withReceipt: Latency;
  readonly without: Latency;
  readonly away: readonly AwayFigures[];
  readonly counts: LinesCounts;
  readonly entries: number;
  readonly logBytes: number;
  readonly alarms: Readonly<Record<string, number>>;
  readonly verified: string;
  readonly load: number;
  readonly faults: readonly string[];
}
type LinesCounts = Lines["counts"];

const latencyOfAsked = (asked: readonly Asked[]): Latency => latencyOf(asked.map(({ ms }) => ms));

/** A request was let in: its pending record stands at the receipt's index, and behind it what became of it, with the receipt. */
function checkAllowed(path: string, files: GatewayFiles, { lines }: LedgerFiles, faults: Faults): void {
  const [pending, settled] = [files.first.get(path), files.settled.get(path)];
  if (pending?.verdict !== "pending") {
    faults.note("let in without a pending record", path);
    return;
  }
  if (settled?.verdict !== "allow" || settled.settles !== pending.seq || settled.vm !== pending.vm)
    faults.note("let in, and no record that settles it says so", path);
  const receipt = files.receipts.get(pending.digest);
  if (receipt === undefined) {
    faults.note("let in without a receipt", path);
    return;
  }
  const index = lines.at("record", pending.digest);
  if (index !== receipt.index)
    faults.note("the receipt's index is not that of its record", `${path}: ${index}, ${receipt.index}`);
  if (settled !== undefined && lines.at("record", settled.digest) === undefined)
    faults.note("the record that lets it in is not in the ledger", path);
  if (lines.at("receipt", receipt.digest) === undefined) faults.note("its receipt is not in the ledger", path);
}

function checkDenied({ path, status, code }: Asked, files: GatewayFiles, faults: Faults): void {
  const pending = files.first.get(path);
  const decided = files.settled.get(path);
  const isRight = (record: Decided | undefined): boolean => record?.verdict === "audit_unavailable";
  faults.noteIf(status !== 503 || code !== "audit_unavailable", "denied otherwise", `${path}: ${status} ${code ?? ""}`);
  faults.noteIf(pending?.verdict !== "pending" || !isRight(decided), "denied, and its records do not say so", path);
  faults.noteIf(files.receipts.has(pending?.digest ?? ""), "denied with a receipt on the line", path);
}

function checkAsked(one: Asked, files: GatewayFiles, ledger: LedgerFiles, faults: Faults): void {
  const { path, status, needsReceipt, period } = one;
  if (!needsReceipt) {
    // These never depend on the ledger.
    faults.noteIf(status !== 200, "needs no receipt, and was not let in", `${path}: ${status}, ledger ${period.name}`);
    faults.noteIf(files.first.get(path)?.verdict !== "allow", "no record of it", path);
  } else if (status === 200) {
    faults.noteIf(period.name === "stopped" || period.name === "killed", "let in while the ledger was away", path);
    checkAllowed(path, files, ledger, faults);
  } else checkDenied(one, files, faults);
}

function checkFiles({ lines }: GatewayFiles, ledger: LedgerFiles, faults: Faults): void {
  for (const type of LINE_TYPES) {
    const missing = lines.missingIn(type, ledger.lines);
    const more = ledger.lines.missingIn(type, lines);
    faults.noteIf(missing > 0, `${missing} lines of type ${type} are in the gateway's files and not in the ledger`);
    faults.noteIf(more > 0, `${more} lines of type ${type} are in the ledger and not in the gateway's files`);
  }
  checkWhole(ledger, EXPECTED_ALARMS, faults);
}

/** Whoever reached the upstream was let in, and the other way round. */
class Reached {
  private readonly paths = new Set<string>();
  constructor(private readonly stand: Stand) {}

  take(): void {
    for (const { path } of this.stand.gateway.upstream.take()) this.paths.add(path);
  }

  check(asked: readonly Asked[], faults: Faults): void {
    this.take();
    for (const { path, status } of asked)
      faults.noteIf(this.paths.has(path) !== (status === 200), "answered otherwise than the upstream was asked", path);
  }
}

/** Its own sentence, without how far it had come before. */
const provedIn = (told: string): string => /^.*signed exactly.*$/m.exec(told)?.[0].trim() ?? told.trim();

interface Events {
  readonly away: AwayFigures[];
  awayMs: number;
}

/** All that happens to the ledger, each at its share of the requests. @returns the ledger that runs in the end */
async function director(stand: Stand, load: Load, goal: number, first: RunningServer, say: (line: string) => void) {
  const events: Events = { away: [], awayMs: 0 };
  const denials = Math.max(FEWEST_AWAY, Math.ceil(goal * AWAY_SHARE));
  let ledger = first;
  let since = 0;
  const away = async (name: "stopped" | "killed", how: string): Promise<void> => {
    const period: Period = load.turn(name);
    await load.until(() => load.inPeriod(period).length >= denials);
    load.turn("turning");
    const denied = latencyOfAsked(load.inPeriod(period));
    events.away.push({ how, denied });
    say(`${how}: ${denied.count} denied, the longest after ${denied.max.toFixed(0)} ms`);
  };
  const leave = (): void => {
    load.turn("turning");
    since = performance.now();
  };
  const back = async (): Promise<void> => {
    const before = load.allowed;
    await load.until(() => load.allowed > before);
    load.turn("up");
    events.awayMs += performance.now() - since;
  };
  const reach = (share: number): Promise<void> => load.until(() => load.allowed >= goal * share);

  await reach(0.2);
  leave();
  ledger.kill("SIGSTOP");
  await away("stopped", "SIGSTOP, and SIGCONT later");
  ledger.kill("SIGCONT");
  await back();

  await reach(0.4);
  leave();
  ledger.kill("SIGSTOP");
  await away("stopped", "SIGSTOP");
  ledger.kill("SIGKILL");
  await ledger.ended;
  await away("killed", "SIGKILL");
  ledger = await stand.serve();
  await back();

  await reach(0.6);
  leave();
  ledger.kill("SIGKILL");
  await ledger.ended;
  ledger = await stand.serve();
  await back();

  await reach(0.8);
  leave();
  ledger.kill("SIGTERM");
  const code = await ledger.ended;
  ledger = await stand.serve();
  await back();
  await reach(1);
  return { ledger, events, code };
}

/**
 * @param goal requests that are let in with a receipt
 * @param connections of HTTP/1.1 with one request each under way; as many again are streams of HTTP/2
 * @throws where a process ends by itself, or a connection breaks
 */
export async function soakReceipts(
  goal: number,
  connections: number,
  say: (line: string) => void,
): Promise<ReceiptFigures> {
  const stand = await makeStand();
  try {
    const faults = new Faults();
    const first = await stand.serve();
    const { grants } = stand;
    const reached = new Reached(stand);
    const looking = setInterval(() => reached.take(), 500);
    const began = performance.now();
    const load = new Load({
      port: stand.gateway.port,
      goal,
      connections,
      grant: (needs, count) => grants.next(needs, count),
    });
    const progress = setInterval(() => say(`${load.allowed} let in with a receipt`), 10_000);
    let directed: Awaited<ReturnType<typeof director>>;
    try {
      directed = await director(stand, load, goal, first, say);
    } finally {
      clearInterval(progress);
      clearInterval(looking);
      await load.end();
    }
    const { ledger, events, code } = directed;
    const took = performance.now() - began;
    faults.noteIf(code !== 0, "a ledger that was asked to end did not end in good order", `code ${code}`);
    const { asked } = load;
    await waitUntilFollowed(ledger.url, {
      record: asked.length + asked.filter(({ needsReceipt }) => needsReceipt).length,
      answer: asked.filter(({ status }) => status === 200).length,
    });
    ledger.kill("SIGTERM");
    faults.noteIf((await ledger.ended) !== 0, "the ledger did not end in good order", ledger.told().slice(-300));
    const verified = await stand.run(
      "verify",
      stand.ledger.folder,
      "--key",
      stand.keyFile,
      "--anchors",
      stand.anchorsFile,
    );
    faults.noteIf(verified.code !== 0, "ledger verify does not prove it", verified.told);
    const files = await readGatewayFiles([stand.auditLog], [stand.answersLog]);
    const inLedger = await readLedgerFiles(stand.ledger);
    for (const one of asked) checkAsked(one, files, inLedger, faults);
    checkFiles(files, inLedger, faults);
    reached.check(asked, faults);
    const up = asked.filter(({ period, status }) => period.name === "up" && status === 200);
    const denied = asked.filter(({ needsReceipt, status }) => needsReceipt && status !== 200);
    return {
      allowed: load.allowed,
      late: denied.filter(({ period }) => period.name === "up").length,
      turning: denied.filter(({ period }) => period.name === "turning").length,
      seconds: took / 1000,
      perSecond: (1000 * load.allowed) / (took - events.awayMs),
      withReceipt: latencyOfAsked(up.filter(({ needsReceipt }) => needsReceipt)),
      without: latencyOfAsked(up.filter(({ needsReceipt }) => !needsReceipt)),
      away: events.away,
      counts: files.lines.counts,
      entries: inLedger.size,
      logBytes: statSync(stand.auditLog).size,
      alarms: alarmCounts(inLedger.alarms),
      verified: provedIn(verified.told),
      load: loadavg()[0] ?? 0,
      faults: faults.sentences,
    };
  } catch (error) {
    say(`Envoy's own log ends with:\n${stand.gateway.envoy.log().trimEnd().split("\n").slice(-5).join("\n")}`);
    throw new Error(messageOf(error), { cause: error });
  } finally {
    await stand.stop();
  }
}
