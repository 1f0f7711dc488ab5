/**
 * A log's files, made by hand after C2SP tlog-tiles and RFC 6962, with none of the product's code: what it says of a log is held
 * against a second hand's. Small, and for test sizes only.
 */
import { createHash, createPrivateKey, type KeyObject, sign } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const sha256 = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export const leaf = (entry: Uint8Array): Buffer => sha256(Buffer.of(0), entry);

/** RFC 6962, section 2.1, as it stands there. */
export function treeHash(hashes: readonly Buffer[]): Buffer {
  if (hashes.length === 0) return sha256(Buffer.alloc(0));
  if (hashes.length === 1) return Buffer.from(hashes[0] ?? "");
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  return sha256(Buffer.of(1), treeHash(hashes.slice(0, k)), treeHash(hashes.slice(k)));
}

export interface TestKey {
  readonly name: string;
  readonly vkey: string;
  readonly private: KeyObject;
}

/** A key from a seed byte: the same in every run. */
export function testKey(name: string, seed = 7): TestKey {
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, seed)]);
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const { x = "" } = key.export({ format: "jwk" });
  const typed = Buffer.concat([Buffer.of(1), Buffer.from(x, "base64url")]);
  const id = sha256(Buffer.from(`${name}\n`), typed).subarray(0, 4);
  return { name, vkey: `${name}+${id.toString("hex")}+${typed.toString("base64")}`, private: key };
}

export function signNote(text: string, key: TestKey): string {
  const id = Buffer.from(key.vkey.split("+")[1] ?? "", "hex");
  const signature = Buffer.concat([id, sign(null, Buffer.from(text), key.private)]);
  return `${text}\n\u2014 ${key.name} ${signature.toString("base64")}\n`;
}

export const checkpointOf = (entries: readonly Buffer[], key: TestKey, origin = key.name): string =>
  signNote(`${origin}\n${entries.length}\n${treeHash(entries.map(leaf)).toString("base64")}\n`, key);

/** C2SP tlog-cosignature: the witness's verifier key. */
export function witnessKey({ name, vkey }: TestKey): string {
  const typed = Buffer.concat([Buffer.of(4), Buffer.from(vkey.split("+").slice(2).join("+"), "base64").subarray(1)]);
  const id = sha256(Buffer.from(`${name}\n`), typed).subarray(0, 4);
  return `${name}+${id.toString("hex")}+${typed.toString("base64")}`;
}

/** The checkpoint with a witness's cosignature under it. */
export function cosign(note: string, witness: TestKey, time: number): string {
  const text = note.slice(0, note.indexOf("\n\n") + 1);
  const id = Buffer.from(witnessKey(witness).split("+")[1] ?? "", "hex");
  const stamp = Buffer.alloc(8);
  stamp.writeBigUInt64BE(BigInt(time));
  const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${time}\n${text}`), witness.private);
  return `${note}\u2014 ${witness.name} ${Buffer.concat([id, stamp, signature]).toString("base64")}\n`;
}

const place = (n: number): string => {
  const digits = String(n).padStart(Math.ceil(String(n).length / 3) * 3, "0");
  const groups = digits.match(/.../g) ?? [];
  return groups.map((group, i) => (i + 1 < groups.length ? `x${group}` : group)).join("/");
};

export const partial = (width: number): string => (width === 256 ? "" : `.p/${width}`);

export function bundleOf(entries: readonly Buffer[]): Buffer {
  return Buffer.concat(
    entries.flatMap((entry) => [Buffer.of(Math.floor(entry.length / 256), entry.length % 256), entry]),
  );
}

/** Path in the log -> bytes, of exactly this size. */
export function filesOf(entries: readonly Buffer[], key: TestKey): Map<string, Buffer> {
  const files = new Map<string, Buffer>([["checkpoint", Buffer.from(checkpointOf(entries, key))]]);
  for (let i = 0; i < entries.length; i += 256) {
    const some = entries.slice(i, i + 256);
    files.set(`tile/entries/${place(i / 256)}${partial(some.length)}`, bundleOf(some));
  }
  let row = entries.map(leaf);
  for (let level = 0; row.length > 0; level++) {
    const above: Buffer[] = [];
    for (let i = 0; i < row.length; i += 256) {
      const some = row.slice(i, i + 256);
      files.set(`tile/${level}/${place(i / 256)}${partial(some.length)}`, Buffer.concat(some));
      if (some.length === 256) above.push(treeHash(some));
    }
    row = above;
  }
  return files;
}

/** The folder, made anew. */
export function writeLog(folder: string, files: ReadonlyMap<string, Buffer>): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [path, bytes] of files) {
    const name = join(folder, path);
    mkdirSync(dirname(name), { recursive: true });
    writeFileSync(name, bytes);
  }
}

export interface HeadOptions {
  readonly type?: string;
  readonly sender?: string;
  readonly via?: string;
  readonly received?: string;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** An entry as docs/audit.md has it. */
export function entry(body: string | Buffer, options: HeadOptions = {}): Buffer {
  const { type = "record", sender = "eu-1", via = "file", received = "2026-11-26T17:20:00.123Z", more = {} } = options;
  const head = JSON.stringify({ ledger: 1, type, received, sender, via, ...more });
  return Buffer.concat([Buffer.from(`${head}\n`), Buffer.from(body)]);
}

/** As many records as that, of one VM, each with the hash of the one before. */
export function records(count: number, vm = "gateway-1/1767225000123456789/3"): string[] {
  const lines: string[] = [];
  let prev = "0".repeat(64);
  for (let seq = 1; seq <= count; seq++) {
    const line = JSON.stringify({
      v: 1,
      vm,
      seq,
      prev,
      ts: new Date(Date.UTC(2026, 10, 26, 17, 20, 0) + seq).toISOString(),
      mode: "enforce",
      verdict: "signature",
      // Each by somebody else: many by one are worth an alarm.
      kid: String(seq).padStart(43, "k"),
      source: `10.0.${Math.floor(seq / 256)}.${seq % 256}:52100`,
      request_id: `request-${seq}`,
      bundle: 8,
      anchors: "a".repeat(64),
    });
    lines.push(line);
    prev = createHash("sha256").update(line).digest("hex");
  }
  return lines;
}
