// What `npm start` and `npm test` need not build anew.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const FILTERS = ["glassgate", "glassgate-kong"].flatMap((name) => [`build/${name}.wasm`, `build/${name}.wat`]);
const SETTINGS = ["asconfig.json", "scripts/build-filter.mjs", "package-lock.json"];

/**
 * Whether somebody, `npm install` for one, has just built these filters: none of the sources is newer. That they are what the sources
 * give is not taken on trust by `npm test`: its step `reproducible` builds them anew, and compares every byte.
 * @param root the project's folder
 */
export function isBuilt(root = ".") {
  const at = (path) => join(root, path);
  if (!FILTERS.every((path) => existsSync(at(path)))) return false;
  const assembly = readdirSync(at("assembly"), { recursive: true }).map((path) => join("assembly", path));
  const times = (paths) => paths.map((path) => statSync(at(path)).mtimeMs);
  return Math.max(...times(["assembly", ...assembly, ...SETTINGS])) < Math.min(...times(FILTERS));
}
