/** `glassgate drill init`: writes a drill file from what stands in the project's folder. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, InvalidArgumentError } from "commander";
import { UserError } from "../base/errors.js";
import { mustBeNew, type NewFile, readTextIfThere, writeNewTexts } from "../base/files.js";
import { plural, visible } from "../base/text.js";
import { nowSeconds } from "../base/time.js";
import { drillSchema, parseDrill } from "../drill/file.js";
import { castFrom, gatewaysIn, ledgerIn, mustDiffer } from "../drill/init.js";
import { drillText, everyDays } from "../drill/init-text.js";
import { examples, findKeyFile, keyNames, readTrusted } from "./context.js";
import { keysFolder } from "./drill-options.js";
import { result, say, warn } from "./output.js";

interface Options {
  readonly keys?: string;
  readonly name: string;
}

const schemaText = (): string =>
  readFileSync(fileURLToPath(new URL("../../config/drill.schema.json", import.meta.url)), "utf8");

/** For an option: what the file could not say is refused before there is a file. */
function drillName(text: string): string {
  const { error } = drillSchema.shape.name.safeParse(text);
  if (error !== undefined) throw new InvalidArgumentError(`It ${error.issues[0]?.message ?? "is no name"}.`);
  return text;
}

async function init(file: string, options: Options): Promise<void> {
  mustBeNew(file, `${file} exists already. Nothing was changed.`, "Name another file, or edit that one.");
  const folder = dirname(file);
  for (const name of ["anchors.json", "bundle.jws"])
    if (!existsSync(join(folder, name)))
      throw new UserError(
        `There is no ${name} in ${visible(resolve(folder))}: a drill file stands in the project's folder.`,
        {
          hint: "Run it there, or name the file there: glassgate drill init PROJECT/drill.yaml. `glassgate bundle build` and `glassgate bundle sign` make the bundle.",
        },
      );
  const trusted = await readTrusted({ anchors: join(folder, "anchors.json"), bundle: join(folder, "bundle.jws") });
  const keys = keysFolder(options.keys, undefined, folder);
  const named = keyNames(keys).map((name) => ({ name, kid: findKeyFile(keys, name).public.kid }));
  const cast = castFrom(trusted.claims, named, nowSeconds(), keys);
  const gateways = gatewaysIn(folder);
  if (gateways.length === 0)
    throw new UserError(`There is no gateway's configuration in ${folder} or in a folder below it.`, {
      hint: "`glassgate gateway render --output gateway.yaml` writes one; copy those of your gateways here.",
    });
  mustDiffer(gateways);
  const ledger = ledgerIn(folder);
  const text = drillText({ name: options.name, every: everyDays(trusted.claims), cast, gateways, ledger });
  parseDrill(text, file);
  const schema = join(folder, "drill.schema.json");
  const files: NewFile[] = [{ path: file, text }];
  // The drill's first line names it: editors then check while one types.
  if (readTextIfThere(schema, "the drill file's schema") === undefined)
    files.push({ path: schema, text: schemaText() });
  writeNewTexts(files);
  result(file);
  say(
    `${cast.entitlement.id}, asked for by ${visible(cast.requester)}, approved by ${cast.approvers.map(visible).join(", ") || "nobody"}, on ${plural(gateways.length, "gateway")}.`,
  );
  if (ledger === undefined)
    warn("no ledger was found here: the drill reads the gateways' own audit logs, and proves nothing.");
  if (cast.stranger === undefined)
    say("Nobody here is a stranger to it: name one in `people.stranger`, or that case is not probed.");
  say(`Next: glassgate drill run ${visible(file)} --dry-run`);
}

export function addDrillInit(drill: Command): void {
  const command = drill
    .command("init")
    .description("write a drill file from the bundle, keys, gateways and ledger that stand in its folder")
    .argument("[file]", "the drill file to write, in the project's folder", "drill.yaml")
    .option("--name <id>", "the drill's name: it stands in each of its grants and records", drillName, "quarterly")
    .option("--keys <dir>", "where the drill's keys are (default: keys/ beside the file, or yours)")
    .action(init);
  examples(command, ["glassgate drill init", "glassgate drill init nightly.yaml --name nightly"]);
}
