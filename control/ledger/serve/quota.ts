/** How much a sender may hand in: entries and bytes a minute. A full minute's worth may come at once. */
import type { Quota } from "../config.js";
import { tooMany } from "./answer.js";

const MINUTE_MS = 60_000;

class Bucket {
  private level: number;

  constructor(
    private readonly perMinute: number,
    private at: number,
  ) {
    this.level = perMinute;
  }

  private fill(now: number): void {
    const gained = (Math.max(0, now - this.at) * this.perMinute) / MINUTE_MS;
    this.level = Math.min(this.perMinute, this.level + gained);
    this.at = now;
  }

  /** Seconds until something may be taken; 0 for now. */
  wait(now: number): number {
    this.fill(now);
    return this.level >= 1 ? 0 : ((1 - this.level) * MINUTE_MS) / this.perMinute / 1000;
  }

  /** One request may go below nothing, so that one which is larger than the whole quota gets through, and is paid for. */
  take(amount: number): void {
    this.level -= amount;
  }
}

export class QuotaMeter {
  private readonly entries: Bucket;
  private readonly bytes: Bucket;

  constructor(
    { entries, bytes }: Quota,
    private readonly now: () => number,
  ) {
    this.entries = new Bucket(entries, now());
    this.bytes = new Bucket(bytes, now());
  }

  /** @throws Refused (429) where the sender has used up what he has */
  check(): void {
    const now = this.now();
    const seconds = Math.max(this.entries.wait(now), this.bytes.wait(now));
    if (seconds > 0) throw tooMany(seconds, "This sender's quota for the minute is used up.");
  }

  /** Bytes that came count, whatever becomes of them. */
  takeBytes(bytes: number): void {
    this.bytes.take(bytes);
  }

  /** @throws Refused (429) and counts nothing */
  takeEntries(entries: number): void {
    const seconds = this.entries.wait(this.now());
    if (seconds > 0) throw tooMany(seconds, "This sender's quota for the minute is used up.");
    this.entries.take(entries);
  }
}
