/** Runs a program of bench/ as `npm run bench` and `npm run soak` do once everything is built. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished, vi } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { type Ran, run } from "../cli/run.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

export const program = (file: string, args: readonly string[]): Promise<Ran> =>
  run(process.execPath, ["bench/start.mjs", file, ...args], { cwd: root });

/** The same with `--json FILE`, and what stands in that file: nothing, where it ended before. */
export async function programWithJson(
  file: string,
  args: readonly string[],
): Promise<Ran & { readonly json: unknown }> {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "found.json");
  const ran = await program(file, [...args, "--json", path]);
  return { ...ran, json: existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined };
}

/** What a program says of its arguments, in this process: it must end before it measures anything. The exit code is bench/start.mjs's. */
export async function saidOf(
  { main }: { readonly main: (args: readonly string[]) => Promise<void> },
  args: readonly string[],
): Promise<{ readonly stdout: string; readonly error: string | undefined }> {
  let stdout = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  try {
    await main(args);
    return { stdout, error: undefined };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { stdout, error: [error.message, error.hint].filter((text) => text !== undefined).join(" ") };
  } finally {
    write.mockRestore();
  }
}
