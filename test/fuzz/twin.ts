/**
 * Holds the lean host to the Node host: both get the same requests from their first on, at the same time of the same clock, and must
 * do the same to the byte, the records' chain included.
 */
import { HeaderMap } from "../../control/host/headers.js";
import { FilterHost } from "../../control/host/host.js";
import type { Program } from "../../control/host/program.js";
import { completeReply } from "../../control/host/reply.js";
import { tryConfiguration } from "./configurations.js";
import { type LeanRequest, type LeanVm, leanWorker } from "./lean.js";

interface Tried {
  /** The filter, and the same loaded. */
  readonly wasm: Uint8Array;
  readonly program: Program;
  readonly clock: { readonly milliseconds: number };
}

export class Twin {
  compared = 0;

  private constructor(
    private readonly host: FilterHost,
    private readonly lean: LeanVm,
  ) {}

  static async load({ wasm, program, clock }: Tried, configuration: Buffer): Promise<Twin> {
    const host = await FilterHost.load({ wasm, clock: () => clock.milliseconds });
    const { reason } = host.configure(configuration);
    if (reason !== undefined) throw new Error(`the configuration to begin with is refused: ${reason}`);
    return new Twin(host, leanWorker({ program, clock, configuration, keeps: true }));
  }

  /** What one did and the other did not; undefined where both did the same. */
  difference(request: LeanRequest): string | undefined {
    this.compared += 1;
    const { headers, source, certificate } = request;
    const properties = certificate === undefined ? {} : { "connection.sha256_peer_certificate_digest": certificate };
    const outcome = this.host.request({ headers, sourceAddress: source, properties });
    this.lean.request(request);
    const { state } = this.lean;
    const there = JSON.stringify([
      outcome.filterState.get("wasm.glassgate.verdict") ?? "",
      outcome.filterState.get("wasm.glassgate.audit") ?? "",
      outcome.reply ?? null,
      outcome.headers,
    ]);
    const here = JSON.stringify([
      state.verdict,
      state.audit,
      state.reply === undefined ? null : completeReply(state.reply, new HeaderMap(state.headers)),
      state.headers,
    ]);
    return here === there ? undefined : `the lean host ${here}, the Node host ${there}`;
  }
}

/** The same for a configuration, on a canary of each. */
export async function differenceOfConfiguration(
  { wasm, program, clock }: Tried,
  configuration: Buffer,
): Promise<string | undefined> {
  const host = await FilterHost.load({ wasm, clock: () => clock.milliseconds });
  const { accepted, reason = "" } = host.configure(configuration);
  const { isTaken, refusal } = tryConfiguration(program, clock, configuration);
  if (accepted === isTaken && reason === refusal) return undefined;
  const verb = (takes: boolean): string => (takes ? "takes" : "refuses");
  return `the lean host ${verb(isTaken)} it (${refusal}), the Node host ${verb(accepted)} it (${reason})`;
}
