/** The commands of a document's shell blocks. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../../", import.meta.url));

/** Each command as it stands, continued lines and all; a comment behind it is the shell's to skip. */
export function shellLines(path: string): string[] {
  const text = readFileSync(`${repository}${path}`, "utf8");
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block = ""]) => block.split(/(?<!\\)\n/))
    .filter((line) => line.trim() !== "");
}
