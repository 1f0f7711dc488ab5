/** `npm run bench:bundle`: what a large organisation's bundle is in bytes, in the time to configure it, and in a VM's memory. */
import { FilterHost } from "../control/host/host.js";
import { quickSigner } from "../test/kit/quick.js";
import { QuickWorld } from "../test/kit/quick-world.js";
import { median } from "./base/statistics.js";

const PEOPLE = 500;
const ENTITLEMENTS = 200;
const ROUNDS = 21;
/** Each configures once: the canary, the main thread's, and one worker's. */
const VMS = 3;

/** @param args none */
export async function main(args: readonly string[]): Promise<void> {
  if (args.length > 0) throw new Error("bench:bundle takes no arguments");
  const world = new QuickWorld(Math.floor(Date.now() / 1000));
  const principals = Array.from({ length: PEOPLE }, (_, i) => ({
    id: `person-${i}@example.com`,
    roles: [`team-${i % 50}`, "oncall", ...(i % 5 === 0 ? ["lead"] : [])],
    keys: [quickSigner("Ed25519"), quickSigner("ES256")].map(({ jwk }) => jwk),
  }));
  const entitlements = Array.from({ length: ENTITLEMENTS }, (_, i) =>
    world.entitlement(`repair-service-${i}`, {
      requesters: [`team-${i % 50}`],
      approvals: [{ role: "lead", count: 2 }],
      require: ["incident", "cnf"],
      authorization_details: [
        world.detail({ locations: [`service-${i}.internal.example.com`], paths: ["/orders/**", "/refunds/*"] }),
      ],
    }),
  );
  const bundleOf = () => world.bundleClaims({ principals, entitlements });
  const host = await FilterHost.load();
  const times: number[] = [];
  let bytes = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const text = world.bundle(bundleOf());
    bytes = text.length;
    const configuration = world.configuration({ bundle: null, configuration: { bundle: text } });
    const began = process.cpuUsage();
    const { accepted, reason } = host.configure(configuration);
    if (!accepted) throw new Error(`refused: ${reason}`);
    const { user, system } = process.cpuUsage(began);
    times.push((user + system) / 1000 / VMS);
  }
  for (let i = 0; i < 8; i++) {
    host.advance(2000);
    host.tick();
  }
  const held = host.metrics().get("glassgate.configuration_bytes") ?? 0;
  const [vm] = host.process.workers.flatMap(({ allVms }) => allVms);
  const lines = [
    `${PEOPLE} people with two keys each, ${ENTITLEMENTS} entitlements`,
    `bundle:    ${bytes} bytes, of at most ${512 * 1024}`,
    `configure: ${median(times).toFixed(1)} ms of CPU a VM (median of ${ROUNDS} pushes)`,
    `memory:    ${Math.round(held / 1024)} KiB of a VM for it and its settings; ${Math.round((vm?.memory.size ?? 0) / 1024)} KiB of linear memory after ${ROUNDS} pushes`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
