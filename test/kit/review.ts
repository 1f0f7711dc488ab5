/** Reviews made by hand, for whoever shows them: one story, and the same at other sizes and with other texts. */
import { createHash } from "node:crypto";
import type {
  Approval,
  Call,
  Closure,
  DeniedReview,
  Person,
  Review,
  ReviewList,
  Step,
} from "../../control/review/model.js";

export const START = Date.UTC(2026, 10, 26, 10, 0, 0);
const minute = 60_000;
const at = (minutes: number): number => START + Math.round(minutes * minute);
export const hex = (text: string): string => createHash("sha256").update(text).digest("hex");

const rita: Person = { sub: "rita", person: "Rita Okafor", roles: ["on-call"] };
export const rae: Person = { sub: "rae", person: "Rae Lindqvist", roles: ["security"] };
const approvals: readonly Approval[] = [
  { sub: "adam", person: "Adam Varga", roles: ["lead"], at: at(2.5), isProven: true },
  { sub: "noor", person: "Noor Haddad", roles: ["duty-manager"], at: at(4), isProven: true },
];

export function callOf(n: number, changes: Partial<Call> = {}): Call {
  const isRead = n % 3 !== 0;
  return {
    entry: 100 + n * 2,
    at: at(6 + n * 0.31),
    vm: "gateway-1/1767225000123456789/3",
    seq: 40 + n,
    gateway: "gateway-1",
    verdict: "allow",
    mode: "enforce",
    method: isRead ? "GET" : "POST",
    host: "api.example.com",
    path: isRead ? `/orders/${1000 + n}` : `/orders/${1000 + n}/refund`,
    isPathCut: false,
    source: n % 7 === 6 ? "198.51.100.23:40112" : "192.0.2.14:52100",
    requestId: `7c1f0b0e-5b4c-4d1f-9a6e-${String(n).padStart(12, "0")}`,
    answer: {
      entry: 101 + n * 2,
      status: isRead ? 200 : 201,
      bytesSent: 1432 + n,
      bytesReceived: 96,
      durationMs: 14 + n,
      details: undefined,
    },
    ended: undefined,
    receipt: undefined,
    ...changes,
  };
}

function storyCalls(): Call[] {
  const calls = Array.from({ length: 40 }, (_, n) => callOf(n));
  const denied = { verdict: "scope_path", path: "/admin/users", method: "GET", answer: undefined };
  calls.push(
    callOf(41, { at: at(9.2), ...denied }),
    callOf(42, { at: at(9.4), ...denied, path: "/admin/users/7" }),
    callOf(43, { at: at(17), ...denied, verdict: "scope_method", method: "DELETE", path: "/orders/1003" }),
    callOf(44, {
      at: at(12),
      method: "GET",
      path: "/orders/1007/events",
      answer: {
        entry: 300,
        status: 200,
        bytesSent: 8_120_331,
        bytesReceived: 96,
        durationMs: 20.5 * minute,
        details: "downstream_local_disconnect",
      },
      ended: { at: at(32.5), verdict: "revoked", entry: 301 },
    }),
    callOf(45, { at: at(36), verdict: "revoked", answer: undefined }),
  );
  return calls.sort((a, b) => a.at - b.at);
}

function stepsOf(calls: readonly Call[]): Step[] {
  const step = (minutes: number, what: Step["what"], who: string | undefined, says: string, entry?: number): Step => ({
    at: at(minutes),
    what,
    who,
    says,
    entry,
  });
  const steps: Step[] = [
    step(0, "asked", "rita", "rita asked for orders-repair because of outage, incident INC-2041"),
    step(2.5, "approved", "adam", "adam approved"),
    step(4, "approved", "noor", "noor approved"),
    step(5, "issued", "rita", "rita completed the grant, for 45 minutes"),
    step(32.5, "revoked", "adam", "adam revoked the grant: bundle 9"),
    step(32.5, "ended", undefined, "An open stream was ended: revoked", 301),
    step(33, "alarm", undefined, "first_use: a grant was used for the first time", 103),
  ];
  const first = calls.find(({ verdict }) => verdict === "allow");
  for (const { at: when, verdict, method, path, entry } of calls)
    steps.push({
      at: when,
      what: verdict !== "allow" ? "denied" : entry === first?.entry ? "first_use" : "call",
      who: "rita",
      says: `${method} ${path}: ${verdict}`,
      entry,
    });
  return steps.sort((a, b) => a.at - b.at);
}

export const countsOf = (calls: readonly Call[]): Review["counts"] => ({
  allowed: calls.filter(({ verdict }) => verdict === "allow").length,
  denied: calls.filter(({ verdict }) => verdict !== "allow").length,
  answers: calls.filter(({ answer }) => answer !== undefined).length,
  alarms: 1,
});

export const checkpoint = `ledger.example.com/eu/2026\n412\n${Buffer.alloc(32, 7).toString("base64")}\n\n\u2014 ledger.example.com/eu/2026 ${Buffer.alloc(68, 9).toString("base64")}\n`;

/** An outage: 45 minutes granted, 41 calls allowed, some denied, revoked early, and nobody has looked at it yet. */
export function reviewOf(changes: Partial<Review> = {}): Review {
  const calls = changes.calls ?? storyCalls();
  return {
    carriedFrom: undefined,
    grant: hex("the grant"),
    jti: "2YwTqvUjvDVmn0eS4p8Jxg",
    state: "open",
    openedAt: at(6),
    dueAt: at(6 + 24 * 60),
    drill: undefined,
    requester: rita,
    isRequesterProven: true,
    approvals,
    entitlement: "orders-repair",
    reason: "outage",
    text: "Refunds of the last hour were booked twice. I set the wrong ones back by hand,\nstarting with the orders that the shop reported.",
    incident: "INC-2041",
    audience: ["prod-eu"],
    issuedAt: at(0),
    granted: [
      {
        hosts: ["api.example.com"],
        methods: ["GET", "POST", "PATCH"],
        paths: ["/orders/*", "/orders/*/refund", "/orders/*/events"],
        calls: 41,
        unusedMethods: ["PATCH"],
        unusedPaths: [],
      },
      {
        hosts: ["billing.example.com", "billing-2.example.com"],
        methods: ["GET"],
        paths: ["/ledger/**", "/invoices/*"],
        calls: 0,
        unusedMethods: ["GET"],
        unusedPaths: ["/ledger/**", "/invoices/*"],
      },
    ],
    networks: { granted: ["192.0.2.0/24", "198.51.100.0/24"], used: ["192.0.2.0/24", "198.51.100.0/24"] },
    binding: "DPoP",
    minutes: { granted: 45, used: 26.5 },
    calls,
    counts: countsOf(calls),
    unusual: [
      {
        code: "denied_calls",
        says: "4 calls were denied: 2 scope_path, 1 scope_method, 1 revoked.",
        entries: [182, 184, 186, 190],
      },
      {
        code: "several_networks",
        says: "It was used from 2 networks: 192.0.2.0/24 and 198.51.100.0/24.",
        entries: [112, 126],
      },
      {
        code: "cut_stream",
        says: "A stream was ended by the gateway after 20 minutes 30 seconds: revoked.",
        entries: [188, 301],
      },
      { code: "partly_used", says: "Of 2 parts of the scope 1 was never used.", entries: [] },
    ],
    timeline: stepsOf(calls),
    evidence: {
      origin: "ledger.example.com/eu/2026",
      size: 412,
      root: hex("root"),
      checkpoint,
      entries: calls.map(({ entry }) => entry),
      digest: hex("digest"),
      gaps: [],
      isProven: true,
      isPinned: true,
      isConsistent: true,
    },
    teardown: { exp: at(50), revokedAt: at(32.5), openStreams: 0, acceptedAfter: 0, lastAt: at(36) },
    closures: [],
    blockers: [],
    ...changes,
  };
}

export const closureOf = (changes: Partial<Closure> = {}): Closure => ({
  entry: 410,
  at: at(180),
  by: rae,
  classification: "real",
  findings:
    "The refunds were set back as the incident says.\nThe calls to /admin were a slip of the script; nothing was opened.",
  actions: [
    { what: "Take /admin out of the repair script", owner: "rita", due: "2026-12-03" },
    { what: "Drop billing.example.com from orders-repair", owner: "adam", due: "2026-12-10" },
  ],
  isProven: true,
  isOutdated: false,
  ...changes,
});

/** One with `count` calls, a hundredth of them denied. */
export function bigReview(count: number): Review {
  const calls = Array.from({ length: count }, (_, n) =>
    callOf(n, {
      at: at(6 + (n / count) * 38),
      entry: 100 + n,
      ...(n % 100 === 99 ? { verdict: "scope_path", answer: undefined } : {}),
    }),
  );
  return reviewOf({ calls, timeline: stepsOf(calls) });
}

export function deniedOf(changes: Partial<DeniedReview> = {}): DeniedReview {
  const calls = [
    callOf(1, { verdict: "quorum", answer: undefined }),
    callOf(2, { verdict: "quorum", answer: undefined }),
    callOf(3, { verdict: "expired", answer: undefined }),
  ];
  return {
    carriedFrom: undefined,
    key: "denied:mallory:2026-11-26T10Z",
    sub: "mallory",
    hour: START,
    grants: [hex("a"), hex("b")],
    calls,
    verdicts: { quorum: 2, expired: 1 },
    counts: { ...countsOf(calls), alarms: 0 },
    state: "open",
    openedAt: at(6),
    dueAt: at(6 + 24 * 60),
    digest: hex("denied digest"),
    closures: [],
    blockers: [],
    ...changes,
  };
}

export function listOf(changes: Partial<ReviewList> = {}): ReviewList {
  const of = (name: string, more: Partial<Review>): Review => reviewOf({ grant: hex(name), ...more });
  return {
    origin: "ledger.example.com/eu/2026",
    size: 412,
    reviews: [
      reviewOf(),
      of("late", {
        state: "overdue",
        incident: "INC-2029",
        openedAt: at(-40 * 60),
        dueAt: at(-16 * 60),
        requester: { sub: "sam", person: "Sam Reyes", roles: [] },
      }),
      of("again", { state: "reopened", incident: "INC-1990", closures: [closureOf({ isOutdated: true })] }),
      of("closed", { state: "closed", incident: "INC-1984", closures: [closureOf()], unusual: [] }),
      of("drill", {
        state: "closed",
        drill: "2026-Q4",
        incident: undefined,
        closures: [closureOf({ classification: "drill" })],
        unusual: [],
      }),
    ],
    denied: [deniedOf()],
    dueActions: [
      { what: "Take /admin out of the repair script", owner: "rita", due: "2026-11-20", grant: hex("closed") },
    ],
    ...changes,
  };
}

/** The review with every text in it replaced, except members whose form is fixed (hashes, states, codes). */
export function withTexts(review: Review, replace: (text: string) => string, keep: ReadonlySet<string>): Review {
  const copy: Review = JSON.parse(
    JSON.stringify(review),
    function (this: unknown, name: string, value: unknown): unknown {
      const isKept = keep.has(name) || (Array.isArray(this) && typeof value !== "string");
      return typeof value === "string" && !isKept ? replace(value) : value;
    },
  );
  return copy;
}
