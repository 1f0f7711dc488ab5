/** A ledger's answers to pending records, right and wrong, and a server that gives them. A real ledger can be put in its place. */
import { createHash } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { compact, newSigner, type Signer } from "./token.js";
import type { Json, World } from "./world.js";

export const RECEIPT_PATH = "/receipt";
const nowSeconds = (): number => Math.floor(Date.now() / 1000);
export const hashOf = (line: string): string => createHash("sha256").update(line).digest("hex");

export interface ReceiptSpec {
  readonly by?: Signer;
  /** Replaces members; `undefined` removes one. */
  readonly header?: Json;
  readonly claims?: Json;
  /** The payload's text as it is, instead of claims. */
  readonly payload?: string;
}

const without = (json: Json): Json =>
  Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));

/** @param record the pending record's line */
export function receiptOf(ledger: Signer, record: string, now: number, spec: ReceiptSpec = {}): string {
  const by = spec.by ?? ledger;
  const header = without({ alg: by.alg, kid: by.kid, typ: "bg-receipt+jws", ...spec.header });
  const claims = { origin: "ledger.example.com/2026", index: 7, record_sha256: hashOf(record), iat: now };
  return compact(header, spec.payload ?? without({ ...claims, ...spec.claims }), by);
}

export interface LedgerAnswer {
  readonly status?: number;
  readonly body: string | Uint8Array;
}

/** What may come instead of a receipt, from nobody or from a ledger that lies. Each is no receipt. */
export const badAnswers = (ledger: Signer): Readonly<Record<string, (record: string, now: number) => LedgerAnswer>> => {
  const other = newSigner("Ed25519");
  const of =
    (spec: ReceiptSpec) =>
    (record: string, now: number): LedgerAnswer => ({ body: receiptOf(ledger, record, now, spec) });
  const bent =
    (bend: (receipt: string, record: string) => string | Uint8Array, status = 200) =>
    (record: string, now: number): LedgerAnswer => ({ status, body: bend(receiptOf(ledger, record, now), record) });
  return {
    "a key that is no ledger's": of({ by: other }),
    "a ledger's kid, and another's signature": of({ by: other, header: { kid: ledger.kid } }),
    "another record's hash": of({ claims: { record_sha256: hashOf("another") } }),
    "a hash in capitals of half its length": of({ claims: { record_sha256: "AB".repeat(16) } }),
    "its hash in capitals": (record, now) => ({
      body: receiptOf(ledger, record, now, { claims: { record_sha256: hashOf(record).toUpperCase() } }),
    }),
    "another typ": of({ header: { typ: "bg-review+jws" } }),
    "no typ": of({ header: { typ: undefined } }),
    "a header with one member more": of({ header: { crit: ["x"] } }),
    "an algorithm that is not the key's": of({ header: { alg: "ES256" } }),
    "alg none": of({ header: { alg: "none" } }),
    "an iat of two minutes ago": (record, now) => ({
      body: receiptOf(ledger, record, now, { claims: { iat: now - 120 } }),
    }),
    "an iat in two minutes": (record, now) => ({
      body: receiptOf(ledger, record, now, { claims: { iat: now + 120 } }),
    }),
    "an iat with a fraction": (record, now) => ({
      body: receiptOf(ledger, record, now, { claims: { iat: now + 0.5 } }),
    }),
    "no iat": of({ claims: { iat: undefined } }),
    "no index": of({ claims: { index: undefined } }),
    "a negative index": of({ claims: { index: -1 } }),
    "no origin": of({ claims: { origin: undefined } }),
    "an empty origin": of({ claims: { origin: "" } }),
    "an origin that is not ASCII": of({ claims: { origin: "l\u00e9dger" } }),
    "an origin of 256": of({ claims: { origin: "o".repeat(256) } }),
    "a claim more": of({ claims: { verdict: "allow" } }),
    "a claim twice": (record, now) => ({
      body: receiptOf(ledger, record, now, {
        payload: `{"origin":"o","index":1,"index":1,"record_sha256":"${hashOf(record)}","iat":${now}}`,
      }),
    }),
    "a line end behind it": bent((receipt) => `${receipt}\n`),
    "a byte of the signature changed": bent((receipt) => `${receipt.slice(0, -3)}AAA`),
    "the receipt twice": bent((receipt) => `${receipt}~${receipt}`),
    "JSON round it": bent((receipt) => JSON.stringify({ receipt })),
    "a receipt of more than 2 KiB": of({ claims: { origin: "o".repeat(2000) } }),
    "the record itself": bent((_receipt, record) => record),
    nothing: bent(() => ""),
    dots: bent(() => ".."),
    "bytes of every kind": bent(() => Uint8Array.from({ length: 256 }, (_, i) => i)),
    "a good receipt with 201": bent((receipt) => receipt, 201),
    "a good receipt with 500": bent((receipt) => receipt, 500),
    "three megabytes": bent(() => Buffer.alloc(3_000_000, "a.b.c")),
  };
};

export interface TestLedger {
  readonly port: number;
  readonly key: Signer;
  /** What was sent, as it came. */
  readonly bodies: readonly string[];
  /** Of the last request, with pseudo-headers' names. */
  readonly seen: () => Readonly<Record<string, string | undefined>>;
  /** How it answers from now on; `undefined` hangs. Default: a good receipt at once. */
  answer(how: (record: string, now: number) => Promise<LedgerAnswer | undefined> | LedgerAnswer | undefined): void;
  honest(): void;
  stop(): Promise<void>;
}

export async function startLedger(key: Signer): Promise<TestLedger> {
  const bodies: string[] = [];
  const sockets = new Set<Socket>();
  let seen: Readonly<Record<string, string | undefined>> = {};
  const honest = (record: string, now: number): LedgerAnswer => ({ body: receiptOf(key, record, now) });
  let how: Parameters<TestLedger["answer"]>[0] = honest;
  const reply = async (body: string, response: ServerResponse): Promise<void> => {
    const answer = await how(body.split("\n", 1)[0] ?? "", nowSeconds());
    if (answer !== undefined) response.writeHead(answer.status ?? 200).end(answer.body);
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      bodies.push(body);
      const { host, "content-type": type } = request.headers;
      seen = { ":method": request.method, ":path": request.url, ":authority": host, "content-type": type };
      reply(body, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the ledger has no port");
  return {
    port: address.port,
    key,
    bodies,
    seen: () => seen,
    answer: (next) => {
      how = next;
    },
    honest: () => {
      how = honest;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A bundle with the ledger's key, and entitlements that demand its receipt: `vital` by one key, `grave` with approvals. */
export const ledgerClaims = (world: World, ledger: Signer, changes: Json = {}): Json => {
  const claims = world.bundleClaims();
  const { entitlements } = claims;
  return {
    ...claims,
    ledgers: [ledger.jwk],
    entitlements: [
      ...(Array.isArray(entitlements) ? entitlements : []),
      world.entitlement("vital", { approvals: [], audit: "receipt" }),
      world.entitlement("grave", { audit: "receipt" }),
    ],
    ...changes,
  };
};
