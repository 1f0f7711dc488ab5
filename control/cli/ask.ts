/** `glassgate ask`: signed claims that open nothing, to be passed around for approval. */
import { type Command, Option } from "commander";
import { UserError } from "../base/errors.js";
import { nowSeconds } from "../base/time.js";
import { readClaims } from "../grant/ask.js";
import { type Circumstances, denied, entitlementOf } from "../grant/because.js";
import { holderOf } from "../grant/check.js";
import { claims as claimRows, type GrantClaims, optionOf } from "../grant/claims.js";
import { judgeAhead } from "../grant/judge.js";
import { newClaims, signAsk } from "../grant/make.js";
import { couldApprove, keyAt, type Need, needs, showNeed } from "../grant/quorum.js";
import { newKey } from "../signer/jwk.js";
import { personOf } from "../trust/claims.js";
import { bindingFor, keepProofKey } from "./ask-binding.js";
import { type AskOptions, wantedOf } from "./ask-wanted.js";
import {
  anchorsOption,
  bundleOption,
  collect,
  duration,
  examples,
  findKeyFile,
  jsonOption,
  keyOption,
  keysOption,
  openKey,
  passphraseOption,
  readTrusted,
  type Trusted,
} from "./context.js";
import { sayAsk } from "./describe.js";
import { result, resultJson, say, warn } from "./output.js";
import { endWarnings } from "./verdict-output.js";

const DEFAULT_TTL = 900;

/** Lets the filter judge it before anybody is woken, and says who can approve it now. Throws where it would be denied. */
async function foresee(
  draft: string,
  { anchors, text: pinned, claims: bundle }: Trusted,
  circumstances: Circumstances,
): Promise<{ needed: Need[]; warnings: string[] }> {
  const { claims, requester, now } = circumstances;
  const entitlement = entitlementOf(circumstances);
  const people = entitlement === undefined ? [] : couldApprove(bundle, entitlement, [], requester.principal, now);
  const otherKids = people.flatMap((principal) => keyAt(principal, bundle, now)?.kid ?? []);
  const judgement = await judgeAhead(
    {
      anchors,
      pinned,
      bundle,
      ask: draft,
      requesterKid: requester.key.kid,
      approvals: [],
      ownKids: [],
      otherKids,
      now,
    },
    claims,
  );
  const needed = entitlement === undefined ? [] : needs(bundle, entitlement, [], requester.principal, now);
  if (judgement.denial?.verdict === "quorum") {
    throw new UserError(
      `This can never be completed now: too few people can approve it.\n${needed.map((need) => `  ${showNeed(need)}`).join("\n")}`,
      {
        hint: "`glassgate bundle show` lists who holds which role, and when. A root holder can change that.",
        exitCode: 1,
      },
    );
  }
  if (judgement.denial !== undefined) throw denied("The gateway would deny this", judgement.denial, circumstances);
  return { needed, warnings: endWarnings(judgement) };
}

function sayNext(needed: readonly Need[]): void {
  if (needed.length === 0) {
    say("It needs no approval. Next: `glassgate grant ASK`.");
    return;
  }
  say("It opens nothing yet. These people can approve it now:");
  for (const need of needed) say(`  ${showNeed(need)}`, 4);
  say("Next: send it to them; each runs `glassgate approve ASK` and sends back the answer.");
}

async function ask(method: string | undefined, url: string | undefined, options: AskOptions): Promise<void> {
  const trusted = await readTrusted(options);
  const { anchors, claims: bundle } = trusted;
  const { public: publicKey } = findKeyFile(options.keys, options.key);
  const requester = holderOf(bundle, publicKey.kid);
  if (requester === undefined) {
    throw new UserError(`The key ${options.key} is not in the trust bundle.`, {
      hint: "A root holder adds it to the roster; or use another --key.",
    });
  }
  const wanted = await wantedOf(method, url, options);
  const { asked, details, net } = wanted;
  const entitlement = bundle.entitlements.find(({ id }) => id === asked.ent);
  const life = Math.min(DEFAULT_TTL, entitlement?.max_ttl ?? DEFAULT_TTL);
  const ttl = wanted.ttl ?? life + (entitlement?.max_wait ?? 0);
  const binding = bindingFor(options, wanted.bound, entitlement?.require?.includes("cnf") === true);
  const claimsAt = (iat: number): GrantClaims =>
    newClaims({
      ttl,
      iat,
      sub: requester.principal.id,
      aud: anchors.audience,
      ...asked,
      ...(net === undefined ? {} : { net }),
      ...(binding === undefined ? {} : { cnf: binding.cnf }),
      authorization_details: details,
    });

  // Judged before the passphrase is asked for, so under a key that is thrown away.
  const now = nowSeconds();
  const draft = await signAsk(claimsAt(now), newKey("Ed25519"));
  const claims = await readClaims(draft, "The ask");
  const { needed, warnings } = await foresee(draft, trusted, { claims, bundle, requester, approvers: [], now });
  const key = await openKey(options.keys, options.key, options.passphraseFd);
  const text = await signAsk(claimsAt(nowSeconds()), key);
  const signed = await readClaims(text, "The ask");
  if (binding !== undefined) await keepProofKey(options.keys, options.key, text, signed, binding, key);
  if (options.json === true) {
    for (const warning of warnings) warn(warning);
    resultJson({ ask: text, claims: signed, approvers: needed });
  } else {
    sayAsk(signed, personOf(requester.principal), nowSeconds(), warnings, entitlement);
    say();
    result(text);
  }
  sayNext(needed);
}

export function addAsk(program: Command): void {
  const command = program
    .command("ask")
    .description("ask for access; prints the ask, which opens nothing")
    .argument("[method]", "the HTTP method that you need")
    .argument("[url]", "the URL that you need; the last path segments may be * or **");
  // Not mandatory for commander: `--again` has them from before.
  for (const { name, flag, help } of claimRows)
    if (flag !== undefined) command.addOption(new Option(`${optionOf(name)} ${flag}`, help));
  command
    .option(
      "--ttl <duration>",
      "when it ends, from now, for example 10m (default: 15m, or less where the entitlement says so, and its max_wait)",
      duration,
    )
    .option("--also <method-and-url...>", "a further method and URL, of this host or another (repeat)")
    .option("--net <cidr>", "use it only from this network, for example 192.0.2.0/24 (repeat)", collect)
    .option("--also-method <method>", "a further method (repeat)", collect)
    .option("--also-path <pattern>", "a further path on the same host (repeat)", collect)
    .option("--again <grant>", "ask for the same once more: a grant's file, or its ask's")
    .option(
      "--bind",
      "bind it to a proof key of its own, so that a copy is worth nothing (default where it is demanded)",
    )
    .option("--bind-cert <file>", "bind it to this client certificate (PEM), for gateways that ask for one")
    .addOption(keyOption("your key's name"))
    .addOption(keysOption())
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(ask);
  examples(command, [
    'glassgate ask POST https://api.example.com/orders/42/refund --ent orders-repair --reason outage --text "refund loop" --key rita',
    'glassgate ask POST https://api.example.com/orders/42 --also GET https://stock.example.com/items/7 --ent orders-repair --reason outage --text "..." --key rita',
    "glassgate ask --again grant.txt --key rita > ask.txt   # before it runs out; each approver approves again",
    'glassgate ask GET "https://api.example.com/orders/*" --ttl 10m --ent orders-repair --reason outage --text "find the stuck ones" --key rita > ask.txt',
  ]);
}
