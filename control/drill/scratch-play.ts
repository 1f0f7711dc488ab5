/** Plays the cases that need a gateway of their own: on a scratch gateway, after the fleet. */
import { UserError } from "../base/errors.js";
import { awaitRecords } from "./evidence.js";
import type { Self } from "./faults/undo.js";
import type { Sample } from "./measures.js";
import type { Call, CallSpec, Case, FleetGateway, NotProbed, Players, Scratch } from "./model.js";
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
  readonly samples: readonly Sample[];
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

/** Whether a request can kill its filter: one of each kind, played at once. */
const KINDS = [false, true] as const;

interface Around {
  readonly prepared: Prepared;
  readonly self: Self;
  readonly onCase: (name: string, gateway: string) => void;
  readonly say: (line: string) => void;
}

async function started({ prepared, self }: Around, isMortal: boolean): Promise<RunningScratch | NotProbed> {
  const filterPath = prepared.gateways.find((one) => one.filterPath !== undefined)?.filterPath;
  try {
    return await startScratch({ filterPath, isMortal, self });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { what: `what needs a ${SCRATCH}`, why: `none could be started here: ${error.message}` };
  }
}

async function playOne(around: Around, isMortal: boolean, chosen: readonly Case[]): Promise<PlayedOnScratch> {
  const { prepared, onCase, say } = around;
  const running = await started(around, isMortal);
  if ("why" in running)
    return { outcomes: [], samples: [], notProbed: [running], prepared, source: await followFiles([], say) };
  const { world, gateway, scratch, auditLog } = running;
  try {
    const source = await followFiles([auditLog], say);
    const own = preparedFor(prepared, world, [gateway]);
    const setting = { prepared: own, players: playersOf(world), isDry: false, onCall: () => {}, scratch };
    try {
      const { outcomes, samples, notProbed } = await playOn(gateway, setting, chosen, onCase);
      await awaitRecords(outcomes, source, RECORDED_MS);
      return { outcomes, samples, notProbed, prepared: own, source };
    } finally {
      await source.close();
    }
  } finally {
    await running.stop();
  }
}

const kindsOf = (choice: Choice) =>
  KINDS.map((isMortal) => ({
    isMortal,
    chosen: chosenCases(choice, "scratch").filter((one) => (one.isMortal ?? false) === isMortal),
  })).filter(({ chosen }) => chosen.length > 0);

/** On as many scratch gateways as the chosen cases need, at once; none where none of them is chosen. */
export async function playOnScratch(around: Around, choice: Choice): Promise<readonly PlayedOnScratch[]> {
  return Promise.all(kindsOf(choice).map(({ isMortal, chosen }) => playOne(around, isMortal, chosen)));
}

/** Sends nothing, and starts nothing. */
function dryScratch(world: ScratchWorld, send: (spec: CallSpec) => Promise<Call>): Scratch {
  const nothing = async (): Promise<void> => {};
  return {
    ...{ people: world.people, thumbprint: "A".repeat(43), without: nothing, restore: nothing, revoke: nothing },
    offer: async () => "refused",
    serveFor: async () => ({ exp: 0, shown: 0 }),
    pushTwice: async () => ({ faults: [], isWithout: false }),
    flood: async (grant) => ({ first: await send({ grant }), sent: 0, answers: new Map(), recorded: 0, dropped: 0 }),
    sendWith: async (_way, spec) => ({ ...(await send(spec)), isResumed: false }),
    sendFields: send,
    connect: () => ({ send }),
    deadly: {},
    // As if every other connection came to another worker.
    chains: async (calls) => ({ vmOf: (call) => `${calls.indexOf(call) % 2}`, faults: [] }),
    offline: async () => ({ text: "", jti: "", proofKey: undefined }),
  };
}

/** What would be played: for `--dry-run`. */
export async function planScratch(
  prepared: Prepared,
  choice: Choice,
): Promise<Pick<PlayedOnScratch, "outcomes" | "notProbed">> {
  const world = new ScratchWorld();
  const gateway: FleetGateway = {
    ...{ id: SCRATCH, url: "https://127.0.0.1", ca: undefined, admin: "", auditLog: undefined, filterPath: undefined },
    ...{ filter: undefined, caller: [], routes: [], skipped: [], accept: [], isHarmless: true },
  };
  const own = preparedFor(prepared, world, [gateway]);
  const setting = { prepared: own, players: playersOf(world), isDry: true, onCall: () => {} };
  const { stage } = makeStage(gateway, setting);
  const scratch = dryScratch(world, (spec) => stage.send(spec));
  return playOn(gateway, { ...setting, scratch }, chosenCases(choice, "scratch"), () => {});
}
