// Writes the JSON Schemas in config/ from the schemas that the command itself uses. `--check` fails when one is stale.
import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { configurationSchema } from "../dist/trust/configuration.js";
import { rosterSchema } from "../dist/trust/roster.js";

const schemas = {
  "config/plugin-configuration.schema.json": [configurationSchema, "The plugin configuration of the glassgate filter"],
  "config/roster.schema.json": [rosterSchema, "A roster: people, roles and entitlements"],
};

let stale = 0;
for (const [file, [schema, title]] of Object.entries(schemas)) {
  const text = `${JSON.stringify({ title, ...z.toJSONSchema(schema, { io: "input" }) }, null, 2)}\n`;
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
