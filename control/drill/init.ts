/** A good drill file, from what stands in a project's folder: the bundle's drill entitlement, its people's keys, gateways, a ledger. */
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { UserError } from "../base/errors.js";
import { readText } from "../base/files.js";
import { visible } from "../base/text.js";
import { isKongFile } from "../gateway/kong/configuration.js";
import { KongFile } from "../gateway/kong/file.js";
import { readRenderedFilter } from "../gateway/rendered.js";
import { type Address, readSurroundings } from "../gateway/surroundings.js";
import { missingSeats } from "../grant/quorum.js";
import { type BundleClaims, type Entitlement, holdsRole, type Principal, personOf, roleName } from "../trust/claims.js";
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

/** A Kong's id is not in its file. @throws UserError where two of them have one id, by which each record names its gateway */
export function mustDiffer(gateways: readonly FoundGateway[]): void {
  const envoys = gateways.filter(({ kong }) => kong === undefined);
  for (const { id } of envoys) {
    const same = envoys.filter((one) => one.id === id);
    if (same.length < 2) continue;
    const files = same.map(({ config }) => visible(config)).join(" and ");
    throw new UserError(`${files} are of one gateway, ${visible(id)}: no record would say of which.`, {
      hint: "Give each an id, an ECDS file and logs of its own: glassgate gateway render ... --node-id west --output west/gateway.yaml. Where one is only a copy, move it away. Nothing was written.",
    });
  }
}

/** A ledger's folder and its key's file, beside the project's. */
export function ledgerIn(folder: string): { at: string; key: string } | undefined {
  const at = readdirSync(folder, { withFileTypes: true }).find(
    (entry) => entry.isDirectory() && existsSync(join(folder, entry.name, "checkpoint")),
  );
  const key = readdirSync(folder).find((name) => name.endsWith(".vkey"));
  return at === undefined || key === undefined ? undefined : { at: `${at.name}/`, key };
}
