/** The text of a drill file that `glassgate drill init` writes. */
import { shellWord } from "../base/text.js";
import type { BundleClaims } from "../trust/claims.js";
import type { Detail } from "../trust/names.js";
import type { FoundCast, FoundGateway } from "./init.js";

const quoted = (text: string): string => JSON.stringify(text);
const listOf = (texts: readonly string[]): string => `[${texts.map(quoted).join(", ")}]`;

function gatewayLines({ id, url, config, caller, kong, takesAny }: FoundGateway): string[] {
  return [
    `  - id: ${quoted(id)}${kong === undefined ? "" : "   # as `curl http://127.0.0.1:8001` shows it"}`,
    `    url: ${quoted(url)}            # the listener that callers use`,
    `    config: ${quoted(config)}`,
    ...(kong === undefined ? [] : [`    kong: ${quoted(kong)}   # its Admin API; a token stands in KONG_ADMIN_TOKEN`]),
    ...(caller === undefined
      ? []
      : [`    caller: ${quoted(caller)}   # a normal caller's header lines: he must still get through`]),
    "    # open: [/healthz]          # places that anybody may reach",
    ...(url.startsWith("https:") && !takesAny
      ? ["    # certificate: { cert: caller.pem, key: caller.key } # what callers show, where they are asked for one"]
      : []),
    "    # harmless: true            # its upstream may be sent other methods than GET and HEAD",
  ];
}

const detailLine = ({ locations, actions, paths }: Detail): string =>
  `    - { locations: ${listOf(locations)}, actions: ${listOf(actions)}, paths: ${listOf(paths)} }`;

/** A quarter, or as long as a bundle of this life surely serves when the next drill is due. */
const QUARTER_DAYS = 90;
export function everyDays({ iat, exp }: Pick<BundleClaims, "iat" | "exp">): number {
  const life = (exp - iat) / 86_400;
  return Math.min(QUARTER_DAYS, Math.max(1, Math.floor((life * 8) / 9)));
}

export interface Plan {
  readonly name: string;
  /** Days from one to the next. */
  readonly every: number;
  readonly cast: FoundCast;
  readonly gateways: readonly FoundGateway[];
  readonly ledger: { readonly at: string; readonly key: string } | undefined;
}

export function drillText({ name, every, cast, gateways, ledger }: Plan): string {
  const { entitlement } = cast;
  const named = gateways.map(({ config }) => `--gateway ${shellWord(config)}`).join(" ");
  return `${[
    "# yaml-language-server: $schema=./drill.schema.json",
    "# A drill: `glassgate drill run` plays it, docs/drill-file.md tells each member. Paths count from this file's folder.",
    "",
    `name: ${quoted(name)}`,
    `every: ${every}d                      # when the next one is due: before the bundle of this one ends`,
    "",
    "# Names of keys. Their owners hold roles of drills alone, as a machine may hold the keys.",
    "people:",
    `  requester: ${quoted(cast.requester)}`,
    `  approvers: ${listOf(cast.approvers)}       # exactly whom the quorum needs: each is left out once`,
    cast.stranger === undefined
      ? "  # stranger: drill-sam         # somebody who may not ask for it"
      : `  stranger: ${quoted(cast.stranger)}          # somebody who may not ask for it`,
    "",
    `entitlement: ${quoted(entitlement.id)}`,
    "expects:                        # what it opens today: a drill finds it wider",
    `  max_ttl: ${entitlement.max_ttl}s`,
    "  opens:",
    ...entitlement.authorization_details.map(detailLine),
    "",
    "gateways:",
    ...gateways.flatMap(gatewayLines),
    "",
    ...(ledger === undefined
      ? ["# ledger: { at: ledger/, key: ledger.vkey }   # without it nothing is proved"]
      : [`ledger: { at: ${quoted(ledger.at)}, key: ${quoted(ledger.key)} }`]),
    "# stream: { path: /drill/orders, headers: {} } # a request whose answer goes on until it is cut",
    "",
    "# Your own commands, without a shell; none gets the passphrase of the drill's keys. What they name is done to your gateways.",
    `# revoke: [./revoke.sh, "{jti}"]  # takes that grant back: glassgate revoke --grant "$1" --key NAME ${named} --passphrase-fd 3 3< FILE`,
    `# push: [glassgate, push, --anew, ${gateways.map(({ config }) => `--gateway, ${quoted(config)}`).join(", ")}]`,
    "# alerts: [cat, alarms.log]       # prints the alarms that were received, by whoever gets those of the ledger",
    "",
    "repeat: 3",
    "limits: { grant: 10s, first_allowed: 10s, revoked: 10s, expired: 5s, pushed: 15s, recorded: 30s, alarmed: 30s, alerted: 60s }",
  ].join("\n")}\n`;
}
