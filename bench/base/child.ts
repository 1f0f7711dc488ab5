/** A TypeScript file of this folder in a process of its own. It ends with this one. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export class Child {
  private constructor(
    private readonly child: ChildProcess,
    /** Its first message. */
    readonly hello: unknown,
  ) {}

  /** Waits for its first message. */
  static async start(file: string, args: readonly string[]): Promise<Child> {
    const start = fileURLToPath(new URL("../start.mjs", import.meta.url));
    const child = fork(start, [file, ...args], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const [message]: unknown[] = await Promise.race([
      once(child, "message"),
      once(child, "exit").then(() => Promise.reject(new Error(`${file} ended at once`))),
    ]);
    return new Child(child, message);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  send(message: string): void {
    this.child.send(message);
  }

  async ask(message: string): Promise<unknown> {
    const over = new AbortController();
    const { signal } = over;
    const ended = once(this.child, "exit", { signal }).then(() => Promise.reject(new Error("a child ended unasked")));
    ended.catch(() => undefined); // Heard by the race, unless the answer comes first.
    const answer = once(this.child, "message", { signal });
    this.child.send(message);
    try {
      const [first]: unknown[] = await Promise.race([answer, ended]);
      return first;
    } finally {
      over.abort();
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.disconnect();
    await ended;
  }
}
