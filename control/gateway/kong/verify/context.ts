/** What the parts of the walk share: where findings go, and the plugins that Kong would run. */
import type { Findings, Level } from "../../verify/findings.js";
import type { Value } from "../../verify/value.js";
import type { Entities, Entity } from "../entities.js";

export const COMMON = ["id", "created_at", "updated_at", "tags", "ws_id"];
export const NAMED = [...COMMON, "name"];
export const PLUGIN: ReadonlySet<string> = new Set([
  ...[...COMMON, "name", "instance_name", "enabled", "protocols", "config", "route", "service", "consumer"],
]);

export class Walk {
  constructor(
    readonly entities: Entities,
    readonly found: Findings,
  ) {}

  danger(at: Value | undefined, name: string, message: string, mend: string): void {
    this.add("danger", at, name, message, mend);
  }

  warn(at: Value | undefined, name: string, message: string, mend: string): void {
    this.add("warning", at, name, message, mend);
  }

  unknown(at: Value | undefined, name: string, message: string, mend = "look at it, and accept it by name"): void {
    this.add("not understood", at, name, message, mend);
  }

  private add(level: Level, at: Value | undefined, name: string, message: string, mend: string): void {
    this.found.add(level, at, name.includes("@") ? name : `${name}@`, message, mend);
  }

  /** Plugins that may run for a route's requests: its own, its service's, and those that name neither. Consumers are told apart. */
  pluginsFor(route: Entity): Entity[] {
    const service = route.owner("service");
    return this.entities.of("plugins").filter((plugin) => {
      const [onRoute, onService] = [plugin.owner("route"), plugin.owner("service")];
      if (plugin.isOwned("route") && onRoute !== route) return false;
      return !plugin.isOwned("service") || (service !== undefined && onService === service);
    });
  }

  /** Of one name the one that Kong runs for callers without a consumer: the route's before the service's, before the global. */
  effective(route: Entity): Entity[] {
    const rank = (plugin: Entity): number => (plugin.isOwned("route") ? 2 : 0) + (plugin.isOwned("service") ? 1 : 0);
    const best = new Map<string, Entity>();
    for (const plugin of this.pluginsFor(route)) {
      if (plugin.isOwned("consumer") || !plugin.is("enabled", true)) continue;
      const name = plugin.text("name") ?? "";
      const before = best.get(name);
      if (before === undefined || rank(plugin) > rank(before)) best.set(name, plugin);
    }
    return [...best.values()];
  }
}

/** A plugin's own configuration, asked member by member. */
export const setting = (plugin: Entity, member: string): Value | undefined => {
  const value = plugin.get("config")?.map?.get(member);
  return value?.data === null ? undefined : value;
};
export const settingTexts = (plugin: Entity, member: string): string[] => {
  const value = setting(plugin, member);
  return value === undefined ? [] : (value.list ?? [value]).map(({ text }) => text ?? "");
};

/** Members of a plugin's configuration that the walk does not know. */
export function settingStrangers(walk: Walk, plugin: Entity, known: ReadonlySet<string>): void {
  for (const [name, value] of plugin.get("config")?.map ?? [])
    if (!known.has(name) && value.data !== null)
      walk.unknown(
        value,
        `config:${name}@${plugin.label}`,
        `${plugin.label}: what config.${name} does here is not known`,
      );
}
