/**
 * The gateway's clock while it is fuzzed: it goes on with each request, so that who failed too often is not busy for ever and
 * denials are on record; for some spells it nearly stands, as in a flood.
 */
import { START } from "./people.js";

const USUAL_MS = 20;
const FLOOD_MS = 1;
const SPELL = 1024;
const FLOOD_EVERY = 16;

export class Clock {
  private steps = 0;
  milliseconds = START * 1000;

  /** A request later. True where a spell begins: time for what is made for the time that it is. */
  advance(): boolean {
    this.steps += 1;
    const isFlood = Math.floor(this.steps / SPELL) % FLOOD_EVERY === FLOOD_EVERY - 1;
    this.milliseconds += isFlood ? FLOOD_MS : USUAL_MS;
    return this.steps % SPELL === 0;
  }

  get seconds(): number {
    return Math.floor(this.milliseconds / 1000);
  }
}
