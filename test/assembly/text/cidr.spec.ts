import { parseAddress } from "../../../assembly/text/address";
import { Network, readNetwork } from "../../../assembly/text/cidr";
import { bytesOf, lengthOf } from "../bytes";

const address = memory.data(16, 8);

function isNetwork(text: string): bool {
  return readNetwork(bytesOf(text), lengthOf(text), new Network());
}

function covers(block: string, client: string): bool {
  const network = new Network();
  expect(readNetwork(bytesOf(block), lengthOf(block), network)).toBe(true, block);
  expect(parseAddress(bytesOf(client), lengthOf(client), address)).toBe(true, client);
  return network.covers(address);
}

function allAre(good: bool, blocks: string[]): void {
  for (let i = 0; i < blocks.length; i++) expect(isNetwork(blocks[i])).toBe(good, blocks[i]);
}

describe("a network", () => {
  it("has one spelling of IPv4", () => {
    allAre(true, ["0.0.0.0/0", "10.0.0.0/8", "192.0.2.0/24", "192.0.2.1/32", "255.255.255.255/32", "128.0.0.0/1"]);
    allAre(false, ["", "/", "/8", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/-0"]);
    allAre(false, ["10/8", "10.0.0/8", "010.0.0.0/8", "10.0.0.256/32", "10.0.0.0.0/8", "10.0.0.0/8/8", "10.0.0.0/8 "]);
    allAre(false, [
      " 10.0.0.0/8",
      "0x0a.0.0.0/8",
      "10.0.0.0:80/8",
      "10.0.0.0/255.0.0.0",
      "10.0.0.0/1000",
      "a/8",
      "10.0.0.0/8x",
    ]);
  });
  it("has no host bits", () => {
    allAre(false, ["10.0.0.1/8", "192.0.2.1/31", "255.0.0.0/0", "128.0.0.0/0", "10.128.0.0/8", "192.0.2.128/24"]);
    allAre(true, ["10.128.0.0/9", "192.0.2.128/25", "192.0.2.2/31"]);
    allAre(false, ["2001:db8::1/127", "2001:db8::1/64", "8000::/0", "2001:db9::/31", "1:0:0:1::/63", "::1/127"]);
    allAre(true, ["2001:db8::1/128", "2001:db8::/31", "1:0:0:1::/64", "1:0:0:1:8000::/65", "1:0:0:2::/63"]);
  });
  it("has the spelling of RFC 5952 for IPv6", () => {
    allAre(true, ["::/0", "::1/128", "2001:db8::/32", "fe80::/10", "2001:db8:0:1:1:1:1:1/128", "1:2:3:4:5:6:7:8/128"]);
    allAre(true, [
      "2001:0:0:1::/64",
      "2001:db8::1:0:0:1/128",
      "1:0:0:2::3/128",
      "::2:0:0:0/80",
      "0:1::/32",
      "1:0:1::/48",
    ]);
    allAre(false, [
      "2001:DB8::/32",
      "2001:0db8::/32",
      "2001:db8:0:0::/64",
      "0:0:0:0:0:0:0:0/0",
      "2001:db8:::/32",
      ":/0",
    ]);
    allAre(false, ["2001:db8::1:1:1:1:1/128", "1:0:0:2:0:0:0:3/128", "2001:db8:0:0:1::1/128", "1::2::3/128", "::00/0"]);
    allAre(false, ["[::]/0", "::%1/128", "fe80::%eth0/64", "1:2:3:4:5:6:7/112", "1:2:3:4:5:6:7:8:9/128", "::g/128"]);
    allAre(false, ["::/129", "::/00", "::/", "::", "12345::/16", "1:2:3:4:5:6:7::/112", "0::/0"]);
  });
  it("is no IPv4 inside IPv6", () => {
    allAre(false, [
      "::ffff:10.0.0.0/104",
      "::ffff:a00:0/104",
      "::ffff:0:0/96",
      "::10.0.0.0/104",
      "64:ff9b::10.0.0.0/96",
    ]);
    allAre(true, ["64:ff9b::/96", "::a00:0/104", "::fffe:0:0/95"]);
  });
  it("covers its addresses, from the first to the last", () => {
    expect(covers("192.0.2.0/24", "192.0.2.0:1")).toBe(true);
    expect(covers("192.0.2.0/24", "192.0.2.255")).toBe(true);
    expect(covers("192.0.2.0/24", "192.0.1.255")).toBe(false);
    expect(covers("192.0.2.0/24", "192.0.3.0:1")).toBe(false);
    expect(covers("192.0.2.7/32", "192.0.2.7:1")).toBe(true);
    expect(covers("192.0.2.7/32", "192.0.2.6:1")).toBe(false);
    expect(covers("128.0.0.0/1", "128.0.0.0:1")).toBe(true);
    expect(covers("128.0.0.0/1", "127.255.255.255:1")).toBe(false);
    expect(covers("2001:db8::/33", "[2001:db8:7fff:ffff::1]:1")).toBe(true);
    expect(covers("2001:db8::/33", "[2001:db8:8000::]:1")).toBe(false);
    expect(covers("2001:db8::/64", "[2001:db8::ffff:0:0:1]:1")).toBe(true);
    expect(covers("2001:db8::/64", "[2001:db8:0:1::]:1")).toBe(false);
    expect(covers("2001:db8::/65", "[2001:db8::8000:0:0:0]:1")).toBe(false);
    expect(covers("2001:db8::8/128", "[2001:db8::8]:1")).toBe(true);
    expect(covers("2001:db8::8/128", "[2001:db8::9]:1")).toBe(false);
  });
  it("covers its own family only, and an IPv4-mapped client is IPv4", () => {
    expect(covers("0.0.0.0/0", "255.1.2.3:1")).toBe(true);
    expect(covers("0.0.0.0/0", "[::1]:1")).toBe(false);
    expect(covers("0.0.0.0/0", "[::ffff:10.0.0.1]:1")).toBe(true);
    expect(covers("10.0.0.0/8", "[::ffff:a00:1]:1")).toBe(true);
    expect(covers("10.0.0.0/8", "[::a00:1]:1")).toBe(false);
    expect(covers("::/0", "[::]:1")).toBe(true);
    expect(covers("::/0", "[ffff::]:1")).toBe(true);
    expect(covers("::/0", "10.0.0.1:1")).toBe(false);
    expect(covers("::/0", "[::ffff:10.0.0.1]:1")).toBe(false);
    expect(covers("::fffe:0:0/95", "10.0.0.1:1")).toBe(false);
    expect(covers("::fffe:0:0/95", "[::fffe:1:2]:1")).toBe(true);
  });
});
