/** `glassgate revoke`: takes away a key, a person, a grant, an incident or everything, by one person, at all gateways at once. */
import { Argument, type Command, Option } from "commander";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { nowSeconds, showTime } from "../base/time.js";
import type { Held } from "../gateway/held.js";
import { bringTextToKong } from "../gateway/kong/revoke.js";
import { refusalOf } from "../gateway/push-preflight.js";
import { bringText } from "../gateway/revoke.js";
import type { PrivateKey } from "../signer/jwk.js";
import type { Revoked } from "../trust/claims.js";
import { entriesOf, missingFrom, unionOf, without } from "../trust/entries.js";
import { quoted } from "../trust/facts.js";
import { newestOf, nextClaims, saysAll } from "../trust/next-text.js";
import { type RevocationClaims, signRevocations } from "../trust/revocations.js";
import { offering } from "./completion.js";
import { collect, examples, findKeyFile, jsonOption, keysOption, openKey, passphraseOption } from "./context.js";
import {
  addressOf,
  adminOption,
  type Gateway,
  type GatewayOptions,
  gatewayOption,
  kongOption,
  readGateways,
} from "./gateways.js";
import { askPerson, paint, say, warn } from "./output.js";
import { type AskedOptions, askedFor } from "./revoke-asked.js";
import { clocksAhead } from "./revoke-clocks.js";
import { listRevocations } from "./revoke-list.js";
import { type GatewayOutcome, report, sayOutcome, sayText, whoIs } from "./revoke-report.js";
import { type Revoker, revokerOf, type Standing, standingsOf } from "./revoke-signer.js";
import { UNSEEN_GRANTS, useOf } from "./revoke-use.js";

interface Options extends GatewayOptions, AskedOptions {
  readonly takeBack?: boolean;
  readonly adopt?: readonly string[];
  readonly list?: boolean;
  readonly key?: string;
  readonly keys: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

/** Grants that are asked for in the very second of a stop, by a clock that is ahead as far as gateways allow. @param ahead of this machine's */
const stopMoment = (standings: readonly Standing[], ahead: number): number =>
  nowSeconds() + ahead + Math.max(...standings.map(({ held }) => held.leeway)) + 1;

/** Nobody writes a new gateway at such a moment. */
const UNREAD =
  "Name the gateway's own file with --gateway. Nothing was signed. Of several, leave this one out, and revoke there afterwards.";

interface Plan {
  readonly standings: readonly Standing[];
  readonly revoker: Revoker;
  /** What is asked, as of now: `stop` means the moment in which it is signed. */
  readonly asked: () => Revoked;
  readonly isStop: boolean;
  readonly isTakenBack: boolean;
}

const audiencesOf = (standings: readonly Standing[]): string[] => [
  ...new Set(standings.map(({ held }) => held.anchors.audience)),
];

/** What is signed if it is signed now; a text that says it all already is used as it is. */
function textOf({ standings, revoker, asked, isTakenBack }: Plan): { claims: RevocationClaims; text?: string } {
  const previous = revoker.texts.map(({ claims }) => claims);
  const aud = audiencesOf(standings);
  const floor: RevocationClaims = { version: revoker.floor, iat: 0, aud: [], revoked: {} };
  if (isTakenBack) {
    const whole = unionOf(...previous.map(({ revoked }) => revoked));
    const next = nextClaims([...previous, floor], { revoked: {}, aud }, nowSeconds());
    return { claims: { ...next, revoked: without(whole, entriesOf(asked())) } };
  }
  const newest = revoker.texts.find(({ claims }) => claims === newestOf(previous));
  const wanted = { revoked: asked(), aud };
  if (newest !== undefined && newest.claims.version > revoker.floor && saysAll(newest.claims, previous, wanted))
    return { claims: newest.claims, text: newest.text };
  return { claims: nextClaims([...previous, floor], wanted, nowSeconds()) };
}

function planOf(
  what: string | undefined,
  options: Options,
  standings: readonly Standing[],
  keyName: string,
  ahead: number,
): Plan {
  if (what !== undefined && what !== "stop")
    throw new UserError(`There is no \`glassgate revoke ${visible(what)}\`.`, {
      hint: "`glassgate revoke stop` takes away everything; else name it with --person, --sub, --kid, --grant or --incident.",
    });
  const isStop = what === "stop";
  const bundles = standings.flatMap(({ held }) => held.claims ?? []);
  const known = { bundles, roots: standings.flatMap(({ held }) => held.anchors.roots.map(({ kid }) => kid)) };
  const revoker = revokerOf(findKeyFile(options.keys, keyName).public, keyName, standings, nowSeconds());
  const adopted = standings.flatMap(({ held }) =>
    held.texts.filter(({ signer, fault }) => fault === undefined && options.adopt?.includes(signer) === true),
  );
  const stranger = (options.adopt ?? []).find((name) => !adopted.some(({ signer }) => signer === name));
  if (stranger !== undefined)
    throw new UserError(`No gateway has revocations of ${quoted(stranger)} to adopt.`, {
      hint: "`glassgate revoke --list` shows whose there are. Nothing was signed.",
    });
  const asked = (): Revoked =>
    unionOf(
      askedFor(options, isStop ? stopMoment(standings, ahead) : undefined, known),
      ...adopted.map(({ claims }) => claims.revoked),
    );
  const first = asked();
  if (entriesOf(first).length === 0)
    throw new UserError("Nothing is named that is to be taken away.", {
      hint: "Name it with --person, --sub, --kid, --grant or --incident, or say `glassgate revoke stop` for everything.",
    });
  const isTakenBack = options.takeBack === true;
  const own = unionOf(...revoker.texts.map(({ claims }) => claims.revoked));
  if (isTakenBack && missingFrom(own, first).length > 0)
    throw new UserError(`${whoIs(revoker)} has not revoked that: there is nothing to take back.`, {
      hint: "`glassgate revoke --list` shows what is in force, and whose it is. What a bundle holds a root takes back: `glassgate bundle build --take-back`.",
    });
  return { standings, revoker, asked, isStop, isTakenBack };
}

async function sayUse({ standings }: Plan, claims: RevocationClaims): Promise<void> {
  for (const { gateway, held } of standings) {
    say(`Used at ${visible(gateway.file)}, and may still live:`);
    for (const line of await useOf(gateway, held, claims.revoked, nowSeconds())) say(`  ${line}`, 4);
  }
  say(UNSEEN_GRANTS);
}

async function signNow(
  plan: Plan,
  key: PrivateKey,
  shown: RevocationClaims,
): Promise<{ claims: RevocationClaims; text: string }> {
  // The seconds that the passphrase took: only they may differ from what was shown.
  const { claims } = textOf(plan);
  const signed = plan.isStop ? claims : { ...shown, version: claims.version, iat: claims.iat };
  const text = await signRevocations(signed, key);
  if (plan.isStop)
    say(
      `Signed as of now: grants asked for before ${claims.revoked.issued_before?.map(({ at }) => showTime(at)).join(", ")}.`,
    );
  say(`Signed as version ${signed.version}.`);
  return { claims: signed, text };
}

/** V8 compiles a function when it first runs. Before anything is signed: from then on each millisecond counts. */
async function compileFilter(standings: readonly Standing[]): Promise<void> {
  const held = standings.map(({ held }) => held).find(({ bundle }) => bundle !== undefined);
  await refusalOf(JSON.stringify({ generation: 1, ...held?.anchors, bundle: held?.bundle?.text }));
}

const bring = (gateway: Gateway, held: Held, text: string): Promise<GatewayOutcome["outcome"]> =>
  gateway.kind === "kong"
    ? bringTextToKong(gateway.file, gateway.kongs, held, text)
    : bringText({ filter: gateway.filter, admin: gateway.admin, held }, text);

async function revoke(what: string | undefined, options: Options): Promise<void> {
  const gateways = readGateways(options, UNREAD);
  if (options.list === true) return listRevocations(gateways, options.json);
  if (options.key === undefined)
    throw new UserError("Whose signature? No key is named.", {
      hint: "Name your own with --key NAME (or GLASSGATE_KEY): a root's, or a revoker's.",
    });
  const standings = await standingsOf(gateways);
  const plan = planOf(what, options, standings, options.key, what === "stop" ? await clocksAhead(gateways) : 0);
  const { revoker } = plan;
  const draft = textOf(plan);
  const before = unionOf(...revoker.texts.map(({ claims }) => claims.revoked));
  say(
    paint(
      "bold",
      `You revoke as ${whoIs(revoker)}, alone, at ${gateways.map(({ file }) => visible(file)).join(", ")}.`,
    ),
  );
  for (const [{ gateway }, bar] of revoker.barred)
    warn(`${visible(gateway.file)}: your key ${bar}: nothing is written there`);
  sayText(draft.claims, before, revoker, standings, draft.text === undefined ? undefined : draft.claims.version);
  if (plan.isStop) {
    await sayUse(plan, draft.claims);
    if ((await askPerson('Type "yes" to stop them, anything else to leave it: ')) !== "yes")
      throw new UserError("Not signed. Nothing was changed.", { exitCode: 1 });
  }
  let signed = { claims: draft.claims, text: draft.text ?? "" };
  if (draft.text === undefined) {
    await compileFilter(standings);
    const key = await openKey(options.keys, options.key, options.passphraseFd);
    signed = await signNow(plan, key, draft.claims);
  } else say("You have signed just that already: nothing is signed anew, and what is missing is finished.");

  const started = performance.now();
  const done = await Promise.all(
    standings.map(async (standing): Promise<GatewayOutcome> => {
      const { gateway, held } = standing;
      const bar = revoker.barred.get(standing);
      const outcome =
        bar === undefined
          ? await bring(gateway, held, signed.text)
          : { kind: "refused" as const, why: `your key ${bar}`, next: undefined };
      const milliseconds = Math.round(performance.now() - started);
      const one = { gateway: gateway.file, admin: addressOf(gateway), outcome, milliseconds };
      sayOutcome(one, draft.text === undefined, options.json);
      return one;
    }),
  );
  report(done, { ...signed, signer: revoker.name }, options.json);
}

export function addRevoke(program: Command): void {
  const command = program
    .command("revoke")
    .description("take away grants at once, by one person: of a person, a key, a ticket, one grant, or all of them")
    .addArgument(
      offering(new Argument("[stop]", "`stop`: every grant asked for until now (with --person or --sub: theirs)"), [
        "stop",
      ]),
    )
    .option("--person <name>", "all accounts of a person, for what they asked for or approved (repeat)", collect)
    .option("--sub <id>", "one account alone (repeat)", collect)
    .option("--kid <kid>", "a key, by its whole kid (repeat)", collect)
    .option("--grant <grant>", "one grant: its jti, or the grant or ask itself, as text or file (repeat)", collect)
    .option("--incident <id>", "all grants for a ticket (repeat)", collect)
    .option("--adopt <signer>", "also all that this signer revoked, into your own (repeat)", collect)
    .option("--take-back", "take that out of what you revoked before")
    .option("--list", "show what is in force at each gateway, and whose it is")
    .addOption(new Option("--key <name>", "your key's name: a root's, or a revoker's").env("GLASSGATE_KEY"))
    .addOption(keysOption())
    .addOption(gatewayOption("all of them at the same time"))
    .addOption(adminOption())
    .addOption(kongOption())
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(revoke);
  examples(command, [
    "glassgate revoke --person rita --key anna",
    "glassgate revoke --grant 0b6k3Jm2Qz5XwT9e --key anna --gateway east.yaml --gateway west.yaml",
    "glassgate revoke stop --key anna",
    "glassgate revoke stop --key anna --gateway gateway.yaml --gateway kong.yaml --kong http://127.0.0.1:8001",
    "glassgate revoke --list",
  ]);
}
