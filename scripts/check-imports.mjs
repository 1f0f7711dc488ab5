// Fails when an import points up (docs/architecture.md): each room may import only the rooms listed below it. And when sources are
// not under version control because a rule of .gitignore takes them for something else: they would be missing everywhere but here.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";

/** Room -> rooms that it may import, besides itself. */
const rooms = {
  assembly: {
    "": ["filter", "grant", "crypto", "text", "host"], // index.ts and tools.ts
    filter: ["decide", "proof", "grant", "trust", "jose", "crypto", "text", "host", "heap", "limits"],
    decide: ["grant", "trust", "jose", "crypto", "text", "limits"],
    proof: ["jose", "crypto", "text", "limits"],
    grant: ["jose", "crypto", "text", "limits"],
    trust: ["jose", "crypto", "text", "limits"],
    jose: ["crypto", "text", "limits"],
    crypto: ["text", "heap", "limits"],
    text: ["limits"],
    host: [],
    heap: ["limits"],
    limits: [],
  },
  control: {
    demo: ["review", "ledger", "caller", "gateway", "host", "grant", "trust", "signer", "base"],
    cli: ["drill", "review", "ledger", "caller", "gateway", "host", "grant", "trust", "signer", "base"],
    drill: ["review", "ledger", "caller", "gateway", "host", "grant", "trust", "signer", "base"],
    review: ["ledger", "grant", "trust", "signer", "base"],
    ledger: ["gateway", "grant", "trust", "signer", "base"],
    gateway: ["host", "grant", "trust", "signer", "base"],
    caller: ["grant", "trust", "signer", "host", "base"],
    grant: ["host", "trust", "signer", "base"],
    trust: ["signer", "base"],
    signer: ["base"],
    host: ["base"],
    base: [],
  },
  bench: {
    "": [
      "whole",
      "evidence",
      "incident",
      "ledger",
      "streams",
      "revoke",
      "soak",
      "memory",
      "distinct",
      "report",
      "kernels",
      "rows",
      "authz",
      "gateway",
      "load",
      "tokens",
      "base",
    ], // the commands
    whole: ["evidence", "report", "base"],
    evidence: ["report", "base"],
    incident: ["base"],
    ledger: ["report", "base"],
    streams: ["soak", "report", "gateway", "load", "tokens", "base"],
    revoke: ["report", "base"],
    soak: ["gateway", "load", "tokens", "base"],
    memory: ["report", "gateway", "load", "tokens", "base"],
    distinct: ["report", "gateway", "load", "tokens", "base"],
    report: ["kernels", "rows", "base"],
    kernels: ["tokens", "base"],
    rows: ["authz", "gateway", "load", "tokens", "base"],
    authz: ["tokens", "base"],
    gateway: ["load", "tokens", "base"],
    load: ["base"],
    tokens: ["base"],
    base: [],
  },
};
/** House -> other houses that it may import. */
const neighbours = { bench: ["control", "test"] };

function* sourceFiles(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sourceFiles(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

/** The room of a file: the first folder under the house, or its own name for a file that is a room (limits.ts). */
function roomOf(house, file) {
  const parts = relative(house, file).split(sep);
  if (parts.length > 1) return parts[0];
  const name = parts[0].replace(/\.[jt]s$/, "");
  return Object.hasOwn(rooms[house], name) ? name : "";
}

const wrong = [];
for (const [house, allowed] of Object.entries(rooms)) {
  for (const file of sourceFiles(house)) {
    const from = roomOf(house, file);
    const text = readFileSync(file, "utf8");
    for (const [, target] of text.matchAll(/^\s*(?:import|export)\b[^;]*?from\s+"([^"]+)"/gms)) {
      if (!target.startsWith(".")) continue;
      const path = posix.normalize(join(dirname(file), target));
      if (!path.startsWith(`${house}/`)) {
        const isNeighbour = neighbours[house]?.includes(path.split("/")[0]) ?? false;
        if (!path.endsWith(".json") && !isNeighbour) wrong.push(`${file}: imports ${target}, outside ${house}/`);
        continue;
      }
      const to = roomOf(house, path.endsWith(".js") ? path : `${path}.ts`);
      if (to === from) continue;
      if (allowed[from] === undefined) wrong.push(`${file}: stands in no known room`);
      else if (!allowed[from].includes(to))
        wrong.push(`${file}: ${from || "the top"} may not import ${to || "the top"} (${target})`);
    }
  }
}
const HOUSES = [...Object.keys(rooms), "config", "docs", "scripts", "test"];
const listed = spawnSync("git", ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", ...HOUSES], {
  encoding: "utf8",
});
// Not where git is missing, nor in a copy without its folder.
if (listed.status === 0)
  for (const file of listed.stdout.split("\0"))
    if (/\.(?:m?[jt]s|json)$/.test(file)) wrong.push(`${file}: git ignores it`);

for (const line of wrong) console.error(line);
if (wrong.length === 0) console.log("imports: none points up, and git has all sources");
process.exit(wrong.length === 0 ? 0 : 1);
