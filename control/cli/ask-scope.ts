/** What an ask opens, from what a person typed: METHOD URL, `--also METHOD URL`, `--also-method`, `--also-path`. */
import { UserError } from "../base/errors.js";
import type { Detail } from "../trust/names.js";
import { parseTarget, type Target } from "./target.js";

const pathOf = ({ path }: Target): string => path.split("?", 1)[0] ?? "/";

const detail = (host: string, actions: readonly string[], paths: readonly string[]): Detail => ({
  type: "break_glass_http",
  locations: [host],
  actions: [...actions],
  paths: [...paths],
});

const isSame = (a: readonly string[], b: readonly string[]): boolean => a.join("\n") === b.join("\n");

/** Targets in pairs; each opens itself and no more, whatever stands beside it. */
export function readAlso(words: readonly string[] = []): Target[] {
  if (words.length % 2 !== 0) {
    throw new UserError("--also takes a method and a URL.", {
      hint: "For example: --also GET https://api.example.com/orders/42. Methods and hosts of the first stay its own.",
    });
  }
  return words.flatMap((method, i) => (i % 2 === 0 ? [parseTarget(method, words[i + 1] ?? "")] : []));
}

/**
 * One detail for the first target with its further methods and paths; others for the rest. Two become one only where that
 * opens nothing more: same host, and same methods or same path.
 */
export function scopeOf(
  first: Target,
  moreMethods: readonly string[],
  morePaths: readonly string[],
  also: readonly Target[],
): Detail[] {
  const details = [detail(first.host, [first.method, ...moreMethods], [pathOf(first), ...morePaths])];
  for (const target of also) {
    const { host, method } = target;
    const path = pathOf(target);
    const there = details.find(
      ({ locations, actions, paths }) =>
        isSame(locations, [host]) && (isSame(actions, [method]) || isSame(paths, [path])),
    );
    if (there === undefined) details.push(detail(host, [method], [path]));
    else if (isSame(there.actions, [method])) {
      if (!there.paths.includes(path)) there.paths.push(path);
    } else if (!there.actions.includes(method)) there.actions.push(method);
  }
  return details;
}
