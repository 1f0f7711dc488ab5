// Writes the JSON Schemas in config/ from the schemas that the command itself uses. `--check` fails when one is stale.
import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { drillSchema } from "../dist/drill/file.js";
import { agentSchema, ledgerSchema } from "../dist/ledger/config.js";
import { configurationSchema } from "../dist/trust/configuration.js";
import { rosterSchema } from "../dist/trust/roster.js";

const schemas = {
  "config/plugin-configuration.schema.json": [configurationSchema, "The plugin configuration of the glassgate filter"],
  "config/ledger.schema.json": [ledgerSchema, "A ledger: ledger.yaml"],
  "config/ledger-follow.schema.json": [agentSchema, "The agent beside a gateway, for a ledger elsewhere: follow.yaml"],
  "config/drill.schema.json": [drillSchema, "A drill: drill.yaml"],
  "config/roster.schema.json": [rosterSchema, "A roster: people, roles and entitlements"],
};

/** What Kong (3.5 and later) reads beside the filter: draft 4, and a text as well, as which Kong 3.4 has the whole configuration. */
function kongMeta() {
  const { $schema: _, type, ...schema } = z.toJSONSchema(configurationSchema, { io: "input", target: "draft-4" });
  const title = "The configuration of the glassgate filter, written out or as one JSON text";
  return { config_schema: { title, type: ["string", type], ...schema } };
}

const texts = {
  ...Object.fromEntries(
    Object.entries(schemas).map(([file, [schema, title]]) => [
      file,
      { title, ...z.toJSONSchema(schema, { io: "input" }) },
    ]),
  ),
  "config/kong/glassgate.meta.json": kongMeta(),
};

let stale = 0;
for (const [file, value] of Object.entries(texts)) {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  let current = "";
  try {
    current = readFileSync(file, "utf8");
  } catch {
    // Not generated yet.
  }
  if (current === text) continue;
  if (process.argv.includes("--check")) {
    console.error(`${file} is stale: run \`npm run generate\``);
    stale += 1;
  } else {
    writeFileSync(file, text);
    console.log(`wrote ${file}`);
  }
}
process.exit(stale > 0 ? 1 : 0);
