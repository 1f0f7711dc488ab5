/** From the drill file to all that it names: people, entitlement, gateways. What is not fit for a drill is refused, with its line. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../base/files.js";
import { type Finding, refuseFindings } from "../base/schema.js";
import { nearest, visible } from "../base/text.js";
import { readYaml } from "../base/yaml.js";
import { headerLines } from "../caller/headers.js";
import { missingSeats } from "../grant/quorum.js";
import { type Anchors, readAnchors } from "../trust/anchors.js";
import { type BundleClaims, type Entitlement, holdsRole, type Principal, personOf, roleName } from "../trust/claims.js";
import { drillRoles, mayHoldDrills, realRoles } from "../trust/drill-roles.js";
import { commandsOf, type NamedCommands } from "./commands/named.js";
import { DRILL_HINT, type DrillSource } from "./file.js";
import { readFleetGateway } from "./fleet.js";
import { leftOut } from "./left-out.js";
import type { ClientCertificate, FleetGateway, Meant, NotProbed, Target } from "./model.js";
import { targetOf } from "./target.js";

/** A key's name in the drill file, with whose it is. */
export interface Cast {
  readonly name: string;
  readonly principal: Principal;
}

export interface Prepared {
  readonly source: DrillSource;
  readonly anchors: Anchors;
  readonly bundle: BundleClaims;
  readonly entitlement: Entitlement;
  readonly requester: Cast;
  readonly approvers: readonly Cast[];
  readonly stranger: Cast | undefined;
  /** The name of a key. */
  readonly former: string | undefined;
  readonly signer: Cast;
  readonly target: Target;
  readonly meant: Meant;
  readonly gateways: readonly FleetGateway[];
  readonly commands: NamedCommands;
  readonly notProbed: readonly NotProbed[];
}

/** Throws with the line of each. */
export function refuse(source: DrillSource, findings: readonly Finding[]): never {
  refuseFindings(readYaml(source.text, source.name, DRILL_HINT), findings, DRILL_HINT);
}

/** A pipe or a device in the place of a file would be waited for without an end. @returns why it cannot be read; undefined where it can */
export function faultOfFile(path: string): string | undefined {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined) return `there is no file ${visible(path)}`;
  return there.isFile() ? undefined : `${visible(path)} is no plain file`;
}

/** All that is read of a gateway on this machine. */
function checkFiles({ drill, at }: DrillSource, refuseAt: Refuse): void {
  drill.gateways.forEach(({ config, ca, caller, certificate }, i) => {
    const named = { config, ca, caller, cert: certificate?.cert, key: certificate?.key };
    for (const [member, file] of Object.entries(named)) {
      const fault = file === undefined ? undefined : faultOfFile(at(file));
      const inside = member === "cert" || member === "key" ? ["certificate", member] : [member];
      if (fault !== undefined) refuseAt(["gateways", i, ...inside], fault);
    }
  });
}

type Refuse = (path: Finding["path"], message: string) => never;

function castOf(bundle: BundleClaims, kidOf: (name: string) => string, refuseAt: Refuse) {
  const real = realRoles(bundle);
  return (name: string, path: Finding["path"]): Cast => {
    const kid = kidOf(name);
    const principal = bundle.principals.find(({ keys }) => keys.some((key) => key.kid === kid));
    if (principal === undefined)
      return refuseAt(
        path,
        `the key ${name} is nobody's in the trust bundle: put its line into roster.yaml, build, sign and push`,
      );
    const role = principal.roles.map(roleName).find((one) => real.has(one));
    if (role !== undefined)
      refuseAt(
        path,
        `${principal.id} holds the role ${role}, which ${real.get(role)}: a drill's keys lie where a machine can use them, so its people hold roles of drills alone`,
      );
    return { name, principal };
  };
}

function entitlementOf({ drill }: DrillSource, bundle: BundleClaims, refuseAt: Refuse): Entitlement {
  const found = bundle.entitlements.find(({ id }) => id === drill.entitlement);
  const drills = bundle.entitlements.filter((one) => one.drill === true).map(({ id }) => id);
  if (found === undefined) {
    const near = nearest(drill.entitlement, drills);
    return refuseAt(
      ["entitlement"],
      `is no entitlement of the trust bundle; ${near === undefined ? `for drills there are: ${drills.join(", ") || "none"}` : `did you mean ${near}?`}`,
    );
  }
  if (found.drill !== true)
    refuseAt(
      ["entitlement"],
      `${found.id} is none of drills: a drill opens only what has \`drill: true\` in the roster`,
    );
  if (found.require?.includes("net") === true && drill.net === undefined)
    refuseAt(["entitlement"], `${found.id} demands \`net\`: name the networks that the drill is sent from in \`net\``);
  return found;
}

function checkPeople(
  prepared: Pick<Prepared, "requester" | "approvers" | "stranger" | "entitlement">,
  refuseAt: Refuse,
) {
  const { requester, approvers, stranger, entitlement } = prepared;
  const now = Math.floor(Date.now() / 1000);
  const mayAsk = ({ principal }: Cast): boolean =>
    entitlement.requesters.some((role) => holdsRole(principal, role, now));
  if (!mayAsk(requester))
    refuseAt(
      ["people", "requester"],
      `${requester.principal.id} may not ask for ${entitlement.id}, which is for ${entitlement.requesters.join(", ")}`,
    );
  if (stranger !== undefined && mayAsk(stranger))
    refuseAt(
      ["people", "stranger"],
      `${stranger.principal.id} may ask for ${entitlement.id}: name somebody who may not`,
    );
  const persons = new Set([personOf(requester.principal)]);
  approvers.forEach(({ principal }, i) => {
    if (persons.has(personOf(principal)))
      refuseAt(["people", "approvers", i], `${principal.id} is a person who takes part already: each must be another`);
    persons.add(personOf(principal));
  });
  const missing = missingSeats(
    entitlement,
    approvers.map(({ principal }) => ({ principal, iat: now })),
    now,
  );
  if (missing.length > 0)
    refuseAt(
      ["people", "approvers"],
      `are not enough for ${entitlement.id}: an approval as ${missing.join(" and as ")} is missing`,
    );
}

/** Whose signature no ledger and no auditor would take is told before the first request. */
function checkSigner({ principal }: Cast, bundle: BundleClaims, refuseAt: Refuse): void {
  if (!mayHoldDrills(bundle, principal, [Math.floor(Date.now() / 1000)]))
    refuseAt(
      ["people", "signer"],
      `${principal.id} holds none of the roles of drills (${[...drillRoles(bundle)].join(", ")}): nobody would take the signature under the report`,
    );
}

function checkFormer(
  name: string | undefined,
  { principals }: BundleClaims,
  kidOf: Given["kidOf"],
  refuseAt: Refuse,
): void {
  if (name === undefined) return;
  const kid = kidOf(name);
  const owner = principals.find(({ keys }) => keys.some((key) => key.kid === kid));
  if (owner !== undefined)
    refuseAt(
      ["people", "former"],
      `is the key ${name}, which the trust bundle still has under ${owner.id}: name one that was replaced`,
    );
}

/** What the entitlement is meant to be: as the file says, else as the bundle has it. */
function meantOf({ drill: { expects } }: DrillSource, entitlement: Entitlement): Meant {
  const type = "break_glass_http";
  return {
    details: expects?.opens?.map((detail) => ({ type, ...detail })) ?? entitlement.authorization_details,
    life: (expects?.max_ttl ?? entitlement.max_ttl) + (entitlement.max_wait ?? 0),
  };
}

function callerOf(file: string): readonly (readonly [string, string])[] {
  const text = readText(file, "the normal caller's header lines");
  const raw = text.split("\n").flatMap((line) => {
    const match = /^([A-Za-z0-9-]+):\s*(.*?)\s*$/.exec(line);
    return match === null ? [] : [match[1] ?? "", match[2] ?? ""];
  });
  return [...headerLines(raw)].map(([name, [value = ""]]) => [name, value] as const);
}

const certificateOf = (
  given: DrillSource["drill"]["gateways"][number]["certificate"],
  at: DrillSource["at"],
): ClientCertificate | undefined =>
  given === undefined
    ? undefined
    : {
        cert: readText(at(given.cert), "the client certificate"),
        key: readText(at(given.key), "the client certificate's key"),
      };

export interface Given {
  readonly bundle: BundleClaims;
  /** The key id of a key by its name. @throws UserError where there is no such key */
  readonly kidOf: (name: string) => string;
}

/** Reads all that the file names on this machine. Nothing is sent. */
export function prepare(source: DrillSource, { bundle, kidOf }: Given): Prepared {
  const { drill, at } = source;
  const refuseAt: Refuse = (path, message) => refuse(source, [{ path, message }]);
  checkFiles(source, refuseAt);
  const anchors = readAnchors(join(at(drill.project), "anchors.json"));
  const entitlement = entitlementOf(source, bundle, refuseAt);
  const cast = castOf(bundle, kidOf, refuseAt);
  const { people } = drill;
  const requester = cast(people.requester, ["people", "requester"]);
  const approvers = people.approvers.map((name, i) => cast(name, ["people", "approvers", i]));
  const stranger = people.stranger === undefined ? undefined : cast(people.stranger, ["people", "stranger"]);
  const signer = people.signer === undefined ? requester : cast(people.signer, ["people", "signer"]);
  checkPeople({ requester, approvers, stranger, entitlement }, refuseAt);
  checkSigner(signer, bundle, refuseAt);
  checkFormer(people.former, bundle, kidOf, refuseAt);
  const target = targetOf(source, entitlement, refuseAt);
  const notProbed: NotProbed[] = leftOut(drill);
  const ids = new Set<string>();
  const gateways = drill.gateways.map((gateway, i) => {
    if (ids.has(gateway.id)) refuseAt(["gateways", i, "id"], `the gateway ${visible(gateway.id)} occurs twice`);
    ids.add(gateway.id);
    const config = gateway.config === undefined ? undefined : at(gateway.config);
    const read = readFleetGateway(gateway, {
      config,
      log: gateway.log === undefined ? undefined : at(gateway.log),
      ca: gateway.ca === undefined ? undefined : readText(at(gateway.ca), "the authorities to trust"),
      caller: gateway.caller === undefined ? undefined : callerOf(at(gateway.caller)),
      certificate: certificateOf(gateway.certificate, at),
      target,
      anchors,
      entitlement,
      refuseAt: (member, message) => refuseAt(["gateways", i, ...(member === undefined ? [] : [member])], message),
    });
    notProbed.push(...read.notProbed.map((one) => ({ ...one, what: `${gateway.id}: ${one.what}` })));
    return read.gateway;
  });
  const meant = meantOf(source, entitlement);
  const commands = commandsOf(source, refuseAt);
  return {
    source,
    anchors,
    bundle,
    entitlement,
    requester,
    approvers,
    stranger,
    former: people.former,
    signer,
    target,
    meant,
    gateways,
    commands,
    notProbed,
  };
}
