/** A report of a drill in which something of each kind is wrong, for its forms. */
import type { Assertion, Report } from "../../control/drill/model.js";

const call = (id: string, verdict: string, status: number): Assertion["calls"] => [
  {
    ...{ requestId: id, method: "GET", host: "api.example.com", path: "/drill/orders", status },
    ...{ verdict, mode: "enforce", vm: "gateway-1/1764204000000000000/1", seq: 7, entry: 4123 },
  },
];

export const reportOf = (changes: Partial<Report> = {}): Report => ({
  v: 1,
  ...{ drill: "quarterly", name: "quarterly", origin: "ledger.example.com/eu-2026" },
  ...{ began: "2026-11-27T05:17:00.000Z", ended: "2026-11-27T05:17:41.000Z", dueNext: "2027-02-25T05:17:41.000Z" },
  people: { requester: "drill-rita", approvers: ["drill-adam", "drill-anna"], signer: "drill-rita" },
  gateways: [
    { id: "gateway-1", url: "https://api-1.example.com", envoy: "1.40.0", filter: "ab".repeat(32), bundle: 41 },
    { id: "gateway-2", url: "https://api-2.example.com", bundle: 40, anchors: "cd".repeat(32) },
  ],
  assertions: [
    {
      ...{ case: "opens", gateway: "gateway-1", what: "a good grant", expected: "allowed" },
      ...{ seen: "200, recorded as allow", ok: true, calls: call("req-1", "allow", 200) },
    },
    {
      ...{ case: "expired", gateway: "gateway-2", what: "a grant that has expired", expected: "denied: expired" },
      ...{ seen: "200, recorded as allow", ok: false, fault: "let_in", calls: call("req-2", "allow", 200) },
      finding:
        "gateway-2 let a grant that has expired through on GET api.example.com/drill/orders, which must be denied with expired (200), and recorded it as allow. The filter itself allowed it: compare the trust bundle that this gateway serves with the roster, then push the right one.",
    },
    {
      ...{ case: "no-credential", gateway: "gateway-2", route: "/status", what: "a call without a credential" },
      ...{ expected: "refused, as it has no credential", seen: "200, no record", ok: false, fault: "open" },
      finding:
        "gateway-2 serves GET api.example.com/status to callers without a credential (200): put authentication on that route, or name the path in `open` where anybody may reach it.",
      calls: [{ requestId: "req-3", method: "GET", host: "api.example.com", path: "/status", status: 200 }],
    },
  ],
  notProbed: [{ what: "POST on gateway-1", why: "its upstream is not said to be harmless" }],
  measures: [
    { name: "grant", unit: "ms", samples: [80, 90, 110], p50: 90, max: 110, limit: 10_000, ok: true, lastP50: 85 },
    { name: "expired", unit: "ms", samples: [7200], p50: 7200, max: 7200, limit: 5000, ok: false },
  ],
  faults: [{ name: "upstream-down", expected: "normal", seen: "normal", ok: true }],
  counts: { passed: 1, failed: 2, notProbed: 1 },
  checkpoint: {
    text: `ledger.example.com/eu-2026\n4127\n${"A".repeat(43)}=\n\n— ledger.example.com/eu-2026 ${"B".repeat(90)}==\n`,
  },
  last: {
    ...{ began: "2026-08-27T05:17:00.000Z", report: "ef".repeat(32) },
    ...{ worse: ["expired on gateway-2: a grant that has expired"], mended: [], gone: [], fresh: [] },
  },
  ...changes,
});
