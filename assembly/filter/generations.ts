/**
 * Which generation the VMs of this process serve in each domain: the gauges `generation` and `generation_vms`, by which a push
 * knows that every thread has taken it. Counted are VMs that have said so within the last seconds.
 *
 * And which urgent revocations they hold: the gauge `revocations_applied`, a digest over signers and versions, 0 while they differ.
 *
 *   said: | generation i64 | serving since u64 ns | digest of its texts u64 |
 */
import { now } from "../host/calls";
import { MAX_DOMAINS } from "../limits";
import { writeHex, writeLiteral } from "../text/bytes";
import { Domain, domainAt } from "./domains";
import { vmNumber } from "./identity";
import { Gauge, setGauge } from "./metrics";
import { createRegistry, isWoundUp, listen, SAID_BYTES, saidBy, say, sayers, withdraw } from "./registry";

/** More than the threads that one recount can be overtaken by. */
const MAX_RECOUNTS: i32 = 64;

const key: usize = memory.data(96, 16);
let keyLen: i32 = 0;
const said: usize = memory.data(24, 8); // SAID_BYTES

function chooseKey(domain: Domain): void {
  keyLen = writeLiteral(key, "glassgate.generations.");
  keyLen += writeHex(key + keyLen, domain.id, 32);
}

function tell(domain: Domain, time: u64, isNew: bool): bool {
  memory.fill(said, 0, SAID_BYTES);
  store<i64>(said, domain.generation);
  store<u64>(said, domain.servesSince, 8);
  store<u64>(said, domain.textsDigest, 16);
  return say(key, keyLen, vmNumber(), time, said, isNew);
}

/** The generation that a VM has begun to serve last; of two in one instant the larger. */
function newestGeneration(): i64 {
  let newest: i64 = 0;
  let since: u64 = 0;
  for (let i = 0; i < sayers(); i++) {
    const generation = load<i64>(saidBy(i));
    const began = load<u64>(saidBy(i), 8);
    if (began < since || (began == since && generation <= newest)) continue;
    newest = generation;
    since = began;
  }
  return newest;
}

function countServing(generation: i64): i32 {
  let serving = 0;
  for (let i = 0; i < sayers(); i++) if (load<i64>(saidBy(i)) == generation) serving += 1;
  return serving;
}

/** What all VMs say of their texts; 0 where they differ, or where one lacks some. */
function agreedDigest(): u64 {
  let agreed: u64 = sayers() == 0 ? 0 : load<u64>(saidBy(0), 16);
  for (let i = 1; i < sayers(); i++) if (load<u64>(saidBy(i), 16) != agreed) agreed = 0;
  return agreed;
}

/**
 * Threads configure side by side, so the last to tell may have counted before another came. Each looks again after it told: then
 * whoever tells last has counted all.
 */
function publish(domain: Domain, time: u64): void {
  let told = -1;
  let toldGeneration: i64 = -1;
  let toldDigest: u64 = 0;
  for (let i = 0; i < MAX_RECOUNTS; i++) {
    const generation = newestGeneration();
    const serving = countServing(generation);
    const digest = agreedDigest();
    if (serving == told && generation == toldGeneration && digest == toldDigest) return;
    setGauge(Gauge.RevocationsApplied, domain.id, digest);
    setGauge(Gauge.Generation, domain.id, generation);
    setGauge(Gauge.GenerationVms, domain.id, serving);
    told = serving;
    toldGeneration = generation;
    toldDigest = digest;
    if (!listen(key, keyLen, time)) return;
  }
}

/** On the canary, so before any thread that serves: two that create it side by side would wipe out each other's line. */
export function prepareServing(domain: Domain): void {
  chooseKey(domain);
  createRegistry(key, keyLen);
}

/** This VM serves that generation from now on. */
export function serve(domain: Domain, generation: i64, time: u64): void {
  domain.generation = generation;
  domain.servesSince = max<u64>(1, time);
  domain.timesGivenUp = 0;
  prepareServing(domain);
  if (tell(domain, time, true)) publish(domain, time);
}

/** Says again what this VM serves. @param isAwake false after a time without ticks: then the others may only seem silent */
export function serveOn(time: u64, isAwake: bool): void {
  for (let i = 0; i < MAX_DOMAINS; i++) {
    const domain = domainAt(i);
    if (domain.contexts == 0 || domain.servesSince == 0) continue;
    chooseKey(domain);
    if (!tell(domain, time, false)) continue;
    if (isWoundUp()) domain.noteGivenUp();
    else {
      domain.timesGivenUp = 0;
      if (isAwake) publish(domain, time);
    }
  }
}

/** Before the domain's last root context goes. */
export function stopServing(domain: Domain): void {
  if (domain.contexts != 1 || domain.servesSince == 0) return;
  chooseKey(domain);
  withdraw(key, keyLen, vmNumber(), now());
}
