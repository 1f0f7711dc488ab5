/**
 * `gateway verify`: a walk over what Envoy itself would load. Each listener, filter chain, connection manager, virtual host, route and
 * per-filter configuration is known to be good, known to be bad, or not understood.
 */
import type { Anchors } from "../../trust/anchors.js";
import { refusalOf } from "../push-preflight.js";
import { advise } from "./advice.js";
import { adminPlaceOf, judgeBootstrap, LISTENERS_BY_XDS } from "./bootstrap.js";
import { upstreamsOf } from "./clusters.js";
import { domainShown, type Plugin } from "./filters/wasm.js";
import { type Finding, Findings } from "./findings.js";
import { GRANT_HEADER, grantLogged, grantPrinted, headersOf, operatorsOf } from "./formats.js";
import { type Entrance, walkListeners } from "./listeners.js";
import { type Loaded, load } from "./load.js";
import { Message } from "./message.js";
import { envoysOpinion, lineOfRefusal } from "./opinion.js";
import { judgeReach } from "./reach.js";
import { judgeReceipts } from "./receipts.js";
import { everyValue, type Value } from "./value.js";
import { worldOf } from "./world.js";

export type { Finding, Level } from "./findings.js";

/** What Envoy reads there may not be what was meant. */
function judgeText({ doubles, merges, documents }: Loaded, found: Findings): void {
  for (const { name, line } of doubles)
    found.add("warning", line, `double:${name}@`, `${name} stands twice in one map: Envoy takes the last`, "leave one");
  for (const line of merges)
    found.add("danger", line, "merge@", "Envoy knows no YAML merges: it refuses the field <<", "write the fields out");
  if (documents > 1)
    found.add(
      "warning",
      1,
      "documents@",
      "there are several YAML documents: Envoy reads the first alone",
      "split the file",
    );
}

/** The net under the walk: a text anywhere that would print the grant, also in parts that nobody understood. */
function judgeEveryText(root: Value, found: Findings): void {
  const message = Message.of(undefined, "file", { found, scope: "" });
  for (const { value, key } of everyValue(root)) {
    if (typeof value.data !== "string") continue;
    const prints = operatorsOf(value.data).some((operator) => headersOf(operator).includes(GRANT_HEADER));
    if (prints) grantPrinted(message, value);
    else if (value.data.includes("%") && /x-break-glass(?!-grant)/i.test(value.data))
      message.unknown("format-names-grant", "x-break-glass stands inside this format: does it print the grant?", value);
    const isHeaderList = /request_headers_to_log|RequestHeadersToLog|custom_tags|customTags/.test(key);
    if (isHeaderList && value.data.trim().toLowerCase() === GRANT_HEADER) grantLogged(message, value);
  }
}

/** Shared data is keyed by vm_id. */
function judgeSharing(plugins: readonly Plugin[], ours: readonly Plugin[], found: Findings): void {
  for (const plugin of plugins) {
    if (ours.includes(plugin)) continue;
    if (ours.some(({ vmId }) => (vmId ?? "") === (plugin.vmId ?? "")))
      found.add(
        "danger",
        plugin.at.value,
        "shared-vm@",
        `another plugin has the glassgate filter's vm_id (${plugin.vmId ?? "none"}): it can write the filter's shared data`,
        "give each plugin a vm_id of its own",
      );
  }
}

/** A push writes one ECDS file: a filter that reads another one serves what was pushed there last. */
function judgeFiles(entrances: readonly Entrance[]): void {
  const first = new Map<string, string>();
  for (const { manager } of entrances) {
    const { glassgate, plugins = [] } = manager?.guarding ?? {};
    const ours = plugins.find(({ isOurs }) => isOurs);
    const domain = ours === undefined ? undefined : domainShown(ours.configuration);
    if (glassgate === undefined || domain === undefined) continue;
    const source = glassgate.discovery?.message("config_source", "ConfigSource");
    const path = source?.message("path_config_source").text("path") ?? source?.text("path") ?? "no file";
    const other = first.get(domain);
    if (other === undefined) first.set(domain, path);
    else if (other !== path)
      glassgate.outer.warn(
        "two-files",
        `under the same anchors another listener's filter reads ${other}, and this one ${path}: a push to one leaves the other as it was, and it may allow what was revoked`,
        "have all of them read one ECDS file",
        glassgate.discovery?.value,
      );
  }
}

export interface VerifyOptions {
  /** What the filters in the file should have been rendered under. */
  readonly anchors?: Anchors | undefined;
}

export interface Verified {
  readonly findings: readonly Finding[];
  /** What could not be put to Envoy, in words. */
  readonly unchecked: readonly string[];
}

/** What the filter itself refuses: Envoy then does not start, or serves the configuration before it. */
async function filtersOpinion(ours: readonly Plugin[]): Promise<readonly Finding[]> {
  const refused = new Findings();
  for (const { configuration, at } of ours) {
    if (configuration.roots === undefined) continue; // A sketch: it names no anchors yet.
    const refusal = await refusalOf(JSON.stringify(configuration));
    if (refusal !== undefined)
      refused.add(
        "danger",
        at.value,
        "refused-by-filter@",
        `the filter refuses its configuration: ${refusal}`,
        "mend that member; `glassgate gateway render` and `push` write none that is refused",
      );
  }
  return withoutRepeats(refused.list);
}

/** The walk, the filter's opinion, and Envoy's own where it is asked and there is one. @param file names the text in errors */
export async function verifyFile(
  text: string,
  file: string,
  options: VerifyOptions & { readonly askEnvoy?: boolean } = {},
): Promise<Verified> {
  const loaded = load(text, file);
  const { findings: walked, unseen, byXds, ours } = verifyLoaded(loaded, options);
  const findings = absentFirst([...(await filtersOpinion(ours)), ...walked]);
  const isDump = loaded.root.map?.has("configs") === true;
  const opinion = options.askEnvoy === true && !isDump ? await envoysOpinion(loaded.root, byXds) : undefined;
  const unchecked = [...new Set([...unseen, ...(opinion?.unchecked ?? [])])];
  if (opinion?.refusal === undefined) return { findings, unchecked };
  const refused = new Findings();
  refused.add(
    "danger",
    lineOfRefusal(loaded.root, opinion.refusal),
    "refused@",
    `Envoy itself refuses this file: ${opinion.refusal}`,
    "mend that first: `envoy --mode validate -c FILE`",
  );
  return { findings: absentFirst([...refused.list, ...findings]), unchecked };
}

/** The walk alone. An empty list: all was understood, and nothing is wrong. */
export function verifyGateway(text: string, file: string, options: VerifyOptions = {}): readonly Finding[] {
  return verifyLoaded(load(text, file), options).findings;
}

interface Walked {
  readonly findings: readonly Finding[];
  readonly ours: readonly Plugin[];
  /** Files that would have been read. */
  readonly unseen: readonly string[];
  /** Whether listeners are missing in the file. */
  readonly byXds: boolean;
}

/** Where the listeners are not here, that is what everything else hangs on. */
function absentFirst(findings: readonly Finding[]): Finding[] {
  const isAbsence = ({ name }: Finding): boolean => name === `${LISTENERS_BY_XDS}@`;
  return [...findings.filter(isAbsence), ...findings.filter((finding) => !isAbsence(finding))];
}

function verifyLoaded(loaded: Loaded, options: VerifyOptions): Walked {
  const found = new Findings();
  judgeText(loaded, found);
  const world = worldOf(loaded.root, found);
  const entrances = walkListeners(world, options.anchors);
  const hasFilter = entrances.some(({ manager }) => manager?.guarding.glassgate !== undefined);
  const beside = judgeBootstrap(world, hasFilter);
  const upstreams = upstreamsOf(world);
  const relevant = judgeReach(entrances, upstreams, adminPlaceOf(world.bootstrap), found);
  judgeFiles(entrances);
  if (!hasFilter) advise(world, entrances, found);
  const ours = entrances.flatMap(({ manager }) =>
    manager?.guarding.glassgate === undefined ? [] : manager.guarding.plugins.filter(({ isOurs }) => isOurs),
  );
  judgeReceipts(ours, world, upstreams);
  judgeSharing([...beside, ...entrances.flatMap(({ plugins }) => plugins)], ours, found);
  for (const entrance of relevant) found.addAll(entrance.found.list);
  judgeEveryText(loaded.root, found);
  return { findings: absentFirst(withoutRepeats(found.list)), unseen: world.unseen, byXds: world.hidesListeners, ours };
}

/** One leak that two eyes saw, the walk and the net, is one; two places with one name get names of their own, to be accepted singly. */
function withoutRepeats(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  const names = new Map<string, number>();
  return findings.flatMap((finding) => {
    const { level, file, line, message, name } = finding;
    const key = JSON.stringify([level, file, line, message]);
    if (seen.has(key)) return [];
    seen.add(key);
    const count = (names.get(name) ?? 0) + 1;
    names.set(name, count);
    return [count === 1 ? finding : { ...finding, name: `${name}#${count}` }];
  });
}
