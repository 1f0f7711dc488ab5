/** `glassgate ask`: signed claims that open nothing, to be passed around for approval. */
import { type Command, Option } from "commander";
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { nowSeconds } from "../base/time.js";
import { readClaims } from "../grant/ask.js";
import { type Circumstances, denied, entitlementOf } from "../grant/because.js";
import { readBoundCertificate } from "../grant/certificate.js";
import { holderOf } from "../grant/check.js";
import { askedShape } from "../grant/claims.gen.js";
import { claims as claimRows, type GrantClaims, optionOf } from "../grant/claims.js";
import { judgeAhead } from "../grant/judge.js";
import { newClaims, signAsk } from "../grant/make.js";
import { couldApprove, keyAt, type Need, needs, showNeed } from "../grant/quorum.js";
import { newKey } from "../signer/jwk.js";
import { personOf } from "../trust/claims.js";
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
import { parseTarget } from "./target.js";
import { endWarnings } from "./verdict-output.js";

/** Claims that are given word for word, as options of their names. */
const askedSchema = z.object(askedShape);

interface Options extends z.infer<typeof askedSchema> {
  readonly ttl?: number;
  readonly net?: readonly string[];
  readonly alsoMethod?: readonly string[];
  readonly alsoPath?: readonly string[];
  readonly bindCert?: string;
  readonly key: string;
  readonly keys: string;
  readonly anchors: string;
  readonly bundle: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

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

async function ask(method: string, url: string, options: Options): Promise<void> {
  const trusted = await readTrusted(options);
  const { anchors, claims: bundle } = trusted;
  const { public: publicKey } = findKeyFile(options.keys, options.key);
  const requester = holderOf(bundle, publicKey.kid);
  if (requester === undefined) {
    throw new UserError(`The key ${options.key} is not in the trust bundle.`, {
      hint: "A root holder adds it to the roster; or use another --key.",
    });
  }
  const target = parseTarget(method, url);
  if (target.path.includes("?")) warn("The query is not part of a grant: any query will do.");
  const entitlement = bundle.entitlements.find(({ id }) => id === options.ent);
  const life = Math.min(DEFAULT_TTL, entitlement?.max_ttl ?? DEFAULT_TTL);
  const ttl = options.ttl ?? life + (entitlement?.max_wait ?? 0);
  const { net } = options;
  const bound = options.bindCert === undefined ? undefined : readBoundCertificate(options.bindCert, nowSeconds());
  for (const warning of bound?.warnings ?? []) warn(warning);
  const asked = { ...askedSchema.parse(options), ...(bound === undefined ? {} : { cnf: bound.cnf }) };
  const claimsAt = (iat: number): GrantClaims =>
    newClaims({
      ttl,
      iat,
      sub: requester.principal.id,
      aud: anchors.audience,
      ...asked,
      ...(net === undefined ? {} : { net: [...net] }),
      authorization_details: [
        {
          type: "break_glass_http",
          locations: [target.host],
          actions: [target.method, ...(options.alsoMethod ?? [])],
          paths: [target.path.split("?", 1)[0] ?? "/", ...(options.alsoPath ?? [])],
        },
      ],
    });

  // Judged before the passphrase is asked for, so under a key that is thrown away.
  const now = nowSeconds();
  const draft = await signAsk(claimsAt(now), newKey("Ed25519"));
  const claims = await readClaims(draft, "The ask");
  const { needed, warnings } = await foresee(draft, trusted, { claims, bundle, requester, approvers: [], now });
  const key = await openKey(options.keys, options.key, options.passphraseFd);
  const text = await signAsk(claimsAt(nowSeconds()), key);
  const signed = await readClaims(text, "The ask");
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
    .argument("<method>", "the HTTP method that you need")
    .argument("<url>", "the URL that you need; the last path segments may be * or **");
  for (const { name, flag, help, optional } of claimRows) {
    if (flag !== undefined)
      command.addOption(new Option(`${optionOf(name)} ${flag}`, help).makeOptionMandatory(optional !== true));
  }
  command
    .option(
      "--ttl <duration>",
      "when it ends, from now, for example 10m (default: 15m, or less where the entitlement says so, and its max_wait)",
      duration,
    )
    .option("--net <cidr>", "use it only from this network, for example 192.0.2.0/24 (repeat)", collect)
    .option("--also-method <method>", "a further method (repeat)", collect)
    .option("--also-path <pattern>", "a further path on the same host (repeat)", collect)
    .option("--bind-cert <file>", "bind it to this client certificate (PEM): without its key a copy is worth nothing")
    .addOption(keyOption("your key's name"))
    .addOption(keysOption())
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(ask);
  examples(command, [
    'glassgate ask POST https://api.example.com/orders/42/refund --ent orders-repair --reason outage --text "refund loop" --key rita',
    'glassgate ask GET "https://api.example.com/orders/*" --ttl 10m --ent orders-repair --reason outage --text "find the stuck ones" --key rita > ask.txt',
  ]);
}
