/** Who this VM is: unique for ever, so that a record's chain belongs to one VM's life. */
import { getProperty, getRandom, now, Slice, Status } from "../host/calls";
import { HAS_SHARED_DATA } from "../host/gateway";
import { Writer } from "../text/writer";
import { NODE_ID } from "./names";
import { createShared, nextVmNumber } from "./shared";

let number: u64 = 0;
let startedAt: u64 = 0;
/** `"<node id>/<start in ns>/<number>"`, a JSON string. */
const text: usize = memory.data(1024, 16); // 128 x 6 and 42

let textLen: i32 = 0;
const node = new Slice();
const writer = new Writer();

/** `on_vm_start`, which Envoy calls for each new root context: true the first time in this VM. */
export function startVm(): bool {
  if (startedAt != 0) return false;
  createShared();
  startedAt = max<u64>(1, now());
  number = nextVmNumber();
  // Without shared data nobody hands out numbers; two VMs with one would each strike out the other's line (registry.ts).
  if (number == 0) number = HAS_SHARED_DATA ? startedAt : drawNumber();
  return true;
}

/** A number that hardly any other VM has, of 48 bits: where time is told in milliseconds, workers begin at the same one. */
function drawNumber(): u64 {
  // Nothing stands there yet.
  return getRandom(text, 8) ? max<u64>(1, load<u64>(text) >> 16) : startedAt;
}

/** This VM's number in its process. */
export function vmNumber(): u64 {
  return number;
}

/** Writes what no other VM of this gateway has: `<start in ns>/<number>`, the end of the identity. */
export function writeNumbers(to: Writer): void {
  to.integer(<i64>startedAt);
  to.byte(0x2f);
  to.integer(<i64>number);
}

/** Writes the identity as a JSON string. The node's id is asked for at the first record: at start not every host has it. */
export function writeIdentity(to: Writer): void {
  if (textLen == 0) {
    if (getProperty(NODE_ID, node) != Status.Ok || node.len == 0) node.clear();
    writer.open(text, 1024);
    if (node.len > 0) writer.string(node.ptr, min(node.len, 128));
    else writer.literal('"unknown"');
    writer.length -= 1; // It goes on.
    writer.byte(0x2f);
    writeNumbers(writer);
    writer.byte(0x22);
    textLen = writer.length;
  }
  to.bytes(text, textLen);
}
