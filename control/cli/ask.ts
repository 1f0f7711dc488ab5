/** `glassgate ask`: signed claims that open nothing, to be passed around for approval. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { nowSeconds } from "../base/time.js";
import { entitlementFor, holderOf } from "../grant/check.js";
import { makeAsk } from "../grant/make.js";
import { claimsOf } from "../grant/message.js";
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
} from "./context.js";
import { describeAsk, describeWithFilter } from "./describe.js";
import { result, resultJson, say, warn } from "./output.js";
import { parseTarget } from "./target.js";

interface Options {
  readonly ent: string;
  readonly reason: string;
  readonly text: string;
  readonly incident?: string;
  readonly drill?: string;
  readonly ttl?: number;
  readonly alsoMethod?: readonly string[];
  readonly alsoPath?: readonly string[];
  readonly key: string;
  readonly keys: string;
  readonly anchors: string;
  readonly bundle: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

const DEFAULT_TTL = 900;

async function ask(method: string, url: string, options: Options): Promise<void> {
  const { anchors, claims: bundle } = await readTrusted(options);
  const { public: publicKey } = findKeyFile(options.keys, options.key);
  const holder = holderOf(bundle, publicKey.kid);
  if (holder === undefined) {
    throw new UserError(`The key ${options.key} is not in the trust bundle.`, {
      hint: "A root holder adds it to the roster; or use another --key.",
    });
  }
  const target = parseTarget(method, url);
  if (target.path.includes("?")) warn("The query is not part of a grant: any query will do.");
  const maxTtl = bundle.entitlements.find(({ id }) => id === options.ent)?.max_ttl;
  const now = nowSeconds();
  const key = await openKey(options.keys, options.key, options.passphraseFd);
  const text = await makeAsk(
    {
      ttl: options.ttl ?? Math.min(DEFAULT_TTL, maxTtl ?? DEFAULT_TTL),
      iat: now,
      sub: holder.principal.id,
      aud: anchors.audience,
      ent: options.ent,
      reason: options.reason,
      text: options.text,
      ...(options.incident === undefined ? {} : { incident: options.incident }),
      authorization_details: [
        {
          type: "break_glass_http",
          locations: [target.host],
          actions: [target.method, ...(options.alsoMethod ?? [])],
          paths: [target.path.split("?", 1)[0] ?? "/", ...(options.alsoPath ?? [])],
        },
      ],
      ...(options.drill === undefined ? {} : { drill: options.drill }),
    },
    key,
  );
  const claims = claimsOf(text, "The ask");
  const { entitlement, faults } = entitlementFor(claims, bundle, holder.principal, now);
  if (faults.length > 0)
    throw new UserError(`The gateway would refuse this: ${faults.join("; ")}.`, {
      hint: "`glassgate bundle show` lists what each entitlement allows.",
    });
  const { lines, warnings } = describeAsk(await describeWithFilter(text, "The ask"), now);
  if (options.json === true) resultJson({ ask: text, claims });
  else {
    for (const line of lines) say(line);
    result(text);
  }
  for (const warning of warnings) warn(warning);
  const needed = entitlement.approvals.map(({ role, count }) => `${count} of ${role}`).join(" and ");
  say(
    needed === ""
      ? "It needs no approval. Next: `glassgate grant ASK`."
      : `It opens nothing yet. Next: send it to ${needed}; each runs \`glassgate approve ASK\`.`,
  );
}

export function addAsk(program: Command): void {
  const command = program
    .command("ask")
    .description("ask for access; prints the ask, which opens nothing")
    .argument("<method>", "the HTTP method that you need")
    .argument("<url>", "the URL that you need; the last path segments may be * or **")
    .requiredOption("--ent <id>", "the entitlement to invoke")
    .requiredOption("--reason <code>", "one of the entitlement's reasons")
    .requiredOption("--text <words>", "why, in your own words")
    .option("--incident <id>", "the ticket")
    .option("--drill <id>", "this is an exercise, for entitlements made for drills")
    .option(
      "--ttl <duration>",
      "how long it should live, for example 10m (default: 15m, or less where the entitlement says so)",
      duration,
    )
    .option("--also-method <method>", "a further method (repeat)", collect)
    .option("--also-path <pattern>", "a further path on the same host (repeat)", collect)
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
