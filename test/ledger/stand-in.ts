/** An intake in memory: what it takes is known by its bytes, and it takes only while its gate is open. */
import type { Intake, Received, Taken } from "../../control/ledger/intake.js";

export class MemoryIntake implements Intake {
  readonly entries: Received[] = [];
  private readonly known = new Map<string, number>();
  private gate: Promise<void> = Promise.resolve();
  private openGate: () => void = () => {};
  calls = 0;
  fault: Error | undefined;

  /** Until the returned function is called nothing is taken. */
  hold(): () => void {
    this.gate = new Promise((resolve) => {
      this.openGate = resolve;
    });
    return this.openGate;
  }

  async take(received: readonly Received[]): Promise<readonly Taken[]> {
    this.calls += 1;
    await this.gate;
    if (this.fault !== undefined) throw this.fault;
    return received.map((one) => {
      const key = `${one.kind} ${one.bytes.toString("latin1")}`;
      const before = this.known.get(key);
      if (before !== undefined) return { index: before, isNew: false };
      const index = this.entries.push(one) - 1;
      this.known.set(key, index);
      return { index, isNew: true };
    });
  }

  lines(): string[] {
    return this.entries.map(({ bytes }) => bytes.toString("latin1"));
  }
}
