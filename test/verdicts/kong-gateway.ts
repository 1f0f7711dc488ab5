/**
 * The Node host as Kong, as a gateway of the suite: the filter stands alone on its route, and behind it a second route asks for a
 * key that the filter adds.
 */
import { readAuditLines } from "../../control/base/audit.js";
import { FilterHost, type Header, type HostOptions, type Outcome } from "../../control/host/host.js";
import type { NgxProcess } from "../../control/host/ngx/process.js";
import { ngxProfile } from "../../control/host/ngx/profile.js";
import type { NgxOptions } from "../../control/host/ngx/surroundings.js";
import { CLIENT, DEFAULTS, type Gateway, type Observed, type Sent } from "./driver.js";

export const UPSTREAM_HEADER = { name: "x-break-glass-key", value: "the-key-of-the-second-route" } as const;
const NO_KEY = "No API key found in request";

/** What the build for Kong must be told: it judges every request, and has a key to add. */
export function asKong(text: string): string {
  const configuration: unknown = JSON.parse(text);
  if (typeof configuration !== "object" || configuration === null) throw new Error("no configuration");
  return JSON.stringify({ ...configuration, require: true, upstream_header: UPSTREAM_HEADER });
}

function headersOf({ grants, proofs = [], headers = {}, method, host, path }: Sent, requestId: string): Header[] {
  return [
    [":method", method ?? DEFAULTS.method],
    [":path", path ?? DEFAULTS.path],
    ["Host", host ?? DEFAULTS.host],
    ["X-Request-ID", requestId],
    ...grants.map((grant): Header => ["X-Break-Glass", grant]),
    ...proofs.map((proof): Header => ["DPoP", proof]),
    ...Object.entries(headers),
  ];
}

/** Lines of one name joined. What the filter emptied is nothing to an upstream: it cannot take a line away. */
export function upstreamOf({ headers }: Outcome): Record<string, string> {
  const lines = new Map<string, string>();
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    const before = lines.get(key);
    if (value !== "") lines.set(key, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(lines);
}

function observe(outcome: Outcome): Observed {
  const text = outcome.said.get("audit");
  const audit = text === undefined ? undefined : readAuditLines(text);
  const { reply } = outcome;
  const seen = {
    verdict: outcome.said.get("verdict"),
    audit: audit?.record,
    evidence: audit?.evidence,
    details: reply?.details,
    logged: JSON.stringify([...outcome.filterState]),
  };
  if (reply !== undefined)
    return {
      ...seen,
      status: reply.status,
      headers: Object.fromEntries(reply.headers),
      body: reply.body,
      upstream: undefined,
    };
  const { [UPSTREAM_HEADER.name]: key, ...upstream } = upstreamOf(outcome);
  if (key !== UPSTREAM_HEADER.value) return { ...seen, status: 401, headers: {}, body: NO_KEY, upstream: undefined };
  // Kong's response-transformer, as config/kong/kong.yaml has it.
  return { ...seen, status: 200, headers: { "cache-control": "no-store" }, body: "", upstream };
}

export interface KongOptions extends HostOptions {
  readonly nginx?: NgxOptions;
}

export async function kongGateway({
  nginx,
  ...options
}: KongOptions = {}): Promise<Gateway & { host: FilterHost<NgxProcess> }> {
  const host = await FilterHost.loadAs(ngxProfile(nginx), { nodeId: "test-gateway", ...options });
  let count = 0;
  const one = (sent: Sent): Observed => {
    count += 1;
    const outcome = host.request({ sourceAddress: CLIENT, headers: headersOf(sent, `request-${count}`) });
    const seen = observe(outcome);
    const everythingElse = JSON.stringify([{ ...seen, upstream: undefined }, outcome.log]);
    if (everythingElse.includes(UPSTREAM_HEADER.value)) throw new Error("the key of the upstream shows");
    return seen;
  };
  return {
    name: "the Node host as Kong",
    host,
    configure: async (text) => {
      const { accepted, reason } = host.configure(text);
      if (!accepted) throw new Error(`refused: ${reason ?? ""}`);
    },
    send: async (requests) => requests.map(one),
    stop: async () => {},
  };
}
