/** What can happen to a gateway, one step at a time, so that a walk through the model can be walked with the filter too. */
import { leave, lose, type Place, read, reload, request, restart, take, tick } from "./gateway.js";
import type { Setting } from "./setting.js";
import { type Configuration, replaced, type State, type Stream } from "./state.js";

export type Step =
  /** Somebody puts that into the listener's file. */
  | { readonly does: "write"; readonly listener: number; readonly configuration: Configuration }
  | { readonly does: "read"; readonly listener: number }
  | { readonly does: "take" | "lose" | "tick" | "leave"; readonly worker: number }
  | ({ readonly does: "reload" } & Place)
  | ({ readonly does: "request"; readonly stream?: Stream } & Place)
  | { readonly does: "restart" }
  /** Changes files and what is kept beside them, and nothing else. */
  | { readonly does: "push"; readonly pusher: number; readonly comes: string };

export interface Move {
  readonly step: Step;
  readonly state: State;
}

/** What the step leads to; undefined where it cannot be taken. A pusher's steps are `stepsOf`'s. */
export function stepFrom(setting: Setting, state: State, step: Exclude<Step, { does: "push" }>): State | undefined {
  switch (step.does) {
    case "write":
      return { ...state, files: replaced(state.files, step.listener, step.configuration) };
    case "read":
      return read(setting, state, step.listener);
    case "take":
      return take(setting, state, step.worker);
    case "lose":
      return lose(state, step.worker);
    case "reload":
      return reload(setting, state, step);
    case "tick":
      return tick(setting, state, step.worker);
    case "leave":
      return leave(setting, state, step.worker);
    case "request":
      return request(setting, state, step, step.stream);
    case "restart":
      return restart(setting, state);
  }
}

export function wordsOf(step: Step): string {
  switch (step.does) {
    case "write":
      return `the file of listener ${step.listener} holds ${wordsOfFile(step.configuration)}`;
    case "read":
      return `the gateway reads the file of listener ${step.listener}`;
    case "take":
      return `worker ${step.worker} takes what it was told`;
    case "lose":
      return `worker ${step.worker} loses its VMs`;
    case "reload":
      return `worker ${step.worker}, listener ${step.listener} gets a VM again`;
    case "tick":
      return `worker ${step.worker} ticks`;
    case "leave":
      return `the streams of worker ${step.worker} end`;
    case "request":
      return `a request on worker ${step.worker}, listener ${step.listener}${step.stream === undefined ? "" : `, stays open: ${wordsOfStream(step.stream)}`}`;
    case "restart":
      return "the gateway restarts";
    case "push":
      return `pusher ${step.pusher} is ${step.comes}`;
  }
}

const wordsOfStream = ({ version, variant, signer, text }: Stream): string =>
  `bundle ${version}.${variant}, until text ${text} of signer ${signer}`;

function wordsOfFile(configuration: Configuration): string {
  const { generation, vmId, domain, threshold, minVersion, bundle, texts, isBroken } = configuration;
  const { version, variant, signers, floors } = bundle;
  const held = version === 0 ? "no bundle" : `bundle ${version}.${variant} by ${signers}, floors ${floors.join(" ")}`;
  return `generation ${generation} (vm_id ${vmId}, domain ${domain}, threshold ${threshold}, min_version ${minVersion}): ${held}${isBroken ? ", broken" : ""}, texts ${texts.join(" ")}`;
}
