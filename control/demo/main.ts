/** `npm start`: the main job on a real Envoy, shown as a table. `-- --keep` leaves it running with copy-paste commands. */
import { join } from "node:path";
import { messageOf, UserError } from "../base/errors.js";
import { writeText } from "../base/files.js";
import { wrap } from "../base/wrap.js";
import { type EnvoyBinary, findEnvoy } from "../gateway/find.js";
import { brief } from "./brief.js";
import { type DemoGateway, envoyGateway } from "./gateway.js";
import { type DemoLedger, startLedger } from "./ledger.js";
import { nodeGateway } from "./node-gateway.js";
import { writeReview } from "./review.js";
import { playScenes } from "./scenes.js";
import { HOST, makeWorld, type World } from "./world.js";

/** A command to copy is never broken: it has no room for a hanging line. */
function out(line = "", hang?: number): void {
  const isCommand = /^ {2}(?:curl|node) /.test(line);
  const width = process.stdout.isTTY && !isCommand ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
  process.stdout.write(`${wrap(line, width, hang)}\n`);
}
/** What is under way, where it takes more than a second: standard output is what came of it. */
const note = (sentence: string): void => void process.stderr.write(`${sentence} ...\n`);
const KEEP = "--keep";
const KEPT_PORT = 10_000;

async function findBinary(): Promise<EnvoyBinary | undefined> {
  try {
    return await findEnvoy(out);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    out(`${error.message} ${error.hint ?? ""}`);
    return undefined;
  }
}

/** Credentials are files of header lines: on a command line, everybody on the machine could read them. */
async function keep(world: World, gateway: DemoGateway, requesterVersion: number): Promise<void> {
  await gateway.push(await world.bundle(requesterVersion, world.requester), requesterVersion);
  const { grant } = await world.grant({ ttl: 900 });
  const [granted, caller] = [join(gateway.folder, "grant.txt"), join(gateway.folder, "caller.txt")];
  writeText(granted, `x-break-glass: ${grant}\n`, { mode: 0o600 });
  writeText(caller, `authorization: Bearer ${await world.normalToken()}\n`, { mode: 0o600 });
  const url = `http://127.0.0.1:${gateway.port ?? 0}/orders/42`;
  out();
  out(
    "The gateway stays up. A grant for 15 minutes, for GET and POST on /orders/*; the same with DELETE; a normal caller:",
  );
  out(`  curl -i -H "Host: ${HOST}" -H @${granted} ${url}`);
  out(`  curl -i -H "Host: ${HOST}" -H @${granted} -X DELETE ${url}`);
  out(`  curl -i -H "Host: ${HOST}" -H @${caller} ${url}`);
  out("Ctrl-C stops it.");
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  });
}

async function main(): Promise<number> {
  const flags = process.argv.slice(2);
  const unknown = flags.filter((flag) => flag !== KEEP);
  if (unknown.length > 0)
    throw new UserError(`Unknown flag ${unknown.join(" ")}.`, { hint: `There is only ${KEEP}: npm start -- ${KEEP}` });
  const binary = await findBinary();
  note("Starting a gateway, and a ledger beside it");
  const world = await makeWorld();
  const started =
    binary === undefined
      ? await nodeGateway(world)
      : await envoyGateway(world, binary, flags.includes(KEEP) ? KEPT_PORT : 0);
  let ledger: DemoLedger | undefined;
  try {
    ledger = await startLedger(world.anchors, started.records, started.folder, started.followed);
    return await play(world, withLedger(started, ledger), ledger, flags.includes(KEEP));
  } finally {
    await ledger?.stop();
    await started.stop();
  }
}

/** The ledger hears of each bundle before the gateway does. */
const withLedger = (gateway: DemoGateway, ledger: DemoLedger): DemoGateway => ({
  ...gateway,
  push: async (text, version) => {
    await ledger.bundle(text);
    return gateway.push(text, version);
  },
});

async function play(world: World, gateway: DemoGateway, ledger: DemoLedger, isKept: boolean): Promise<number> {
  out(`Gateway: ${gateway.description}`);
  out("People:  rita asks; adam (lead) and anna (security) approve; rita-admin is rita's second account; olga reviews");
  out(`Trust:   ${await gateway.push(await world.bundle(1, world.requester), 1)}`);
  out();
  let good = 0;
  let played = 0;
  const granted = await world.grant();
  let used = "";
  for await (const { what, expected, seen, record } of playScenes(world, gateway, granted)) {
    played += 1;
    if (record?.verdict === "allow" && record.jti === granted.jti) used = String(record.grant_sha256);
    const isGood = expected === seen;
    if (isGood) good += 1;
    out(
      `${String(played).padStart(2)} ${isGood ? "ok  " : "FAIL"} ${what.padEnd(46)} ${seen}${isGood ? "" : `   EXPECTED ${expected}`}`,
      8,
    );
    out(`        ${brief(record)}`, 10);
  }
  out();
  out(`The whole records are kept in ${gateway.records}`);
  note("Verifying the ledger, and writing the review of a grant");
  const verified = await ledger.finish();
  // Of a ledger that does not verify there is nothing to show.
  const reviewed = verified.isGood ? await writeReview(ledger, used, granted.ask) : { isGood: false, lines: [] };
  for (const line of [...verified.lines, ...reviewed.lines]) out(line, 8);
  out(`${good} of ${played} as expected`);
  if (isKept && gateway.port !== undefined) await keep(world, gateway, 3);
  return good === played && reviewed.isGood ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  if (error instanceof UserError && error.hint !== undefined) process.stderr.write(`next:  ${error.hint}\n`);
  process.exitCode = error instanceof UserError ? error.exitCode : 1;
}
