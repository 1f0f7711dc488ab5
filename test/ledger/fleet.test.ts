/** What follows, sends and alarms for many at once waits for all of them, and nobody is told of a leak that is none. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { Dispatcher } from "../../control/ledger/alarm/dispatcher.js";
import { Follower } from "../../control/ledger/follow/follower.js";
import { RemoteLedger } from "../../control/ledger/follow/remote.js";

const PATIENCE = { timeout: 60_000 };
const MANY = 24;

const folder = mkdtempSync(join(tmpdir(), "glassgate-fleet-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("waits for a ledger that is away with two dozen files, and for as many receivers", async () => {
  const warnings: string[] = [];
  const warn = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
  process.on("warning", warn);
  const token = join(folder, "token");
  writeFileSync(token, "t".repeat(48), { mode: 0o600 });
  // Nobody listens on the port of tcpmux.
  const remote = new RemoteLedger({ url: "http://127.0.0.1:1", token_file: token }, () => {});
  const handed = new Set<string>();
  const gateways = Array.from({ length: MANY }, (_, i) => {
    const path = join(folder, `${i}.log`);
    writeFileSync(path, i % 2 === 0 ? "a line\n" : "");
    return { id: `gateway-${i}`, audit: [{ path, format: "plain" as const, mixed: false }] };
  });
  const follower = new Follower({
    gateways,
    heartbeatSeconds: 10,
    state: folder,
    sink: (received) => {
      handed.add(received[0]?.sender.sender ?? "");
      return remote.sink(received);
    },
    say: () => {},
  });
  const failing = new Set<string>();
  const dispatcher = new Dispatcher({
    origin: "ledger.example/test",
    receivers: Array.from({ length: MANY }, (_, i) => ({ name: `${i}`, command: { run: ["/nowhere"] } })),
    clock: Date.now,
    onLost: () => {},
    onFailing: (_, name) => failing.add(name),
  });
  const running = follower.run();
  dispatcher.send({ code: "gap", subject: "a", about: [], entry: 1, at: 0, says: "" });
  await expect.poll(() => [handed.size, failing.size], PATIENCE).toEqual([MANY / 2, MANY]);
  follower.stop();
  remote.stop();
  await Promise.all([running, dispatcher.stop()]);
  process.off("warning", warn);
  expect(warnings).toEqual([]);
});
