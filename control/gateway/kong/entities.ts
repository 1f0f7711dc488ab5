/**
 * A declarative Kong configuration as Kong itself flattens it: entities that stand in another (a route in its service) belong to it,
 * as those do that name it.
 */
import type { Findings } from "../verify/findings.js";
import type { Value } from "../verify/value.js";

export type Kind =
  | "services"
  | "routes"
  | "plugins"
  | "filter_chains"
  | "consumers"
  | "keyauth_credentials"
  | "acls"
  | "upstreams"
  | "targets";

interface Shape {
  /** What an entity is named by in references, besides its id. */
  readonly names: readonly string[];
  /** Kinds that may stand in it, each with the member by which they would otherwise name it. */
  readonly children: Partial<Record<Kind, string>>;
  /** Members that name another entity. */
  readonly refs: Partial<Record<string, Kind>>;
}

const OWNERS = { service: "services", route: "routes", consumer: "consumers" } as const;
const SHAPES: Readonly<Record<Kind, Shape>> = {
  services: {
    names: ["name"],
    children: { routes: "service", plugins: "service", filter_chains: "service" },
    refs: {},
  },
  routes: { names: ["name"], children: { plugins: "route", filter_chains: "route" }, refs: { service: "services" } },
  plugins: { names: ["instance_name"], children: {}, refs: OWNERS },
  filter_chains: { names: ["name"], children: {}, refs: { service: "services", route: "routes" } },
  consumers: {
    names: ["username", "custom_id"],
    children: { plugins: "consumer", keyauth_credentials: "consumer", acls: "consumer" },
    refs: {},
  },
  keyauth_credentials: { names: ["key"], children: {}, refs: { consumer: "consumers" } },
  acls: { names: ["group"], children: {}, refs: { consumer: "consumers" } },
  upstreams: { names: ["name"], children: { targets: "upstream" }, refs: {} },
  targets: { names: ["target"], children: {}, refs: { upstream: "upstreams" } },
};
const KINDS = Object.keys(SHAPES).filter((name): name is Kind => Object.hasOwn(SHAPES, name));

export class Entity {
  private readonly owners = new Map<string, Entity>();

  constructor(
    readonly kind: Kind,
    readonly value: Value,
  ) {}

  own(by: string, owner: Entity): void {
    this.owners.set(by, owner);
  }

  get(member: string): Value | undefined {
    const value = this.value.map?.get(member);
    return value?.data === null ? undefined : value;
  }

  text(member: string): string | undefined {
    return this.get(member)?.text;
  }

  /** Texts of a list; one text counts as a list of one, as nothing more is known of it. */
  texts(member: string): string[] | undefined {
    const value = this.get(member);
    return value === undefined ? undefined : (value.list ?? [value]).map(({ text }) => text ?? "");
  }

  /** @param otherwise Kong's own default */
  is(member: string, otherwise: boolean): boolean {
    const value = this.get(member);
    return value === undefined ? otherwise : value.data === true;
  }

  owner(by: string): Entity | undefined {
    return this.owners.get(by);
  }

  /** Whether it names an owner, found or not. */
  isOwned(by: string): boolean {
    return this.owners.has(by) || this.get(by) !== undefined;
  }

  /** What it is called in a finding's name. A key is no name. */
  get label(): string {
    const member = this.kind === "plugins" ? "name" : SHAPES[this.kind].names[0];
    if (this.kind === "keyauth_credentials" || member === undefined) return this.kind;
    const place = this.owners.get("route") ?? this.owners.get("service") ?? this.owners.get("consumer");
    const own = this.text(member) ?? this.kind;
    return this.kind === "plugins" ? `${own}@${place?.label ?? "global"}` : own;
  }
}

/** `x`, or `{ name: x }` or `{ id: x }`. */
const reference = (value: Value | undefined): string | undefined =>
  value?.text ?? ["id", "name", "username"].flatMap((member) => value?.map?.get(member)?.text ?? [])[0];

export class Entities {
  private readonly all = new Map<Kind, Entity[]>(KINDS.map((kind) => [kind, []]));

  constructor(
    private readonly root: Value,
    private readonly found: Findings,
  ) {
    for (const kind of KINDS) this.collect(kind, root.map?.get(kind), undefined, kind);
    for (const entity of [...this.all.values()].flat()) this.link(entity);
  }

  of(kind: Kind): readonly Entity[] {
    return this.all.get(kind) ?? [];
  }

  /** Those of a kind that belong to the owner, nested or by name. */
  ownedBy(kind: Kind, by: string, owner: Entity): Entity[] {
    return this.of(kind).filter((entity) => entity.owner(by) === owner);
  }

  /** Members of the file besides the entities. */
  *others(): Generator<readonly [name: string, value: Value]> {
    for (const [name, value] of this.root.map ?? []) if (!Object.hasOwn(SHAPES, name)) yield [name, value];
  }

  private collect(kind: Kind, list: Value | undefined, owner: readonly [string, Entity] | undefined, at: string): void {
    if (list === undefined || list.data === null) return;
    if (list.list === undefined) {
      this.found.add("not understood", list, `shape:${at}@`, `${at} is no list`, "write a list, as Kong's own docs do");
      return;
    }
    for (const value of list.list) {
      const entity = new Entity(kind, value);
      if (owner !== undefined) entity.own(owner[0], owner[1]);
      this.all.get(kind)?.push(entity);
      for (const child of KINDS) {
        const by = SHAPES[kind].children[child];
        if (by !== undefined) this.collect(child, value.map?.get(child), [by, entity], `${entity.label}.${child}`);
      }
    }
  }

  private link(entity: Entity): void {
    for (const [by, kind] of Object.entries(SHAPES[entity.kind].refs)) {
      const wanted = reference(entity.get(by));
      if (kind === undefined || wanted === undefined) continue;
      const owner = this.of(kind).find((one) =>
        ["id", ...SHAPES[kind].names].some((member) => one.text(member) === wanted),
      );
      if (owner !== undefined) entity.own(by, owner);
      else
        this.found.add(
          "danger",
          entity.get(by),
          `dangling:${entity.label}.${by}@`,
          `${entity.label} names the ${by} ${wanted}, which is not in this file`,
          `mend the name, or verify the whole file (\`GET /config\` of a Kong without database has it)`,
        );
    }
  }

  /** Members that are not in the list: what they do nobody has judged. */
  strangers(entity: Entity, known: ReadonlySet<string>): void {
    const children = SHAPES[entity.kind].children;
    for (const [name, value] of entity.value.map ?? [])
      if (!known.has(name) && !Object.hasOwn(children, name) && value.data !== null)
        this.found.add(
          "not understood",
          value,
          `member:${name}@${entity.label}`,
          `${entity.label}: what ${name} does here is not known`,
          "leave it out, or look at it and accept it by name",
        );
  }
}
