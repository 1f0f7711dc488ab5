/** What pages list by hand is all there: the members of a record, the rooms of the house. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { readAuditLines } from "../../control/base/audit.js";
import { FilterHost } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

/** Every name in code letters in the tables of a page, a `?` behind it or not. */
function toldOn(page: string): ReadonlySet<string> {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), "utf8");
  const rows = text.match(/^\|.*\|$/gm) ?? [];
  return new Set(rows.flatMap((row) => [...row.matchAll(/`([a-z_0-9]+)`/g)].map(([, name = ""]) => name)));
}

it("docs/audit-record.md has all members of a record", async () => {
  const world = new World(Math.floor(Date.now() / 1000));
  const host = await FilterHost.load();
  host.configure(world.configuration({ configuration: { threshold: 1 } }));
  const long = world.grant({ claims: { incident: "INC-7" } });
  const drill = world.alone({ claims: { ent: "drill", drill: "fire-1" } });
  const forged = `${world.alone().slice(0, -10)}AAAAAAAAAA`;
  const told = toldOn("audit-record.md");
  const members = [long, drill, forged].flatMap((grant) => {
    const { filterState } = host.request({ headers: headersOf([grant], `/orders/${"7".repeat(20_000)}`) });
    const { record } = readAuditLines(filterState.get("wasm.glassgate.audit") ?? "");
    return Object.keys(Object(JSON.parse(record)));
  });
  // All that only some records have.
  expect(members).toEqual(expect.arrayContaining(["incident", "drill", "evidence", "single_key", "kid"]));
  expect(members.filter((member) => !told.has(member))).toEqual([]);
});

it("docs/architecture.md has all rooms", () => {
  const text = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8");
  const rooms = ["assembly", "control"].flatMap((house) =>
    readdirSync(new URL(`../../${house}/`, import.meta.url)).filter((name) => !name.endsWith(".json")),
  );
  expect(rooms.filter((room) => !new RegExp(`\\| \`${room}/?\` \\|`).test(text))).toEqual([]);
});
