/** The filter itself, with a trust bundle and a clock that can be set, judging one grant for all that it asks for. */
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { type VerdictCode, verdictCodes } from "../base/verdicts.gen.js";
import { FilterHost } from "../host/host.js";
import type { Anchors } from "../trust/anchors.js";
import { configurationText } from "../trust/configuration.js";
import { jsonOf, payloadOf } from "./message.js";
import { type Sample, showSample } from "./scope.js";

export interface Denial {
  readonly verdict: VerdictCode;
  /** The requests that it was given for; all others are not known. */
  readonly requests: readonly string[];
}

/** Verdicts that depend on where the request goes: others are the same for every request. */
const SCOPE: ReadonlySet<VerdictCode> = new Set([
  "scope_host",
  "scope_method",
  "scope_path",
  "entitlement_scope",
  "path_ambiguous",
]);
/** As many refused requests as a person reads. */
const MAX_REQUESTS = 5;
/** Ten seconds' work: many times what the largest honest grant of 8 KiB opens. */
const MAX_SAMPLES = 200_000;

function verdictOf(text: string | undefined): VerdictCode {
  return verdictCodes.find((code) => code === text) ?? "internal";
}

const named = z.looseObject({ net: z.array(z.string()).optional() });

/** An address with a port that the grant may be used from: of its first network, if it has any. */
export function sourceFor(grant: string): string {
  const [network] = named.safeParse(jsonOf(payloadOf(grant))).data?.net ?? [];
  const [address = ""] = network?.split("/") ?? ["192.0.2.1"];
  return address.includes(":") ? `[${address}]:50000` : `${address}:50000`;
}

/**
 * What the gateway asks for last, when all else is allowed: the key that a grant is bound to, which is its user's to show, and
 * a ledger's receipt, which is the gateway's to get.
 */
const ASKED_LAST: ReadonlySet<VerdictCode> = new Set(["binding_missing", "audit_unavailable"]);

export class Stage {
  private constructor(
    private readonly host: FilterHost,
    private readonly clock: { seconds: number },
    private readonly grant: string,
    private readonly source: string,
  ) {}

  /** @param now seconds */
  static async set(anchors: Anchors, bundle: string, grant: string, now: number): Promise<Stage> {
    const clock = { seconds: now };
    const host = await FilterHost.load({ clock: () => clock.seconds * 1000 });
    const { accepted, reason } = host.configure(configurationText(anchors, 1, { bundle }));
    if (!accepted) {
      throw new UserError(`The filter refuses the trust bundle: ${reason ?? "it does not say why"}.`, {
        hint: "`glassgate bundle verify` says more.",
      });
    }
    return new Stage(host, clock, grant, sourceFor(grant));
  }

  private judge({ method, host, path, isUpgrade }: Sample): VerdictCode {
    const { filterState } = this.host.request({
      sourceAddress: this.source,
      headers: [
        [":method", method],
        [":path", path],
        [":authority", host],
        ...(isUpgrade ? [["upgrade", "websocket"] as const] : []),
        ["x-break-glass", this.grant],
      ],
    });
    const verdict = verdictOf(filterState.get("wasm.glassgate.verdict"));
    return ASKED_LAST.has(verdict) ? "allow" : verdict;
  }

  /** The first denial among all the requests, or undefined when the filter allows every one. */
  judgeAll(samples: Iterable<Sample>): Denial | undefined {
    const denied: { verdict: VerdictCode; request: string }[] = [];
    let count = 0;
    for (const sample of samples) {
      if (++count > MAX_SAMPLES) {
        throw new UserError("The scope is too large to be judged.", { hint: "Ask for fewer methods, hosts or paths." });
      }
      const verdict = this.judge(sample);
      if (verdict === "allow") continue;
      denied.push({ verdict, request: showSample(sample) });
      if (!SCOPE.has(verdict) || denied.length >= MAX_REQUESTS) break;
    }
    const [first] = denied;
    if (first === undefined) return undefined;
    const { verdict } = first;
    const requests = SCOPE.has(verdict) ? denied.filter((one) => one.verdict === verdict) : [];
    return { verdict, requests: requests.map(({ request }) => request) };
  }

  /** The first of the times (rising, seconds) at which the filter no longer allows the request. */
  firstDenial(sample: Sample, times: readonly number[]): { at: number; verdict: VerdictCode } | undefined {
    for (const at of times) {
      this.clock.seconds = at;
      const verdict = this.judge(sample);
      if (verdict !== "allow") return { at, verdict };
    }
    return undefined;
  }
}
