/**
 * The faults that docs/drill-faults.md has to copy, on real Envoys, an upstream, an identity provider and a ledger that are real processes,
 * disks that are really full. Each is counted where the drill does not look; and faults that are none are found.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { FaultResult, Report } from "../../control/drill/model.js";
import { unglued } from "../../control/ledger/follow/logical.js";
import { Lines, said } from "./faults-counted.js";
import type { FaultsFleet } from "./faults-fleet.js";

const DOC = readFileSync(new URL("../../docs/drill-faults.md", import.meta.url), "utf8");
const [, COPIED = ""] = /To copy:\n\n```yaml\n(faults:\n[\s\S]*?)```$/m.exec(DOC) ?? [];
const COPIED_NAMES = [...COPIED.matchAll(/^ {2}- name: (\S+)/gm)].map(([, name = ""]) => name);
const NEEDS_DISK = ["audit-disk-full", "ledger-disk-full"];

/** First: another ends that process. */
const withLedgerDown = (text: string): string => text.replace("faults:\n", "faults:\n  - ledger-down\n");

const access = z.object({ code: z.number(), verdict: z.string().nullish(), request_id: z.string() });
const received = z.object({ headers: z.record(z.string(), z.unknown()) });
const record = z.object({
  v: z.literal(1),
  vm: z.string(),
  seq: z.number(),
  verdict: z.string(),
  request_id: z.string(),
});
const entry = z.object({ body: z.string() });
type Record = z.infer<typeof record>;

const recordsIn = (lines: readonly string[]): Record[] =>
  lines
    .flatMap((line) => unglued(Buffer.from(line)))
    .flatMap((line) => {
      try {
        return record.safeParse(JSON.parse(line.toString())).data ?? [];
      } catch {
        return []; // A piece of one.
      }
    });
const namesOf = (records: readonly Record[]): string[] =>
  [...new Set(records.map(({ vm, seq }) => `${vm} ${seq}`))].toSorted();

const isGood = (faults: readonly FaultResult[]) => faults.map(({ name, finding }) => [name, finding]);

/** What the drill must say of each. */
export const LIES: readonly (readonly [name: string, fault: string, finding: RegExp])[] = [
  [
    "nothing-lost",
    "do: ['true'], undo: ['true'], gateways: [gateway-1], expect: unrecorded, within: 1s",
    /While it held: gateway-1 does not say that it loses records/,
  ],
  [
    "not-away",
    "do: ['true'], undo: ['true'], gateways: [gateway-1], expect: grants-only, within: 1s",
    /While it held: gateway-1 lets a normal caller through all the same \(200\)/,
  ],
  [
    "not-down",
    "do: ['true'], undo: ['true'], gateways: [gateway-2], expect: unanswered, within: 1s",
    /While it held: gateway-2 was not in that state: it answered 200/,
  ],
  [
    "clock-off",
    "do: [date, -s, +1 hour], undo: [chronyc, makestep], gateways: [gateway-1], expect: allowed, within: 1s",
    /While it held: gateway-1 denies a good grant on GET api\.example\.com\/drill\/orders with expired/,
  ],
  [
    "throws-records-away",
    "do: [sh, -c, 'kill -STOP $(cat $SERVICES/glassgate-ledger.pid)'], undo: [sh, -c, ': > gateway-2/audit.log; kill -CONT $(cat $SERVICES/glassgate-ledger.pid)'], expect: allowed",
    /While it held: gateway-2 .*has no record of (?:them|it)/,
  ],
  [
    "opens",
    "do: [sh, -c, systemctl stop gateway-2 && systemctl start gateway-2-open], undo: [sh, -c, systemctl stop gateway-2-open && systemctl start gateway-2], gateways: [gateway-2], expect: allowed, within: 2m",
    /While it held: gateway-2 let a (?:forged grant|request without a credential) through on GET api\.example\.com\/drill\/orders \(200\), and has no record of it/,
  ],
];

interface Tried {
  /** Whether each fault of the page is played. */
  readonly isPage: boolean;
  /** Names of those that are another than they say. */
  readonly lies: readonly string[];
}

/** @param fleet once it has started; `drill.yaml` is what `drill init` has made of it, with its ledger */
export function tryCommands(fleet: () => FaultsFleet, drill: () => string, { isPage, lies }: Tried): void {
  /** Without what this machine does not allow. */
  const possible = (names: readonly string[]): readonly string[] =>
    names.filter(
      (name) => (fleet().hasDisks || !NEEDS_DISK.includes(name)) && (fleet().hasClock || name !== "clock-off"),
    );

  /** Plays faults of a drill file. @returns what the report says of each */
  async function play(text: string, names: readonly string[]): Promise<readonly FaultResult[]> {
    writeFileSync(join(fleet().fleet.folder, "drill.yaml"), text);
    const ran = await fleet().glassgate("drill", "run", "drill.yaml", ...names.flatMap((name) => ["--only", name]));
    const drills = join(fleet().fleet.folder, "drills");
    const last = existsSync(drills) ? readdirSync(drills).toSorted().at(-1) : undefined;
    if (last === undefined || ran.code === 2) throw new Error(ran.stderr);
    const { faults }: Report = JSON.parse(readFileSync(join(drills, last, "report.json"), "utf8"));
    expect(ran.code, ran.stderr).toBe(faults.every(({ ok }) => ok) ? 0 : 1);
    return faults;
  }

  const here = (text: string): string =>
    text
      .replaceAll("/var/log/glassgate", join(fleet().services, "log"))
      .replaceAll("/var/lib/glassgate", join(fleet().services, "data"));

  /** From now on, what the gateways, the upstream and the ledger have. */
  function outside() {
    const { services } = fleet();
    const logs = [1, 2].map((i) => new Lines(join(services, `access-${i}.log`)));
    const audits = [fleet().seen("log", "audit.log"), join(fleet().fleet.folder, "gateway-2", "audit.log")].map(
      (path) => new Lines(path),
    );
    const upstream = new Lines(join(services, "upstream.log"));
    return {
      requests: () => logs.flatMap((log) => log.take()).map((line) => access.parse(JSON.parse(line))),
      received: () => upstream.take().map((line) => received.parse(JSON.parse(line)).headers),
      records: () => recordsIn(audits.flatMap((log) => log.take())),
    };
  }

  async function entries(): Promise<Record[]> {
    const tail = [
      "ledger",
      "tail",
      join(fleet().services, "data", "ledger"),
      "--key",
      join(fleet().services, "ledger.vkey"),
    ];
    const ran = await fleet().glassgate(...tail, "--type", "record", "--lines", "100000", "--json");
    expect(ran.code, ran.stderr).toBe(0);
    return recordsIn(
      ran.stdout
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => entry.parse(JSON.parse(line)).body),
    );
  }

  /** Compares what the drill says with what was counted outside. */
  async function agree(faults: readonly FaultResult[], seen: ReturnType<typeof outside>, before: readonly Record[]) {
    const { calls, answered, letIn, judged, recorded, entered, lost } = said(faults);
    // An access log is flushed a moment later.
    await vi.waitFor(() => expect(seen.requests()).toHaveLength(calls), { timeout: 20_000 });
    const requests = seen.requests();
    expect(requests.filter(({ code }) => code > 0)).toHaveLength(answered);
    const allowed = requests.filter(({ verdict }) => verdict === "allow");
    expect(allowed).toHaveLength(letIn);
    // Whoever reached the upstream was let in by the filter, or is a normal caller whose token was judged.
    const arrived = seen.received();
    expect(arrived.filter((headers) => "x-break-glass-grant" in headers)).toHaveLength(
      allowed.filter(({ code }) => code === 200).length,
    );
    expect(arrived.filter((headers) => !("x-break-glass-grant" in headers) && !("x-jwt-payload" in headers))).toEqual(
      [],
    );
    // Each that the filter judged is named by the report, with its record, or counted as lost.
    const ids = requests.filter(({ verdict }) => typeof verdict === "string").map((one) => one.request_id);
    expect(ids).toHaveLength(judged);
    expect(faults.flatMap((one) => one.calls?.map(({ requestId }) => requestId) ?? []).toSorted()).toEqual(
      ids.toSorted(),
    );
    const known = new Set(before.map(({ vm, seq }) => `${vm} ${seq}`));
    const kept = (await entries()).filter(({ vm, seq }) => !known.has(`${vm} ${seq}`));
    const written = seen.records();
    expect(namesOf(kept)).toEqual(expect.arrayContaining(namesOf(written)));
    expect(new Set(kept.map((one) => one.request_id)).size).toBe(recorded);
    expect([entered, judged - lost]).toEqual([recorded, recorded]);
    return { kept, written };
  }

  describe.runIf(isPage)("each fault of the page", () => {
    it("opens nothing, loses nothing but what it says, and what was counted outside agrees", async () => {
      const names = possible(["ledger-down", ...COPIED_NAMES]);
      const seen = outside();
      const before = await entries();
      const faults = await play(`${drill()}${withLedgerDown(here(COPIED))}`, names);
      expect(isGood(faults)).toEqual(names.map((name) => [name, undefined]));
      for (const one of faults) expect(said([one]).lost > 0, one.seen).toBe(one.name === "audit-disk-full");
      const { kept, written } = await agree(faults, seen, before);
      expect(namesOf(kept)).toEqual(namesOf(written));
    });

    it("under an entitlement that needs receipts: nothing opens without the ledger, and nothing is lost", async () => {
      const names = possible(["ledger-down", "audit-disk-full", "ledger-disk-full"]);
      const text = drill()
        .replace('entitlement: "orders-drill"', "entitlement: stock-drill")
        .replaceAll("/drill/orders", "/drill/stock");
      const denied = here(COPIED).replace("expect: allowed", "expect: denied\n    within: 1m");
      const seen = outside();
      const before = await entries();
      const faults = await play(`${text}${withLedgerDown(denied)}`, names);
      expect(isGood(faults)).toEqual(names.map((name) => [name, undefined]));
      const { kept } = await agree(faults, seen, before);
      const audit = faults.find(({ name }) => name === "audit-disk-full");
      // What the gateway could not write waited for its receipt in the ledger.
      const opened = audit?.calls?.filter(({ status }) => status === 200) ?? [];
      const verdicts = opened.map(({ requestId }) => kept.find((one) => one.request_id === requestId)?.verdict);
      expect(verdicts).not.toContain(undefined);
      if (fleet().hasDisks) expect(opened.map(({ verdict }) => verdict)).toContain("pending");
    });
  });

  describe("a fault that is another than it says", () => {
    it("is found, and the gateway named", async () => {
      const tried = possible(lies);
      const told = LIES.filter(([name]) => lies.includes(name));
      const faults = told.map(([name, fault]) => `  - { name: ${name}, ${fault} }\n`).join("");
      const text = drill().replace("recorded: 30s", "recorded: 5s");
      const seen = outside();
      const found = await play(`${text}faults:\n${faults}`, tried);
      for (const [name, , finding] of told.filter(([one]) => tried.includes(one)))
        expect(found.find((one) => one.name === name)?.finding, name).toMatch(finding);
      expect(found).toHaveLength(tried.length);
      const open = seen
        .received()
        .filter((headers) => !("x-break-glass-grant" in headers) && !("x-jwt-payload" in headers));
      expect(open.length).toBeGreaterThan(2);
    });
  });
}
