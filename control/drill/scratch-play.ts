/** Plays the cases that need a gateway of their own: on a scratch gateway, after the fleet. */
import { UserError } from "../base/errors.js";
import { awaitRecords } from "./evidence.js";
import type { CallSpec, NotProbed, Players, Scratch } from "./model.js";
import { type Choice, chosenCases, type PlayedOutcome, playOn } from "./play.js";
import type { Prepared } from "./prepare.js";
import { followFiles, type RecordSource } from "./record-source.js";
import { type RunningScratch, SCRATCH, startScratch } from "./scratch.js";
import { SCRATCH_TARGET, ScratchWorld } from "./scratch-world.js";
import { makeStage } from "./stage.js";

/** How long its records may take: they are read from its own file. */
const RECORDED_MS = 30_000;

export interface PlayedOnScratch {
  readonly outcomes: readonly PlayedOutcome[];
  readonly notProbed: readonly NotProbed[];
  readonly prepared: Prepared;
  readonly source: RecordSource;
}

/** The user's drill, with another world. */
function preparedFor(prepared: Prepared, world: ScratchWorld, gateways: Prepared["gateways"]): Prepared {
  const bundle = world.claims();
  const [entitlement] = bundle.entitlements;
  if (entitlement === undefined) throw new Error("the scratch gateway has an entitlement");
  const drill = { ...prepared.source.drill, stream: undefined, net: undefined };
  return {
    ...prepared,
    source: { ...prepared.source, drill },
    ...{ anchors: world.anchors, bundle, entitlement, gateways, target: SCRATCH_TARGET },
    meant: { details: entitlement.authorization_details, life: entitlement.max_ttl },
  };
}

const playersOf = (world: ScratchWorld): Players => ({
  requester: world.player("rita"),
  approvers: [world.player("adam"), world.player("anna")],
  ...{ stranger: undefined, former: undefined, signer: world.player("rita") },
});

async function started(prepared: Prepared): Promise<RunningScratch | NotProbed> {
  try {
    return await startScratch(prepared.gateways.find(({ filterPath }) => filterPath !== undefined)?.filterPath);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { what: `what needs a ${SCRATCH}`, why: `none could be started here: ${error.message}` };
  }
}

/** Undefined where no such case is chosen. */
export async function playOnScratch(
  prepared: Prepared,
  choice: Choice,
  onCase: (name: string, gateway: string) => void,
  say: (line: string) => void,
): Promise<PlayedOnScratch | undefined> {
  const chosen = chosenCases(choice, "scratch");
  if (chosen.length === 0) return undefined;
  const running = await started(prepared);
  if ("why" in running) return { outcomes: [], notProbed: [running], prepared, source: await followFiles([], say) };
  const { world, gateway, scratch, auditLog } = running;
  try {
    const source = await followFiles([auditLog], say);
    const own = preparedFor(prepared, world, [gateway]);
    const setting = { prepared: own, players: playersOf(world), isDry: false, onCall: () => {}, scratch };
    try {
      const { outcomes, notProbed } = await playOn(gateway, setting, chosen, onCase);
      await awaitRecords(outcomes, source, RECORDED_MS);
      return { outcomes, notProbed, prepared: own, source };
    } finally {
      await source.close();
    }
  } finally {
    await running.stop();
  }
}

/** Sends nothing, and starts nothing. */
function dryScratch(world: ScratchWorld, send: (spec: CallSpec) => ReturnType<Scratch["sendFields"]>): Scratch {
  const nothing = async (): Promise<void> => {};
  return {
    ...{ people: world.people, thumbprint: "A".repeat(43), without: nothing, restore: nothing, revoke: nothing },
    offer: async () => "refused",
    flood: (specs) => Promise.all(specs.map(send)),
    sendWith: async (_way, spec) => ({ ...(await send(spec)), isResumed: false }),
    sendFields: send,
  };
}

/** What would be played: for `--dry-run`. */
export async function planScratch(
  prepared: Prepared,
  choice: Choice,
): Promise<Pick<PlayedOnScratch, "outcomes" | "notProbed">> {
  const chosen = chosenCases(choice, "scratch");
  const world = new ScratchWorld();
  const gateway = {
    ...{ id: SCRATCH, url: "https://127.0.0.1", ca: undefined, admin: "", auditLog: undefined, filterPath: undefined },
    ...{ filter: undefined, caller: undefined, routes: [], skipped: [], accept: [], isHarmless: true },
  };
  const own = preparedFor(prepared, world, [gateway]);
  const setting = { prepared: own, players: playersOf(world), isDry: true, onCall: () => {} };
  const { stage } = makeStage(gateway, setting);
  const scratch = dryScratch(world, (spec) => stage.send(spec));
  return playOn(gateway, { ...setting, scratch }, chosen, () => {});
}
