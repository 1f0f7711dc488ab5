/** Who counts as one network, and for how long it is busy. test/verdicts/busy.test.ts has it from outside. */
import { isBusy, keyOf, networkOf, noteFailure, WINDOW } from "../../../assembly/filter/failures";
import { bytesOf, lengthOf } from "../bytes";

const MAX_FAILED: i32 = 32;
/** 256 sets of 16. */
const PLACES: i32 = 4096;
const NOW: i64 = 1795519995;

function networkAt(source: string): u64 {
  return networkOf(bytesOf(source), lengthOf(source));
}

/** A network that has not failed before. */
let last: u64 = 0;
function fresh(): u64 {
  last += 1;
  return networkAt(`10.${last >> 8}.${last & 255}.1`);
}

describe("a network", () => {
  it("of IPv4 is a /24, with or without a port", () => {
    const network = networkAt("192.0.2.1:4711");
    const same = ["192.0.2.1", "192.0.2.0:1", "192.0.2.255:65535"];
    for (let i = 0; i < same.length; i++) expect(networkAt(same[i])).toBe(network, same[i]);
    const others = ["192.0.3.1", "192.0.1.1", "192.1.2.1", "193.0.2.1", "64.0.2.1", "2.0.192.1"];
    for (let i = 0; i < others.length; i++) expect(networkAt(others[i])).not.toBe(network, others[i]);
  });
  it("of IPv4 in IPv6 is the same /24, however it is written", () => {
    const same = ["[::ffff:192.0.2.1]:5", "::ffff:192.0.2.9", "::FFFF:c000:0201", "[0:0:0:0:0:ffff:c000:2ff]:5"];
    for (let i = 0; i < same.length; i++) expect(networkAt(same[i])).toBe(networkAt("192.0.2.1"), same[i]);
    const others = ["::192.0.2.1", "::fffe:192.0.2.1", "::1:ffff:192.0.2.1", "2001:db8::ffff:192.0.2.1"];
    for (let i = 0; i < others.length; i++) expect(networkAt(others[i])).not.toBe(networkAt("192.0.2.1"), others[i]);
  });
  it("of IPv6 is a /56", () => {
    const network = networkAt("[2001:db8:1:ff00::1]:5");
    const same = ["2001:db8:1:ffff:ffff:ffff:ffff:ffff", "2001:db8:1:ff80::"];
    for (let i = 0; i < same.length; i++) expect(networkAt(same[i])).toBe(network, same[i]);
    const others = ["2001:db8:1:fe00::1", "2001:db8:1:7f00::1", "2001:db8:0:ff00::1", "a001:db8:1:ff00::1"];
    for (let i = 0; i < others.length; i++) expect(networkAt(others[i])).not.toBe(network, others[i]);
  });
  it("is 0 only for what is no address", () => {
    const addresses = ["0.0.0.0", "::", "::ffff:0.0.0.0", "[::1]:1", "127.0.0.1:1"];
    for (let i = 0; i < addresses.length; i++) expect(networkAt(addresses[i])).not.toBe(0, addresses[i]);
    const none = ["", "a", "/run/gateway.sock", "@abstract", "192.0.2", "192.0.2.256:1", "[2001:db8::", "localhost:80"];
    for (let i = 0; i < none.length; i++) expect(networkAt(none[i])).toBe(0, none[i]);
    // The network of ::/56 and the one of 0.0.0.0/24 are two.
    expect(networkAt("::")).not.toBe(networkAt("0.0.0.0"));
  });
});

describe("a requester's key", () => {
  it("counts apart from every network and from every other key", () => {
    const key = keyOf(bytesOf("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"), 43);
    for (let i = 0; i < MAX_FAILED; i++) noteFailure(key, NOW);
    expect(isBusy(key, NOW)).toBe(true);
    expect(isBusy(keyOf(bytesOf("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xt"), 43), NOW)).toBe(false);
    expect(isBusy(keyOf(bytesOf("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9X"), 42), NOW)).toBe(false);
    expect(keyOf(bytesOf(""), 0)).not.toBe(0);
  });
});

describe("a network is busy", () => {
  it("from its 32nd failure on, until ten seconds after its first", () => {
    const network = fresh();
    for (let i = 0; i < MAX_FAILED; i++) {
      expect(isBusy(network, NOW)).toBe(false);
      noteFailure(network, NOW);
    }
    expect(isBusy(network, NOW)).toBe(true);
    expect(isBusy(network, NOW + WINDOW - 1)).toBe(true);
    expect(isBusy(network, NOW + WINDOW)).toBe(false);
    // Then it begins anew.
    noteFailure(network, NOW + WINDOW);
    expect(isBusy(network, NOW + WINDOW)).toBe(false);
  });
  it("not for failures of another window", () => {
    const network = fresh();
    for (let i = 0; i < 4 * MAX_FAILED; i++) {
      noteFailure(network, NOW + i);
      expect(isBusy(network, NOW + i)).toBe(false);
    }
  });
  it("not for ever when the clock goes back", () => {
    const network = fresh();
    for (let i = 0; i < MAX_FAILED; i++) noteFailure(network, NOW);
    expect(isBusy(network, NOW - 1)).toBe(false);
    noteFailure(network, NOW - 1);
    expect(isBusy(network, NOW)).toBe(false);
  });
  it("never, when nobody knows which it is", () => {
    for (let i = 0; i < 2 * MAX_FAILED; i++) noteFailure(0, NOW);
    expect(isBusy(0, NOW)).toBe(false);
  });
  it("under more networks than there is room for: what is over the limit stays, whatever else fails", () => {
    const later = NOW + 100 * WINDOW;
    const full: u64[] = [];
    for (let i = 0; i < 2 * PLACES; i++) {
      const network = fresh();
      for (let j = 0; j < MAX_FAILED; j++) noteFailure(network, later);
      if (isBusy(network, later)) full.push(network);
    }
    // Every place is taken by one of those that came first.
    expect(full.length).toBe(PLACES);
    for (let i = 0; i < PLACES; i++) {
      const network = fresh();
      noteFailure(network, later + WINDOW - 1);
      expect(isBusy(network, later + WINDOW - 1)).toBe(false);
    }
    let forgotten = 0;
    for (let i = 0; i < full.length; i++) if (!isBusy(full[i], later + WINDOW - 1)) forgotten += 1;
    expect(forgotten).toBe(0);
    // With the end of their windows there is room again.
    const network = fresh();
    for (let j = 0; j < MAX_FAILED; j++) noteFailure(network, later + WINDOW);
    expect(isBusy(network, later + WINDOW)).toBe(true);
  });
  it("among hundreds that fail alike, each of them", () => {
    const later = NOW + 200 * WINDOW;
    const first = last + 1;
    for (let j = 0; j < MAX_FAILED; j++) {
      last = first - 1;
      for (let i = 0; i < 600; i++) noteFailure(fresh(), later);
    }
    last = first - 1;
    for (let i = 0; i < 600; i++) expect(isBusy(fresh(), later)).toBe(true);
  });
  it("also where their numbers are alike: none is driven out by those that end in the same bits", () => {
    const later = NOW + 300 * WINDOW;
    for (let j = 0; j < MAX_FAILED; j++) for (let i = 0; i < 64; i++) noteFailure(networkAt(`172.${i}.7.1`), later);
    for (let i = 0; i < 64; i++) expect(isBusy(networkAt(`172.${i}.7.1`), later)).toBe(true);
  });
  it("still, after so many others have failed less often that there was no room for all", () => {
    const network = fresh();
    for (let i = 0; i < MAX_FAILED; i++) noteFailure(network, NOW);
    for (let i = 0; i < 5000; i++) {
      const other = fresh();
      noteFailure(other, NOW);
      if (isBusy(other, NOW)) expect(i).toBe(-1, "a network that failed once is busy");
    }
    expect(isBusy(network, NOW)).toBe(true);
  });
});
