/** Headers that a filter skipped on the verdict would have set or removed: the client's own pass instead, unless `strip` has them. */
import type { Message } from "../message.js";
import type { Value } from "../value.js";

export class Skipped {
  private readonly strip: ReadonlySet<string> | undefined;

  /**
   * @param strip the headers that the glassgate filter removes; undefined while that is still to be filled in
   * @param isSkipped whether the filter is one that a grant passes by
   */
  constructor(
    strip: readonly string[] | undefined,
    readonly isSkipped: boolean,
  ) {
    this.strip = strip === undefined ? undefined : new Set(strip.map((name) => name.toLowerCase()));
  }

  private holds(name: string): boolean {
    return this.strip === undefined || this.strip.has(name);
  }

  sets(message: Message, filter: string, header: string | undefined, at?: Value): void {
    const name = header?.toLowerCase();
    if (!this.isSkipped || name === undefined || name === "" || this.holds(name)) return;
    message.danger(
      `strip:${name}`,
      `the skipped ${filter} would have set or removed ${name}; a client's own passes with a grant`,
      `add "${name}" to the filter's strip`,
      at,
    );
  }

  /** A StringMatcher over header names: what is not exact cannot be listed. */
  setsMatching(list: Message, filter: string): void {
    for (const pattern of list.messages("patterns", "StringMatcher")) {
      const exact = pattern.text("exact");
      pattern.harmless("ignore_case", "exact");
      if (exact !== undefined) {
        this.sets(pattern, filter, exact);
        continue;
      }
      if (!this.isSkipped) continue;
      const kind = ["prefix", "suffix", "contains"].find((name) => pattern.text(name) !== undefined) ?? "safe_regex";
      const shown = `${kind} ${pattern.text(kind === "safe_regex" ? "custom" : kind) ?? ""}`.trim();
      pattern.danger(
        `strip-pattern:${shown}`,
        `the skipped ${filter} would have set headers by a pattern (${shown}); a client's own pass with a grant`,
        "name the headers one by one with exact, and add them to the filter's strip",
      );
    }
    list.done();
  }

  /** A credential that is no header. */
  unstrippable(message: Message, filter: string, what: string, at?: Value): void {
    if (!this.isSkipped) return;
    message.danger(
      `unstripped:${what}`,
      `${filter} reads its credential from ${what}: with a grant it reaches the upstream unverified`,
      "read credentials from headers only",
      at,
    );
  }
}
