/**
 * How full the VMs are, told before anything must be refused: gauges with the fullest VM's numbers, and one line in the log
 * when this VM comes to three quarters of what it can hold, and when it has refused something.
 *
 *   said: | contexts i32 | domains i32 | streams i32 | KiB of configurations i32 | KiB of tables i32 | open grants i32 |
 */
import { memoryLimit, memoryUsed, Purpose } from "../heap";
import { ascii } from "../host/ascii";
import { LogLevel, log, now } from "../host/calls";
import { MAX_CONTEXTS, MAX_DOMAINS, MAX_OPEN_GRANTS, MAX_STREAMS } from "../limits";
import { Writer } from "../text/writer";
import { contextCount } from "./contexts";
import { domainCount } from "./domains";
import { vmNumber } from "./identity";
import { LOADS, Load, refusedCount, setLoad } from "./metrics";
import { openGrantCount } from "./opengrants";
import { createRegistry, isWoundUp, SAID_BYTES, saidBy, say, sayers, withdraw } from "./registry";
import { streamCount } from "./streams";

const KEY = ascii("glassgate.load");
const said: usize = memory.data(24, 8); // SAID_BYTES
const line: usize = memory.data(256, 16);
const writer = new Writer();
/** A bit for each load that was warned of. It is set back below half. */
let warned: i32 = 0;
let refusalsTold: i32 = 0;

function own(which: i32): i32 {
  switch (which) {
    case Load.Contexts:
      return contextCount();
    case Load.Domains:
      return domainCount();
    case Load.Streams:
      return streamCount();
    case Load.ConfigurationKib:
      return memoryUsed(Purpose.Configurations) >> 10;
    case Load.OpenGrants:
      return openGrantCount();
    default:
      return memoryUsed(Purpose.Tables) >> 10;
  }
}

function limitOf(which: i32): i32 {
  switch (which) {
    case Load.Contexts:
      return MAX_CONTEXTS;
    case Load.Domains:
      return MAX_DOMAINS;
    case Load.Streams:
      return MAX_STREAMS;
    case Load.ConfigurationKib:
      return memoryLimit(Purpose.Configurations) >> 10;
    case Load.OpenGrants:
      return MAX_OPEN_GRANTS;
    default:
      return memoryLimit(Purpose.Tables) >> 10;
  }
}

function nameOf(which: i32): string {
  switch (which) {
    case Load.Contexts:
      return " configurations side by side, those with streams still open included";
    case Load.Domains:
      return " pairs of audience and roots";
    case Load.Streams:
      return " streams";
    case Load.OpenGrants:
      return " grants with a stream open";
    default:
      return " KiB of settings and bundles";
  }
}

function warnOnce(which: i32): void {
  // Tables fill what they may, and then the keys in use share it.
  if (which == Load.TableKib) return;
  const bit = 1 << which;
  const count = own(which);
  const limit = limitOf(which);
  if (count < limit / 2) warned &= ~bit;
  if (count < limit - limit / 4 || (warned & bit) != 0) return;
  warned |= bit;
  writer.open(line, 256);
  writer.literal("glassgate: this VM holds ");
  writer.integer(count);
  writer.literal(" of at most ");
  writer.integer(limit);
  writer.literal(nameOf(which));
  log(LogLevel.Warn, line, writer.length);
}

function tellRefusals(): void {
  const count = refusedCount();
  if (count == refusalsTold) return;
  refusalsTold = count;
  writer.open(line, 256);
  writer.literal("glassgate: this VM had no room, or no use, for ");
  writer.integer(count);
  writer.literal(" streams or configurations so far: grants there are denied with no_trust");
  log(LogLevel.Error, line, writer.length);
}

/** The most that any VM says. */
function largest(which: i32): i32 {
  let most = 0;
  for (let i = 0; i < sayers(); i++) most = max(most, load<i32>(saidBy(i) + ((<usize>which) << 2)));
  return most;
}

/** Warns where this VM is nearly full. Cheap: also with each configuration, as the next may be the one too many. */
function warnOfLoad(): void {
  for (let which = 0; which < LOADS; which++) warnOnce(which);
  tellRefusals();
}

/** On the canary, as for generations.ts. */
export function prepareTelling(): void {
  createRegistry(KEY.ptr, KEY.len);
}

/** Tells the others and the gateway. @param isAwake as for `serveOn` @param isNew as for `say` */
export function tellLoad(time: u64, isAwake: bool, isNew: bool): void {
  warnOfLoad();
  memory.fill(said, 0, SAID_BYTES);
  for (let which = 0; which < LOADS; which++) store<i32>(said + ((<usize>which) << 2), own(which));
  if (isNew) prepareTelling();
  if (!say(KEY.ptr, KEY.len, vmNumber(), time, said, isNew) || !isAwake || isWoundUp()) return;
  for (let which = 0; which < LOADS; which++) setLoad(which, largest(which));
}

/** Before this VM's last root context goes. */
export function stopTelling(): void {
  if (contextCount() == 1) withdraw(KEY.ptr, KEY.len, vmNumber(), now());
}
