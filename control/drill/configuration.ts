/** What `gateway verify` says of what each gateway runs: of leaks and of guards that no request shows. */
import { UserError } from "../base/errors.js";
import { Admin } from "../gateway/admin.js";
import { type Finding, verifyFile } from "../gateway/verify/index.js";
import type { Anchors } from "../trust/anchors.js";
import { CONFIGURATION } from "./cases/index.js";
import { verifyHeld } from "./kong-state.js";
import type { Assertion, FleetGateway } from "./model.js";

const SHOWN = "config_dump";

function assertionOf({ id }: FleetGateway, { level, name, message, mend }: Finding): Assertion {
  return {
    ...{ case: CONFIGURATION, gateway: id, what: name, expected: "nothing dangerous, all of it understood" },
    ...{ seen: `${level}: ${message}`, ok: false, calls: [] },
    finding: `The configuration that ${id} runs: ${message}. Mend: ${mend}. Where that is meant, put ${name} into \`accept\` of this gateway.`,
  };
}

/** Of what runs, not of the file: one is changed without the other. */
export async function judgeConfiguration(gateway: FleetGateway, anchors: Anchors): Promise<Assertion[]> {
  try {
    if (gateway.kong !== undefined) return judgeFindings(gateway, await verifyHeld(gateway.kong, anchors), []);
    return await judgeDump(gateway, await new Admin(gateway.admin).configDump());
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const finding = `What ${gateway.id} runs cannot be seen: ${error.message} ${error.hint ?? ""}`.trim();
    return [{ ...aboutAll(gateway), seen: "not seen", ok: false, finding, calls: [] }];
  }
}

const aboutAll = ({ id }: FleetGateway) => ({
  case: CONFIGURATION,
  gateway: id,
  what: "the configuration that it runs",
  expected: "nothing dangerous, all of it understood",
});

async function judgeDump(gateway: FleetGateway, dump: string): Promise<Assertion[]> {
  const { findings, unchecked } = await verifyFile(dump, SHOWN);
  return judgeFindings(gateway, findings, unchecked);
}

export function judgeFindings(
  gateway: FleetGateway,
  findings: readonly Finding[],
  unchecked: readonly string[],
): Assertion[] {
  const bad = findings.filter(({ level, name }) => level !== "warning" && !gateway.accept.includes(name));
  if (bad.length > 0) return bad.map((finding) => assertionOf(gateway, finding));
  const accepted = findings.filter(({ level }) => level !== "warning");
  const but = accepted.map(({ level, name, message }) => `${name} (${level}: ${message})`).join("; ");
  const seen = [
    accepted.length === 0 ? "so it is" : `so it is, but for what the drill file accepts: ${but}`,
    ...(unchecked.length === 0 ? [] : [`not checked: ${unchecked.join("; ")}`]),
  ].join("; ");
  return [{ ...aboutAll(gateway), seen, ok: true, calls: [] }];
}
