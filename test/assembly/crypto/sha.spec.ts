/** Known answers: the examples that NIST publishes for FIPS 180-4. test/crypto/hashes.test.ts has every length. */
import { Sha256, sha256 } from "../../../assembly/crypto/sha256";
import { Sha512, sha512 } from "../../../assembly/crypto/sha512";
import { writeHex } from "../../../assembly/text/bytes";
import { bytesOf, lengthOf, stringOf } from "../bytes";

const TWO_BLOCKS_OF_256 = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
const TWO_BLOCKS_OF_512 =
  "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

const hash = heap.alloc(64);
const hex = heap.alloc(128);

function shown(len: i32): string {
  return stringOf(hex, writeHex(hex, hash, len));
}

function of256(text: string): string {
  sha256(bytesOf(text), lengthOf(text), hash);
  return shown(32);
}

function of512(text: string): string {
  sha512(bytesOf(text), lengthOf(text), hash);
  return shown(64);
}

describe("SHA-256", () => {
  it("of nothing, of one block, of two", () => {
    expect(of256("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(of256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(of256(TWO_BLOCKS_OF_256)).toBe("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect(of256(TWO_BLOCKS_OF_512)).toBe("cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  });
  it("of a million a, a thousand at a time", () => {
    const running = new Sha256();
    const part = bytesOf("a".repeat(1000));
    running.reset();
    for (let i = 0; i < 1000; i++) running.update(part, 1000);
    running.finish(hash);
    expect(shown(32)).toBe("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  });
  it("of what came so far, at every length, and goes on", () => {
    const running = new Sha256();
    const part = bytesOf("b".repeat(200));
    const whole = heap.alloc(32);
    sha256(part, 200, whole);
    for (let i = 0; i <= 200; i++) {
      running.reset();
      running.update(part, i);
      running.peek(hash);
      const sofar = shown(32);
      sha256(part, i, hash);
      expect(sofar).toBe(shown(32));
      running.update(part + i, 200 - i);
      running.finish(hash);
      expect(memory.compare(hash, whole, 32)).toBe(0);
    }
  });
});

describe("SHA-512", () => {
  it("of nothing, of one block, of two", () => {
    expect(of512("")).toBe(
      "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" +
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    );
    expect(of512("abc")).toBe(
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    );
    expect(of512(TWO_BLOCKS_OF_512)).toBe(
      "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018" +
        "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
    );
  });
  it("of a million a, a thousand at a time", () => {
    const running = new Sha512();
    const part = bytesOf("a".repeat(1000));
    running.reset();
    for (let i = 0; i < 1000; i++) running.update(part, 1000);
    running.finish(hash);
    expect(shown(64)).toBe(
      "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb" +
        "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
    );
  });
});
