/**
 * Which denials are recorded: as many a second as a reader can make use of, however many there are. Whoever has no key of the
 * roster shares one allowance with all others of that kind; whoever has one has his own, and cannot use up another's.
 * What was let in is always recorded.
 */
import { Verdict } from "../decide/verdict.gen";
import { MAX_PROVEN_RECORDS, MAX_UNPROVEN_RECORDS } from "../limits";
import { keyOf } from "./failures";
import { Judgement } from "./judgement";

/**
 * Room for 1,024 keys in one second. Where one stands depends on the VM's secret. Of 200 that are denied in one second, more than
 * 16 meet in one set once in 400,000 times; then one of them is counted anew, and more of it is recorded.
 */
const SETS: u64 = 64;
const WAYS: usize = 16;
/** | key u64 | verdicts recorded, a bit each u64 | the second i64 | recorded u32 | */
const PLACE_BYTES: usize = 32;
const places: usize = memory.data(32768, 8); // SETS x WAYS x PLACE_BYTES

let second: i64 = 0;
let unprovenThisSecond: i32 = 0;

function mayRecordUnproven(now: i64): bool {
  if (now != second) {
    second = now;
    unprovenThisSecond = 0;
  }
  unprovenThisSecond += 1;
  return unprovenThisSecond <= MAX_UNPROVEN_RECORDS;
}

/** The key's place, as of that second. Where its set is full, the one with the fewest records makes room. */
function placeOf(key: u64, now: i64): usize {
  const set = places + <usize>(key % SETS) * WAYS * PLACE_BYTES;
  let chosen = set;
  let fewest: u32 = 0xffffffff;
  for (let way: usize = 0; way < WAYS; way++) {
    const place = set + way * PLACE_BYTES;
    const isOpen = load<i64>(place, 16) == now;
    if (isOpen && load<u64>(place) == key) return place;
    const recorded: u32 = isOpen ? load<u32>(place, 24) : 0;
    if (recorded >= fewest) continue;
    fewest = recorded;
    chosen = place;
  }
  store<u64>(chosen, key);
  store<u64>(chosen, 0, 8);
  store<i64>(chosen, now, 16);
  store<u32>(chosen, 0, 24);
  return chosen;
}

/** Whether a denial of that key with that verdict is one of those that are recorded in this second. */
export function mayRecordProven(key: u64, verdict: i32, now: i64): bool {
  const place = placeOf(key, now);
  const kind = (<u64>1) << (verdict & 63);
  const kinds = load<u64>(place, 8);
  const recorded = load<u32>(place, 24);
  if (recorded >= <u32>MAX_PROVEN_RECORDS && (kinds & kind) != 0) return false;
  store<u64>(place, kinds | kind, 8);
  store<u32>(place, recorded + 1, 24);
  return true;
}

/** Whether the decision gets a record. One that gets none is counted by the caller. */
export function mayRecord(judgement: Judgement): bool {
  const decision = judgement.decision;
  if (decision.verdict == Verdict.Allow) return true;
  const now = judgement.nowSeconds;
  if (!decision.isProven) return mayRecordUnproven(now);
  const kid = judgement.grant.request.kid;
  return mayRecordProven(keyOf(kid.ptr, kid.len), decision.verdict, now);
}
