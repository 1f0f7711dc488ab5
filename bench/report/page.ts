/** bench/RESULTS.md: a section of each command, written by it alone. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { writeText } from "../../control/base/files.js";

const PAGE = fileURLToPath(new URL("../RESULTS.md", import.meta.url));

/** In the page's order. */
export const SECTIONS = [
  "rows",
  "distinct",
  "memory",
  "streams",
  "revoke",
  "kong",
  "kong-module",
  "ledger",
  "ledger-reading",
  "ledger-growth",
  "review",
  "receipts",
  "follow",
  "whole",
] as const;
export type SectionName = (typeof SECTIONS)[number];

const begin = (name: SectionName): string => `<!-- section: ${name} -->\n`;
const END = "<!-- end of section -->\n";

function sectionOf(page: string, name: SectionName): string {
  const from = page.indexOf(begin(name));
  const to = page.indexOf(END, from);
  return from < 0 || to < 0 ? "" : page.slice(from, to + END.length);
}

/** The page with another text in that section; what belongs to no section goes. */
export function withSection(page: string, name: SectionName, text: string): string {
  const own = `${begin(name)}\n${text.trim()}\n\n${END}`;
  const sections = SECTIONS.map((other) => (other === name ? own : sectionOf(page, other)));
  return sections.filter((section) => section !== "").join("\n");
}

export function writeSection(name: SectionName, text: string): void {
  writeText(PAGE, withSection(existsSync(PAGE) ? readFileSync(PAGE, "utf8") : "", name, text));
}

export const today = (): string => new Date().toISOString().slice(0, 10);
