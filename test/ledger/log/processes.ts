/** Writers in processes of their own. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { logKey, ORIGIN } from "./made.js";

const program = fileURLToPath(new URL("writer.mjs", import.meta.url));

export interface WriterOptions {
  readonly root: string;
  readonly mode: "hold" | "load";
  /** What its lock says. */
  readonly holder?: string;
  /** What its entries say. */
  readonly name?: string;
  readonly callers?: number;
}

export class Writer {
  readonly lines: string[] = [];
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly over: Promise<unknown>;
  private wake = (): void => {};

  constructor(options: WriterOptions) {
    const argument = JSON.stringify({ key: logKey, origin: ORIGIN, ...options });
    this.child = spawn(process.execPath, [program, argument], { stdio: ["pipe", "pipe", "inherit"] });
    this.child.stdin.on("error", () => {}); // It may have been killed.
    const lines = createInterface({ input: this.child.stdout });
    lines.on("line", (line) => {
      this.lines.push(line);
      this.wake();
    });
    this.over = Promise.all([once(this.child, "exit"), once(lines, "close")]);
    void this.over.then(() => this.wake());
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Waits until it has said a line like this. */
  async said(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        await this.over;
        const last = this.lines.find((line) => pattern.test(line));
        if (last !== undefined) return last;
        throw new Error(`the writer ended without ${pattern}: ${this.lines.slice(-3).join(" | ")}`);
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  go(): void {
    this.child.stdin.write("go\n");
  }

  /** As a power cut, but for the disk's cache. @returns when it is gone and all its lines are here */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.over;
  }

  async end(): Promise<void> {
    this.child.stdin.end();
    await this.over;
  }
}
