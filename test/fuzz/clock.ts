/**
 * The gateway's clock while it is fuzzed: it goes on with each request, so that who failed too often is not busy for ever and
 * denials are on record; for some spells it nearly stands, as in a flood.
 */
import { START } from "./people.js";

/** A request: 250 come in a second, of which those with nobody's signature are too many for the record; in a flood, 4,000. */
const USUAL_MS = 4;
const OF_A_MS_IN_FLOOD = 4;
const SPELL = 1024;
const FLOOD = 8 * SPELL;
const FLOOD_EVERY = 8;

export class Clock {
  private steps = 0;
  milliseconds = START * 1000;

  /** A request later. True where a spell begins: time for what is made for the time that it is. */
  advance(): boolean {
    this.steps += 1;
    const isFlood = Math.floor(this.steps / FLOOD) % FLOOD_EVERY === FLOOD_EVERY - 1;
    this.milliseconds += isFlood ? Number(this.steps % OF_A_MS_IN_FLOOD === 0) : USUAL_MS;
    return this.steps % SPELL === 0;
  }

  get seconds(): number {
    return Math.floor(this.milliseconds / 1000);
  }
}
