/** A good drill file, from what stands in a project's folder: the bundle's drill entitlement, its people's keys, gateways, a ledger. */
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { UserError } from "../base/errors.js";
import { readText } from "../base/files.js";
import { shellWord, visible } from "../base/text.js";
import { isKongFile } from "../gateway/kong/configuration.js";
import { KongFile } from "../gateway/kong/file.js";
import { readRenderedFilter } from "../gateway/rendered.js";
import { type Address, readSurroundings } from "../gateway/surroundings.js";
import { missingSeats } from "../grant/quorum.js";
import { type BundleClaims, type Entitlement, holdsRole, type Principal, personOf, roleName } from "../trust/claims.js";
import type { Detail } from "../trust/names.js";
import { ANY_CERTIFICATE } from "./fleet.js";

/** A key's name, and its id. */
export interface NamedKey {
  readonly name: string;
  readonly kid: string;
}

interface Person extends NamedKey {
  readonly principal: Principal;
}

export interface FoundGateway {
  readonly id: string;
  readonly url: string;
  /** Paths from the drill file's folder. */
  readonly config: string;
  readonly caller: string | undefined;
  /** It asks for client certificates, and takes any. */
  readonly takesAny?: boolean;
  /** Of a Kong: its Admin API. */
  readonly kong?: string;
}

/** Whose keys are here, of people who hold roles of drills alone. */
function peopleOf(bundle: BundleClaims, keys: readonly NamedKey[]): Person[] {
  const real = new Set<string>([...(bundle.revokers ?? []), ...(bundle.reviewers ?? [])]);
  for (const { drill, requesters, approvals } of bundle.entitlements)
    if (drill !== true) for (const role of [...requesters, ...approvals.map((one) => one.role)]) real.add(role);
  return keys.flatMap(({ name, kid }) => {
    const principal = bundle.principals.find((one) => one.keys.some((key) => key.kid === kid));
    return principal === undefined || principal.roles.some((role) => real.has(roleName(role)))
      ? []
      : [{ name, kid, principal }];
  });
}

export interface FoundCast {
  readonly entitlement: Entitlement;
  readonly requester: string;
  readonly approvers: readonly string[];
  readonly stranger: string | undefined;
}

/** As few as make the quorum, each another person than the others. */
function quorumOf(entitlement: Entitlement, requester: Person, people: readonly Person[], now: number) {
  const chosen: Person[] = [];
  const missing = (all: readonly Person[]): number =>
    missingSeats(
      entitlement,
      all.map(({ principal }) => ({ principal, iat: now })),
      now,
    ).length;
  for (const one of people) {
    const persons = [requester, ...chosen].map(({ principal }) => personOf(principal));
    if (persons.includes(personOf(one.principal)) || missing([...chosen, one]) === missing(chosen)) continue;
    chosen.push(one);
  }
  return missing(chosen) === 0 ? chosen : undefined;
}

/** What is left to do until there is somebody to play it. */
function castHint(bundle: BundleClaims, keys: readonly NamedKey[]): string {
  const known = new Set(bundle.principals.flatMap((one) => one.keys.map(({ kid }) => kid)));
  const unlisted = keys.filter(({ name, kid }) => !known.has(kid) && bundle.principals.some(({ id }) => id === name));
  if (unlisted.length > 0) {
    const names = unlisted.map(({ name }) => visible(name)).join(", ");
    return `The trust bundle does not have the key here of ${names}: put the line of \`glassgate key show NAME\` under that person in roster.yaml, then build, sign and push.`;
  }
  return "`glassgate key new drill-rita` makes one: put its line under the person in roster.yaml (the sample has drill-rita and drill-adam), then build, sign and push.";
}

/** @param folder where the keys are @throws UserError where the bundle or the keys are not ready for a drill */
export function castFrom(bundle: BundleClaims, keys: readonly NamedKey[], now: number, folder: string): FoundCast {
  const drills = bundle.entitlements.filter(({ drill }) => drill === true);
  if (drills.length === 0)
    throw new UserError("The trust bundle has no entitlement with `drill: true`.", {
      hint: "The sample roster has one (orders-repair-drill): put one of your own into roster.yaml, then build, sign and push.",
    });
  const people = peopleOf(bundle, keys);
  for (const entitlement of drills) {
    const mayAsk = ({ principal }: Person): boolean =>
      entitlement.requesters.some((role) => holdsRole(principal, role, now));
    for (const requester of people.filter(mayAsk)) {
      const approvers = quorumOf(entitlement, requester, people, now);
      if (approvers === undefined) continue;
      const stranger = people.find((one) => !mayAsk(one));
      const names = approvers.map(({ name }) => name);
      return { entitlement, requester: requester.name, approvers: names, stranger: stranger?.name };
    }
  }
  const wanted = drills.map(({ id, requesters, approvals }) => {
    const roles = approvals.map(({ role, count }) => `${count} of ${role}`).join(" and ");
    return `${id} is asked for as ${requesters.join(" or ")} and approved by ${roles || "nobody"}`;
  });
  throw new UserError(
    `There are no keys in ${visible(folder)} of people who could play a drill: ${wanted.join("; ")}. Keys there of people who hold roles of drills alone: ${people.map(({ name }) => visible(name)).join(", ") || "none"}.`,
    { hint: castHint(bundle, keys) },
  );
}

function addressOf({ host, port }: Address, isTls: boolean): string {
  const shown = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
  return `${isTls ? "https" : "http"}://${shown}:${port}`;
}

/** Where Kong itself lets its Admin API listen. */
const KONG_ADMIN = "http://127.0.0.1:8001";
/** Stands until somebody has asked that Kong. */
const KONG_ID = "node_id-of-this-kong";

/** A declarative file with our filter, by whose own way through the Kong its proxy port is known. */
function kongIn(text: string, path: string): Pick<FoundGateway, "id" | "url" | "kong"> {
  const [probed] = KongFile.read(text, path).probes;
  return { id: KONG_ID, url: `http://127.0.0.1:${probed?.port ?? 8000}`, kong: KONG_ADMIN };
}

/** Configurations with our filter, in the folder and one below. */
export function gatewaysIn(folder: string): FoundGateway[] {
  const files = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [path];
    if (entry.name === "node_modules" || entry.name.startsWith(".")) return [];
    return readdirSync(path).map((name) => join(path, name));
  });
  return files
    .filter((path) => /\.ya?ml$/.test(path))
    .sort()
    .flatMap((path): FoundGateway[] => {
      const text = readText(path, "a file that may be a gateway's configuration");
      const isKong = isKongFile(text);
      if (!isKong && !text.includes("config_discovery")) return [];
      const caller = join(path, "..", "caller.txt");
      const common = {
        config: relative(folder, path),
        caller: existsSync(caller) ? relative(folder, caller) : undefined,
      };
      try {
        if (isKong) return [{ ...kongIn(text, path), ...common }];
        const { nodeId } = readRenderedFilter(text, path);
        const [listener] = readSurroundings(text, path).listeners;
        if (nodeId === undefined || listener === undefined) return [];
        return [
          {
            id: nodeId,
            url: addressOf(listener, text.includes("DownstreamTlsContext")),
            ...common,
            takesAny: text.includes(ANY_CERTIFICATE),
          },
        ];
      } catch (error) {
        if (error instanceof UserError) return []; // Another program's file.
        throw error;
      }
    });
}

/** A ledger's folder and its key's file, beside the project's. */
export function ledgerIn(folder: string): { at: string; key: string } | undefined {
  const at = readdirSync(folder, { withFileTypes: true }).find(
    (entry) => entry.isDirectory() && existsSync(join(folder, entry.name, "checkpoint")),
  );
  const key = readdirSync(folder).find((name) => name.endsWith(".vkey"));
  return at === undefined || key === undefined ? undefined : { at: `${at.name}/`, key };
}

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

export interface Plan {
  readonly name: string;
  readonly cast: FoundCast;
  readonly gateways: readonly FoundGateway[];
  readonly ledger: { readonly at: string; readonly key: string } | undefined;
}

export function drillText({ name, cast, gateways, ledger }: Plan): string {
  const { entitlement } = cast;
  const named = gateways.map(({ config }) => `--gateway ${shellWord(config)}`).join(" ");
  return `${[
    "# yaml-language-server: $schema=./drill.schema.json",
    "# A drill: `glassgate drill run` plays it, docs/drill-file.md tells each member. Paths count from this file's folder.",
    "",
    `name: ${quoted(name)}`,
    "every: 90d                      # when the next one is due",
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
