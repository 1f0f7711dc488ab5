/** What stands before the upstream: the key, the one consumer that has it, and loopback. */
import type { Entity } from "../entities.js";
import { isWeakKey, LEAST_KEY_CHARACTERS } from "../names.js";
import type { Pair } from "../pair.js";
import { COMMON, setting, settingStrangers, settingTexts, type Walk } from "./context.js";

const KEY_AUTH = new Set([
  ...["key_names", "key_in_header", "key_in_query", "key_in_body", "hide_credentials", "anonymous", "run_on_preflight"],
  "realm",
]);
const ACL = new Set(["allow", "deny", "hide_groups_header", "always_use_authenticated_groups"]);
const IP = new Set(["allow", "deny", "status", "message"]);
const CONSUMER = new Set([...COMMON, "username", "custom_id"]);
/** A `ttl` would end the key, and with it every grant, at some hour of some night. */
const CREDENTIAL = new Set([...COMMON, "key", "consumer"]);
const LOOPBACK = /^(?:127\.0\.0\.1(?:\/32)?|::1(?:\/128)?)$/;

interface Guard {
  readonly name: "key-auth" | "acl" | "ip-restriction";
  readonly says: string;
  readonly judge: (walk: Walk, plugin: Entity, pair: Pair) => void;
}

/** A setting that must be so; Kong's default counts where it is left out. */
function must(walk: Walk, plugin: Entity, member: string, wanted: boolean, otherwise: boolean, why: string): void {
  const value = setting(plugin, member);
  if ((value === undefined ? otherwise : value.data === true) === wanted) return;
  walk.danger(
    value ?? plugin.value,
    `${member.replaceAll("_", "-")}@${plugin.label}`,
    `${plugin.label}: ${why}`,
    `${member}: ${wanted}`,
  );
}

function judgeKeyAuth(walk: Walk, plugin: Entity, { header }: Pair): void {
  settingStrangers(walk, plugin, KEY_AUTH);
  must(
    walk,
    plugin,
    "key_in_header",
    true,
    true,
    "the filter's header is not read: every allowed request ends with 401",
  );
  must(walk, plugin, "key_in_query", false, true, "a key in the query passes, and stands in every log of addresses");
  must(walk, plugin, "key_in_body", false, false, "a key in the body passes, and each body is read and written anew");
  must(
    walk,
    plugin,
    "hide_credentials",
    true,
    false,
    "the upstream key goes on to the API, and into each log on the way",
  );
  must(walk, plugin, "run_on_preflight", true, true, "OPTIONS passes without the key");
  const anonymous = setting(plugin, "anonymous");
  if (anonymous !== undefined && anonymous.text !== "")
    walk.danger(
      anonymous,
      `anonymous@${plugin.label}`,
      `${plugin.label}: who has no key is let in as ${anonymous.text ?? "somebody"}`,
      "take anonymous out",
    );
  const names = settingTexts(plugin, "key_names").map((name) => name.toLowerCase());
  if (header !== undefined && (names.length !== 1 || names[0] !== header.name.toLowerCase()))
    walk.danger(
      setting(plugin, "key_names") ?? plugin.value,
      `key-names@${plugin.label}`,
      `${plugin.label} reads the key from ${names.join(", ") || "apikey"}, and the filter sends it in ${header.name}: a header that the filter does not replace may be a caller's own`,
      `key_names: [ ${header.name} ]`,
    );
}

function judgeIp(walk: Walk, plugin: Entity): void {
  settingStrangers(walk, plugin, IP);
  const allow = settingTexts(plugin, "allow");
  if (allow.length === 0 || !allow.every((address) => LOOPBACK.test(address)))
    walk.danger(
      setting(plugin, "allow") ?? plugin.value,
      `not-loopback@${plugin.label}`,
      `${plugin.label} lets in ${allow.filter((address) => !LOOPBACK.test(address)).join(", ") || "every address"}: who learns the key needs no grant`,
      'allow: [ 127.0.0.1, "::1" ]',
    );
}

function judgeAcl(walk: Walk, plugin: Entity, pair: Pair): void {
  settingStrangers(walk, plugin, ACL);
  const groups = settingTexts(plugin, "allow");
  const [group] = groups;
  if (group === undefined || groups.length > 1 || settingTexts(plugin, "deny").length > 0)
    walk.danger(
      setting(plugin, "allow") ?? setting(plugin, "deny") ?? plugin.value,
      `groups@${plugin.label}`,
      `${plugin.label} does not let in exactly one group: other consumers' keys open the upstream`,
      "allow: [ one group of its own ]",
    );
  must(
    walk,
    plugin,
    "always_use_authenticated_groups",
    false,
    false,
    "groups that another plugin names count before the consumer's own",
  );
  must(walk, plugin, "hide_groups_header", false, false, "a caller's own x-consumer-groups goes on to the API");
  judgeConsumers(walk, plugin, groups, pair);
}

function judgeConsumers(walk: Walk, plugin: Entity, groups: readonly string[], { header, filter }: Pair): void {
  const { entities } = walk;
  const inGroup = entities.of("acls").filter((acl) => groups.includes(acl.text("group") ?? ""));
  const consumers = [...new Set(inGroup.map((acl) => acl.owner("consumer")))];
  const [consumer, ...others] = consumers;
  if (consumer === undefined || others.length > 0) {
    walk.danger(
      consumers.at(-1)?.value ?? plugin.value,
      `consumers@${plugin.label}`,
      `${consumers.length === 0 ? "nobody is" : "several consumers are"} in the group ${groups.join(", ")}: exactly one, the gateway itself, belongs there`,
      "one consumer with that group",
    );
    return;
  }
  entities.strangers(consumer, CONSUMER);
  for (const own of entities.of("plugins").filter((one) => one.owner("consumer") === consumer))
    walk.danger(
      own.value,
      `consumer-plugin@${own.label}`,
      `the plugin ${own.text("name") ?? ""} of the consumer ${consumer.label} takes the place of the route's own for the gateway's requests`,
      "take it from this consumer",
    );
  const keys = entities.ownedBy("keyauth_credentials", "consumer", consumer);
  for (const key of keys) entities.strangers(key, CREDENTIAL);
  const weak = keys.find((key) => isWeakKey(key.text("key") ?? ""));
  if (weak !== undefined)
    walk.danger(
      weak.value,
      `weak-key@${consumer.label}`,
      `a key of ${consumer.label} has fewer than ${LEAST_KEY_CHARACTERS} characters, or is a placeholder or a reference, which Kong takes as it is written: it can be guessed`,
      "`glassgate gateway render --for kong` and each push draw one of 256 bits",
    );
  if (header !== undefined && !keys.some((key) => key.text("key") === header.value))
    walk.danger(
      keys[0]?.value ?? consumer.value,
      `other-key@${consumer.label}`,
      `the filter sends a key that ${consumer.label} does not have: every allowed request ends with 401`,
      "`glassgate push --kong URL` draws one for both",
    );
  if (keys.length > 1)
    walk.warn(
      keys[0]?.value ?? filter,
      `old-key@${consumer.label}`,
      `${consumer.label} has ${keys.length} keys, and each opens the second route: one that the filter does not send is left from a push`,
      "push again: it ends the keys before the last",
    );
}

const GUARDS: readonly Guard[] = [
  {
    name: "key-auth",
    says: "nothing asks for the key: whoever reaches the second route is at the upstream",
    judge: judgeKeyAuth,
  },
  { name: "acl", says: "every consumer's key opens the upstream", judge: judgeAcl },
  { name: "ip-restriction", says: "who learns the key reaches the upstream from anywhere", judge: judgeIp },
];
export const GUARD_NAMES: ReadonlySet<string> = new Set(GUARDS.map(({ name }) => name));

export function judgeGuard(walk: Walk, back: Entity, pair: Pair): void {
  const served = back.texts("protocols") ?? ["http", "https"];
  for (const { name, says, judge } of GUARDS) {
    const ours = walk.pluginsFor(back).filter((plugin) => plugin.text("name") === name);
    for (const plugin of ours.filter((one) => one.isOwned("consumer") || one.get("consumer_group") !== undefined))
      walk.danger(
        plugin.value,
        `override@${plugin.label}`,
        `${name} has other settings for ${plugin.owner("consumer")?.label ?? "some consumers"} than for the second route: they count for its requests`,
        "take it out",
      );
    const plugin = walk.effective(back).find((one) => one.text("name") === name);
    if (plugin === undefined || !plugin.isOwned("route")) {
      walk.danger(
        ours[0]?.value ?? back.value,
        `no-${name}@${back.label}`,
        `the second route ${back.label} has no ${name} of its own that is enabled: ${says}`,
        `add ${name} to that route, as \`glassgate gateway render --for kong\` does`,
      );
      continue;
    }
    const runs = plugin.texts("protocols");
    if (runs !== undefined && !served.every((protocol) => runs.includes(protocol)))
      walk.danger(
        plugin.get("protocols"),
        `plugin-protocols@${plugin.label}`,
        `${plugin.label} runs for ${runs.join(", ")} alone, and the route takes ${served.join(", ")}: ${says}`,
        "take protocols out",
      );
    judge(walk, plugin, pair);
  }
}
