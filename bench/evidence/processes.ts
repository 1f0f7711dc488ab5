/** The commands that a soak has started: they end with it. */
import type { Running } from "../../test/ledger/whole.js";

export class Processes {
  private readonly started = new Set<Running>();
  private readonly kill = (): void => {
    for (const one of this.started) one.kill("SIGKILL");
  };

  constructor() {
    process.once("exit", this.kill);
  }

  track<T extends Running>(running: T): T {
    this.started.add(running);
    void running.ended.then(() => this.started.delete(running));
    return running;
  }

  async end(): Promise<void> {
    process.off("exit", this.kill);
    this.kill();
    await Promise.all([...this.started].map(({ ended }) => ended));
  }
}
