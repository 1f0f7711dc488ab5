/** Faults that need no command of the user's: on what `gateway run --background` started here, on its files, and on the ledger beside it. */
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../base/errors.js";
import { readText, readTextIfThere } from "../../base/files.js";
import { visible } from "../../base/text.js";
import { Admin } from "../../gateway/admin.js";
import { writeEcds } from "../../gateway/ecds.js";
import { takeLock } from "../../gateway/push-lock.js";
import { readRenderedFilter } from "../../gateway/rendered.js";
import { readSurroundings } from "../../gateway/surroundings.js";
import { holderOf } from "../../ledger/log/lock.js";
import { type ProcessName, processOf } from "../../ledger/log/process.js";
import { sha256Hex } from "../../signer/sign.js";
import type { FleetGateway } from "../model.js";
import type { Prepared } from "../prepare.js";
import type { CommandEnd } from "./command.js";
import type { FaultName } from "./names.js";
import type { PlannedFault } from "./planned.js";
import { restartable, startedHere, Unfit, wordsOf } from "./started.js";
import { awaitEnd, isStill } from "./undo.js";

const WITHIN_MS = 60_000;
const done: CommandEnd = { ok: true, how: "done", output: "" };
const not = (how: string): CommandEnd => ({ ok: false, how, output: "" });

type Make = (gateway: FleetGateway, config: string, prepared: Prepared) => PlannedFault;

const restarted: Make = ({ id }, config) => {
  restartable(config);
  return {
    ...{ name: "gateway-restarted", on: [id], expect: "denied", withinMs: WITHIN_MS },
    does: `glassgate gateway stop ${visible(config)}`,
    begin: async () => {
      const { pid, args, cwd, env } = restartable(config);
      const was = processOf(pid);
      return {
        undo: { kind: "start", config, args: [...args], cwd, env: { ...env }, was },
        act: async () => {
          process.kill(pid, "SIGTERM");
          return (await awaitEnd(was)) ? done : not(`process ${pid} has not ended`);
        },
      };
    },
  };
};

const silent: Make = ({ id }, config, { source, gateways }) => {
  const { args } = startedHere(config);
  if (!args.includes("--demo-upstream")) throw new Unfit("its upstream is yours: name commands for it in the file");
  const portOf = (file: string): number | undefined => readSurroundings(readText(file, "it"), file).upstream?.port;
  const on = gateways.flatMap((one, i) => {
    const other = source.drill.gateways[i]?.config;
    return one.id === id || (other !== undefined && portOf(source.at(other)) === portOf(config)) ? [one.id] : [];
  });
  return {
    ...{ name: "upstream-silent", on, expect: "unanswered", withinMs: WITHIN_MS },
    does: `kill -STOP $(cat ${visible(config)}.pid)`,
    begin: async () => {
      const { pid } = startedHere(config);
      return {
        undo: { kind: "continue", process: processOf(pid), what: "the demo upstream" },
        act: async () => {
          process.kill(pid, "SIGSTOP");
          return done;
        },
      };
    },
  };
};

/** Updates that Envoy did not take; undefined where it does not show them. */
async function refusals(admin: string): Promise<number | undefined> {
  const stats = await new Admin(admin).stats("extension_config_discovery");
  const own = [...stats].filter(([name]) => /(?:config_fail|update_rejected|update_failure)$/.test(name));
  return own.length === 0 ? undefined : own.reduce((sum, [, value]) => sum + value, 0);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // A copy that broke off.
  }
}

/** Between pushes, as a push writes it. @returns whether that text stood there */
async function replaced(path: string, from: string, to: string): Promise<boolean> {
  const release = await takeLock(path, { isLeft: true });
  try {
    if (readTextIfThere(path, "the ECDS file") !== from) return false;
    writeEcds(path, to);
    return true;
  } finally {
    release();
  }
}

const corrupted: Make = ({ id, admin }, config) => {
  const read = (): { path: string; text: string } => {
    const { ecdsPath: path } = readRenderedFilter(readText(config, "the gateway's configuration"), config);
    const text = readTextIfThere(path, "the ECDS file");
    if (text === undefined) throw new Unfit(`its ECDS file ${visible(path)} is not here`);
    // Of two drills at once the second would put the first one's damage back, for good.
    if (!isJson(text)) throw new Unfit(`its ECDS file ${visible(path)} is damaged already`);
    return { path, text };
  };
  return {
    ...{ name: "ecds-corrupted", on: [id], expect: "allowed", withinMs: WITHIN_MS },
    does: `the second half of ${visible(read().path)} is taken away`,
    begin: async () => {
      const { path, text } = read();
      const damaged = text.slice(0, text.length / 2); // As a copy that broke off.
      return {
        undo: { kind: "restore", path: resolve(path), damaged: sha256Hex(damaged), text },
        act: async () => {
          const before = await refusals(admin);
          if (!(await replaced(path, text, damaged))) return not("somebody has written the ECDS file meanwhile");
          for (const deadline = performance.now() + WITHIN_MS; before !== undefined; await sleep(100)) {
            if (((await refusals(admin)) ?? 0) > before) break;
            if (performance.now() > deadline) return not("Envoy did not look at the file");
          }
          return done;
        },
      };
    },
  };
};

const BY_GATEWAY: Readonly<Partial<Record<FaultName, Make>>> = {
  "gateway-restarted": restarted,
  "upstream-silent": silent,
  "ecds-corrupted": corrupted,
};

/** Who writes to the drill's ledger now, where that is `glassgate` on this machine. */
async function writerOf({ source }: Prepared): Promise<{ known: ProcessName; what: string }> {
  const { ledger } = source.drill;
  if (ledger === undefined || /^[a-z][a-z0-9+.-]*:\/\//i.test(ledger.at))
    throw new Unfit("the drill file names no ledger's folder on this machine");
  const holder = await holderOf(join(source.at(ledger.at), "lock"));
  if (holder === undefined) throw new Unfit("nobody writes to the ledger now");
  const { name: what, since: _, id: __, ...known } = holder;
  if (!isStill(known) || !/ ledger (?:serve|follow) /.test(`${wordsOf(known.pid, "cmdline").join(" ")} `))
    throw new Unfit("`glassgate ledger serve` or `follow` does not run here");
  return { known, what };
}

async function ledgerDown(prepared: Prepared): Promise<PlannedFault> {
  const { known: now, what: name } = await writerOf(prepared);
  return {
    name: "ledger-down",
    on: prepared.gateways.map(({ id }) => id),
    // By the entitlement: what needs a receipt opens nothing without the ledger.
    expect: prepared.entitlement.audit === "receipt" ? "denied" : "allowed",
    withinMs: WITHIN_MS,
    does: `kill -STOP ${now.pid}   # ${visible(name)}`,
    // A fault before it may have started it anew.
    begin: async () => {
      const { known, what } = await writerOf(prepared);
      return {
        undo: { kind: "continue", process: known, what },
        act: async () => {
          process.kill(known.pid, "SIGSTOP");
          return done;
        },
      };
    },
  };
}

export interface Unplanned {
  readonly what: string;
  readonly why: string;
}

/** On each gateway where it can be made. */
export async function plannedBuiltIn(
  name: FaultName,
  prepared: Prepared,
): Promise<{ planned: readonly PlannedFault[]; not: readonly Unplanned[] }> {
  const planned: PlannedFault[] = [];
  const unplanned: Unplanned[] = [];
  const attempt = async (where: string, make: () => PlannedFault | Promise<PlannedFault>): Promise<void> => {
    try {
      planned.push(await make());
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      unplanned.push({ what: `the fault ${name}${where}`, why: messageOf(error) });
    }
  };
  const make = BY_GATEWAY[name];
  if (make === undefined) await attempt("", () => ledgerDown(prepared));
  else
    for (const [i, gateway] of prepared.gateways.entries()) {
      const config = prepared.source.drill.gateways[i]?.config;
      await attempt(` on ${gateway.id}`, () => {
        if (gateway.kong !== undefined)
          throw new Unfit("it is a Kong, which `gateway run` does not start: name commands for it in the file");
        if (config === undefined) throw new Unfit("the drill file does not name its `config`");
        return make(gateway, prepared.source.at(config), prepared);
      });
    }
  return { planned, not: unplanned };
}
