import { isV4, parseAddress } from "../../../assembly/text/address";
import { writeHex, writeLiteral } from "../../../assembly/text/bytes";

const text = heap.alloc(128);
const address = heap.alloc(16);
const hex = heap.alloc(64);

/** The parsed address in hex, or "" when it is none. */
function parsed(source: string): string {
  if (!parseAddress(text, writeLiteral(text, source), address)) return "";
  writeHex(hex, address, 16);
  return String.UTF8.decodeUnsafe(hex, 32);
}

describe("addresses", () => {
  it("of IPv4, with or without a port", () => {
    expect(parsed("192.0.2.1")).toBe("00000000000000000000ffffc0000201");
    expect(parsed("192.0.2.255:65535")).toBe("00000000000000000000ffffc00002ff");
    expect(isV4(address)).toBe(true);
  });
  it("of IPv6", () => {
    expect(parsed("[2001:db8::1]:443")).toBe("20010db8000000000000000000000001");
    expect(isV4(address)).toBe(false);
    expect(parsed("2001:db8::1")).toBe("20010db8000000000000000000000001");
    expect(parsed("::")).toBe("00000000000000000000000000000000");
    expect(parsed("::1")).toBe("00000000000000000000000000000001");
    expect(parsed("1::")).toBe("00010000000000000000000000000000");
    expect(parsed("1:2:3:4:5:6:7:8")).toBe("00010002000300040005000600070008");
    expect(parsed("fe80::a:b:c")).toBe("fe80000000000000" + "0000000a000b000c");
    expect(parsed("[::ffff:192.0.2.1]:9")).toBe("00000000000000000000ffffc0000201");
    expect(isV4(address)).toBe(true);
  });
  it("of an interface's own network, without the zone", () => {
    expect(parsed("[fe80::1%2]:443")).toBe("fe800000000000000000000000000001");
    expect(parsed("fe80::1%eth0.5")).toBe("fe800000000000000000000000000001");
  });
  it("nothing else, and nothing traps", () => {
    const bad = [
      "",
      "1",
      ":",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.256",
      "01.2.3.4",
      "1..2.3",
      "a.b.c.d",
      "/run/sock",
      "[",
      "[]",
      "[::1",
      ":1",
      "1:",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "12345::",
      "g::1",
      "::1.2.3",
      "1:2:3:4:5:6:7:1.2.3.4",
      "1:2:3:4:5:6:7:8::",
      ":::",
      "[1.2.3.4]:5",
      "1.2.3.4%1",
      "[%1]:5",
      "[fe80::1%2",
    ];
    for (let i = 0; i < bad.length; i++) expect(parsed(bad[i])).toBe("", bad[i]);
  });
});
