/** What a case plays on: one gateway, the people, and a way to send. A dry one sends nothing. */
import { bentGrant, walkedGrant } from "./bent.js";
import type { Sample } from "./measures.js";
import type { Call, CallSpec, FleetGateway, NotProbed, Players, Scratch, Stage } from "./model.js";
import { Patience } from "./patience.js";
import type { Prepared } from "./prepare.js";
import { sendCall } from "./wire.js";

/** What is gathered on one gateway. */
export interface Gathered {
  readonly calls: Call[];
  readonly samples: Sample[];
  readonly notProbed: NotProbed[];
}

/** Of a dry drill: what would be sent, and an answer that ends every waiting. */
function planned(gateway: FleetGateway, prepared: Prepared, spec: CallSpec): Call {
  const { target } = prepared;
  const { method = target.method, host = target.host, path = target.path, grant } = spec;
  const seen = {
    status: 0,
    code: "dry_run",
    requestId: "",
    reached: false,
    upstream: undefined,
    endedAfterMs: undefined,
  };
  return {
    gateway: gateway.id,
    ...{ method, host, path, jti: grant?.jti, at: Date.now() },
    isPresented: grant !== undefined,
    seen: { ...seen, error: undefined, ms: 0 },
  };
}

export interface Setting {
  /** Of the scratch gateway alone. */
  readonly scratch?: Scratch;
  readonly prepared: Prepared;
  readonly players: Players;
  readonly isDry: boolean;
  /** Tells of each call. */
  readonly onCall: (call: Call) => void;
}

export function makeStage(gateway: FleetGateway, setting: Setting): { stage: Stage; gathered: Gathered } {
  const { prepared, players, isDry, onCall } = setting;
  const { source, anchors, entitlement, target, bundle, meant } = prepared;
  const { drill } = source;
  const gathered: Gathered = { calls: [], samples: [], notProbed: [] };
  const now = (): number => Math.floor(Date.now() / 1000);
  const making = {
    drill: drill.name,
    audience: anchors.audience,
    ...{ players, entitlement, target, now },
    ...{ incident: drill.incident, net: drill.net, isDry },
  };
  const patience = new Patience((spec) => sendCall(gateway, target, spec));
  const send = async (spec: CallSpec): Promise<Call> => {
    const call = isDry ? planned(gateway, prepared, spec) : await patience.call(spec);
    gathered.calls.push(call);
    onCall(call);
    return call;
  };
  const stage: Stage = {
    ...{ gateway, target, players, bundle, entitlement, meant, now, send },
    grant: async (spec) => bentGrant(making, spec),
    walk: () => walkedGrant(making),
    measured: (name, ms) => void (isDry || gathered.samples.push({ name, ms, gateway: gateway.id })),
    notProbed: (what, why) => void gathered.notProbed.push({ what, why }),
    stream: drill.stream,
    repeat: isDry ? 1 : drill.repeat,
    ...(setting.scratch === undefined ? {} : { scratch: setting.scratch }),
  };
  return { stage, gathered };
}
