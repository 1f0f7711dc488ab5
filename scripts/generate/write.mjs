// What all generators share: writing what is stale, or with `--check` failing for it.
import { readFileSync, writeFileSync } from "node:fs";

export function current(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // Not generated yet.
  }
}

/** @param outputs file -> text. Ends the process with 1 when `--check` finds a stale one. */
export function writeAll(outputs) {
  let stale = 0;
  for (const [file, text] of Object.entries(outputs)) {
    if (current(file) === text) continue;
    if (process.argv.includes("--check")) {
      console.error(`${file} is stale: run \`npm run generate\``);
      stale += 1;
    } else {
      writeFileSync(file, text);
      console.log(`wrote ${file}`);
    }
  }
  if (stale > 0) process.exitCode = 1;
}

/** A page with the lines between its markers `<!-- generated:name -->` and `<!-- end -->` replaced. */
export function between(file, name, lines) {
  const [begin, end] = [`<!-- generated:${name} -->\n`, "<!-- end -->"];
  const page = current(file);
  const at = page.indexOf(begin);
  const to = page.indexOf(end, at);
  if (at < 0 || to < 0) throw new Error(`${file} has no ${begin.trim()} ... ${end}`);
  return `${page.slice(0, at + begin.length)}${lines.join("\n")}\n${page.slice(to)}`;
}

export const pascal = (name) => name.replace(/(^|_)([a-z])/g, (_, __, letter) => letter.toUpperCase());
export const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** What the text of a schema needs to be imported: all but zod's own, and the schemas of objects, which stand beside it. */
export const identifiers = (text) =>
  [...new Set(text.replace(/"[^"]*"/g, "").match(/(?<![.\w])[a-z]\w*/g))].filter(
    (name) => name !== "z" && !name.endsWith("Schema"),
  );

/** A bound by its name in assembly/limits.ts, where every bound stands with its reason. */
export function limit(name) {
  const text = current("assembly/limits.ts");
  const found = new RegExp(`^export const ${name}: i(?:32|64) = ([\\d* ]+);$`, "m").exec(text);
  if (found === null) throw new Error(`assembly/limits.ts has no ${name}`);
  return found[1].split("*").reduce((product, factor) => product * Number(factor), 1);
}
