/** What a Kong holds: looked at before the first request, and not sent. Which bundle each worker serves it does not tell. */
import { UserError } from "../base/errors.js";
import { readText } from "../base/files.js";
import { visible } from "../base/text.js";
import { UnseenError } from "../gateway/admin.js";
import { KongFile } from "../gateway/kong/file.js";
import { KongNode } from "../gateway/kong/node.js";
import { cautionsOf } from "../gateway/kong/settings.js";
import { verifyKong } from "../gateway/kong/verify/index.js";
import type { Finding } from "../gateway/verify/findings.js";
import type { AuditRecord } from "../ledger/chain/lines.js";
import type { Anchors } from "../trust/anchors.js";
import { bundleWords, clockFact, factOf } from "./fact.js";
import { kongAdmin } from "./kong.js";
import type { KongWay } from "./kong-way.js";
import type { Assertion, FleetGateway } from "./model.js";
import { foreignTo } from "./own.js";

export interface KongFacts {
  readonly version: string;
  /** Gateway's clock less ours, seconds. */
  readonly ahead: number;
  /** As each chain holds it; undefined is a chain without a bundle. */
  readonly bundles: readonly (number | undefined)[];
  /** Why no grant works there, whatever the bundle. */
  readonly fault: string | undefined;
}

function nodeOf({ admin, file }: KongWay): Promise<KongNode> {
  const read = KongFile.read(readText(file, "the Kong's declarative file"), file);
  const own = kongAdmin(admin);
  own.hide(read.header.value);
  return KongNode.look(own, read);
}

type RefuseAt = (member: "id" | "kong", message: string) => never;

/** One that holds no chain of ours is a gateway whose filter is off: that shows in what comes of the requests. */
async function heldBy(node: KongNode) {
  try {
    return { deployed: (await node.held()).deployed, fault: await node.fault() };
  } catch (error) {
    if (!(error instanceof UserError) || error instanceof UnseenError) throw error;
    return { deployed: [], fault: error.message };
  }
}

/** It is the Kong that the drill file means, and the project's. */
export async function lookAtKong(
  { id }: FleetGateway,
  kong: KongWay,
  anchors: Anchors,
  refuseAt: RefuseAt,
): Promise<KongFacts> {
  const node = await nodeOf(kong);
  const { version, node_id: nodeId, configuration, clock } = node.info;
  if (nodeId !== id)
    refuseAt(
      "id",
      nodeId === undefined
        ? `is ${id}, and the Kong at ${kong.admin} tells no node_id: which one it is cannot be known`
        : `is ${id}, and the Kong whose Admin API is ${kong.admin} has the node_id ${visible(nodeId)}, by which its records name it: write that, or name the other's Admin API`,
    );
  if (configuration.role === "control_plane")
    refuseAt("kong", "is a control plane, which serves nobody: a drill needs the Admin API of a node that serves");
  const ahead = clock === undefined ? 0 : clock - Math.floor(Date.now() / 1000);
  const { deployed, fault } = await heldBy(node);
  for (const held of deployed) {
    const foreign = foreignTo(anchors, held.configuration);
    if (foreign !== undefined) refuseAt("kong", `holds a configuration of the filter that ${foreign}`);
  }
  return { version, ahead, bundles: deployed.map(({ bundle }) => bundle?.version), fault };
}

/** @param wanted the project's version */
export function judgeKongFacts(id: string, { bundles, fault, ahead }: KongFacts, wanted: number): Assertion[] {
  const others = [...new Set(bundles)].filter((one) => one !== wanted);
  const seen = [...new Set(bundles)].map(bundleWords).join(" and ") || "none";
  const isOld = bundles.length === 0 || others.length > 0;
  return [
    factOf(
      id,
      "the trust bundle that it holds",
      bundleWords(wanted),
      seen,
      isOld
        ? `${id} holds ${seen === "none" ? "no trust bundle" : `trust bundle ${seen}`}, and the project has ${bundleWords(wanted)}: push it with \`glassgate push --gateway kong.yaml --kong URL\`.`
        : undefined,
    ),
    factOf(
      id,
      "its filter chain",
      "in force, with a key that the second route takes",
      fault ?? "so it is held",
      fault === undefined
        ? undefined
        : `${id} lets nobody in with a grant: ${fault}. \`glassgate gateway verify\` of its file says what is missing; a push mends keys.`,
    ),
    clockFact(id, ahead),
  ];
}

/** What a worker serves shows in its records alone. */
export function judgeRecorded(id: string, records: readonly AuditRecord[], wanted: number): Assertion[] {
  const bundles = [...new Set(records.flatMap(({ bundle }) => bundle ?? []))].sort((a, b) => a - b);
  if (bundles.length === 0) return [];
  const others = bundles.filter((one) => one !== wanted);
  const seen = bundles.map(bundleWords).join(" and ");
  return [
    factOf(
      id,
      "the trust bundle that its records name",
      bundleWords(wanted),
      seen,
      others.length === 0
        ? undefined
        : `A worker of ${id} judges by trust bundle ${others.map(bundleWords).join(" and ")}, and the project has ${bundleWords(wanted)}: push it. Where that was done, a broken filter chain keeps Kong from taking it up: its error log says so.`,
    ),
  ];
}

/** What `gateway verify` says of all that it holds, and what it tells of kong.conf. */
export async function verifyHeld(kong: KongWay, anchors: Anchors): Promise<readonly Finding[]> {
  const node = await nodeOf(kong);
  const { findings } = await verifyKong(await node.whole(), "what it holds", { anchors });
  const settings = cautionsOf(node.info).map(
    ({ member, says }): Finding => ({
      ...{ level: "danger", line: 1, name: `${member}@kong.conf` },
      ...{ message: says, mend: "mend kong.conf, and restart that Kong" },
    }),
  );
  return [...settings, ...findings];
}
