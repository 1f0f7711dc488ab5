/** The gateways that `explain` can be: the same filter, on a host that lets it do more or less. */
import { UserError } from "../base/errors.js";
import type { VerdictCode } from "../base/verdicts.gen.js";
import { FilterHost, type HostOptions, type Outcome } from "../host/host.js";
import { ngxProfile } from "../host/ngx/profile.js";
import type { ConfigurationOptions } from "../trust/configuration.js";

export const GATEWAYS = ["envoy", "kong"] as const;
export type GatewayName = (typeof GATEWAYS)[number];

interface Explained {
  readonly load: (options: HostOptions) => Promise<Pick<FilterHost, "configure" | "request">>;
  /** What its configuration has besides anchors and bundle. */
  readonly options: ConfigurationOptions;
  /** Why, where the verdict alone does not say it. */
  readonly because: Readonly<Partial<Record<VerdictCode, string>>>;
  /** The request is let in, or would be if its sender showed the grant's key. */
  readonly opens: readonly VerdictCode[];
}

const signature = "the key is good here, but it has not signed this text";

export const EXPLAINED: Readonly<Record<GatewayName, Explained>> = {
  envoy: {
    load: (options) => FilterHost.load(options),
    options: {},
    because: {
      signature,
      binding_missing:
        "all else is allowed: a gateway asks for the key of the grant's cnf last, and none is shown here (--proof FILE shows a DPoP proof)",
      audit_unavailable:
        "all else is allowed: its entitlement has audit: receipt, and a gateway asks a ledger last, whose signed receipt for the record opens it. None is asked here; a gateway knows one by `gateway render --receipts`, and its key stands in the bundle's ledgers",
    },
    opens: ["allow", "binding_missing", "audit_unavailable"],
  },
  kong: {
    load: (options) => FilterHost.loadAs(ngxProfile(), options),
    options: { require: true },
    because: {
      signature,
      binding_missing:
        "all else is allowed, but a grant with cnf opens nothing on Kong: no client certificate can be seen there, nor whether a proof was used before",
      audit_unavailable:
        "all else is allowed, but an entitlement with audit: receipt opens nothing on Kong: a request cannot wait there for a ledger",
    },
    opens: ["allow"],
  },
};

/** The record of a request that the filter judged. Refuses one that its gateway answers before any filter. */
export function recordIn(outcome: Outcome): string {
  const record = outcome.said.get("audit");
  if (record !== undefined) return record;
  throw new UserError(
    `The gateway itself answers ${outcome.reply?.status ?? "nothing"} to this request: no filter sees it.`,
    {
      hint: "On Kong a header's line has at most 8 KiB, and a path no broken escape and no step above its root.",
      exitCode: 1,
    },
  );
}
