/** `npm start`: the main job on a real Envoy, shown as a table. `-- --keep` leaves it running with copy-paste commands. */
import { messageOf, UserError } from "../base/errors.js";
import { type EnvoyBinary, findEnvoy } from "../gateway/find.js";
import { type DemoGateway, envoyGateway, nodeGateway } from "./gateway.js";
import { playScenes } from "./scenes.js";
import { HOST, makeWorld, type World } from "./world.js";

const out = (line = ""): void => void process.stdout.write(`${line}\n`);
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

/** What a reader wants of the record in one line. */
function brief(record: Readonly<Record<string, unknown>> | undefined): string {
  if (record === undefined) return "(no grant, no record)";
  const names = ["verdict", "jti", "sub", "ent", "approvers", "method", "host", "path", "source", "bundle", "cached"];
  return JSON.stringify(
    Object.fromEntries(names.flatMap((name) => (record[name] === undefined ? [] : [[name, record[name]]]))),
  );
}

async function keep(world: World, gateway: DemoGateway, requesterVersion: number): Promise<void> {
  await gateway.push(await world.bundle(requesterVersion, world.requester), requesterVersion);
  const { grant } = await world.grant({ ttl: 900 });
  const url = `http://127.0.0.1:${gateway.port ?? 0}/orders/42`;
  out();
  out("The gateway stays up. A grant for 15 minutes, for GET and POST on /orders/*:");
  out(`  export GRANT='${grant}'`);
  out(`  curl -i -H "Host: ${HOST}" -H "x-break-glass: $GRANT" ${url}`);
  out(`  curl -i -H "Host: ${HOST}" -H "x-break-glass: $GRANT" -X DELETE ${url}`);
  out(`  curl -i -H "Host: ${HOST}" -H "authorization: Bearer ${await world.normalToken()}" ${url}`);
  out("Ctrl-C stops it.");
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
}

async function main(): Promise<number> {
  const flags = process.argv.slice(2);
  const unknown = flags.filter((flag) => flag !== KEEP);
  if (unknown.length > 0)
    throw new UserError(`Unknown flag ${unknown.join(" ")}.`, { hint: `There is only ${KEEP}: npm start -- ${KEEP}` });
  const binary = await findBinary();
  const world = await makeWorld();
  const gateway =
    binary === undefined
      ? await nodeGateway(world)
      : await envoyGateway(world, binary, flags.includes(KEEP) ? KEPT_PORT : 0);
  try {
    out(`Gateway: ${gateway.description}`);
    out("People:  rita asks; adam (lead) and anna (security) approve; rita-admin is rita's second account");
    out(`Trust:   ${await gateway.push(await world.bundle(1, world.requester), 1)}`);
    out();
    let good = 0;
    let played = 0;
    for await (const { what, expected, seen, record } of playScenes(world, gateway)) {
      played += 1;
      const isGood = expected === seen;
      if (isGood) good += 1;
      out(
        `${String(played).padStart(2)} ${isGood ? "ok  " : "FAIL"} ${what.padEnd(46)} ${seen}${isGood ? "" : `   EXPECTED ${expected}`}`,
      );
      out(`        ${brief(record)}`);
    }
    out();
    out(`${good} of ${played} as expected`);
    if (flags.includes(KEEP) && gateway.port !== undefined) await keep(world, gateway, 3);
    return good === played ? 0 : 1;
  } finally {
    await gateway.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  if (error instanceof UserError && error.hint !== undefined) process.stderr.write(`next:  ${error.hint}\n`);
  process.exitCode = error instanceof UserError ? error.exitCode : 1;
}
