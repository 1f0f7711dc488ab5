/** What the decision suite shows on Kong's module: the same cases, what that host forces, and what an upstream and a log plugin see. */
import { readAuditLines } from "../../control/base/audit.js";
import { World } from "../kit/world.js";
import type { Observed, Sent } from "../verdicts/driver.js";
import { DEFAULTS } from "../verdicts/driver.js";
import { type Exchange, KEY, type KongModule } from "./nginx.js";
import type { Line } from "./raw.js";

/** As config/kong has it: nothing but grants on that route, and the key for the one behind it. */
export const forKong = (text: string): string =>
  JSON.stringify({ ...JSON.parse(text), require: true, upstream_header: { name: KEY.name, value: KEY.value } });

export const newWorld = (): World => new World(Math.floor(Date.now() / 1000));

const join = (lines: readonly Line[]): Record<string, string> => {
  const joined: Record<string, string> = {};
  for (const [name, value] of lines) {
    const before = joined[name];
    joined[name] = before === undefined ? value : `${before},${value}`;
  }
  return joined;
};

export const observed = (seen: Exchange): Observed => {
  const audit = seen.shared.get("glassgate_audit");
  const lines = audit === undefined ? undefined : readAuditLines(audit);
  const words = seen.statusLine.split(" ").slice(2).join(" ");
  return {
    status: seen.status,
    headers: join(seen.headers),
    body: seen.body,
    // A header that the filter took away is an empty one to the upstream: what this host does for `replace`, and for removal nothing.
    upstream: seen.upstream === undefined ? undefined : join(seen.upstream.lines.filter(([, value]) => value !== "")),
    verdict: seen.shared.get("glassgate_verdict"),
    audit: lines?.record,
    evidence: lines?.evidence,
    details: words,
    logged: [...seen.shared.values()].join("\n"),
  };
};

export async function sendCase(module: KongModule, sent: Sent): Promise<Exchange> {
  const {
    grants,
    proofs = [],
    headers = {},
    method = DEFAULTS.method,
    host = DEFAULTS.host,
    path = DEFAULTS.path,
  } = sent;
  const lines: Line[] = [
    ...Object.entries(headers),
    ...grants.map((grant): Line => ["x-break-glass", grant]),
    ...proofs.map((proof): Line => ["dpop", proof]),
  ];
  return module.send({ method, target: path, host, lines });
}
