/** Breadth first over all states that can be reached, so that what is found is the shortest way there. */

import type { State } from "./state.js";
import { keyOf } from "./state.js";

export interface Move {
  readonly name: string;
  readonly state: State;
}

export interface Found {
  readonly states: number;
  /** The names of the moves that lead to the first wrong state, and what is wrong there. */
  readonly wrong?: { readonly story: readonly string[]; readonly path: readonly Move[]; readonly what: string };
}

interface Reached {
  readonly state: State;
  readonly from: Reached | undefined;
  readonly name: string;
}

function pathTo(reached: Reached): Move[] {
  const path: Move[] = [];
  for (let here: Reached | undefined = reached; here?.from !== undefined; here = here.from)
    path.unshift({ name: here.name, state: here.state });
  return path;
}

/** @param most states: more is an error, as then not all were seen */
export function search(
  start: State,
  movesFrom: (state: State) => Iterable<Move>,
  wrongIn: (state: State) => string | undefined,
  most: number,
): Found {
  const seen = new Set([keyOf(start)]);
  let level: Reached[] = [{ state: start, from: undefined, name: "" }];
  while (level.length > 0) {
    const next: Reached[] = [];
    for (const reached of level) {
      const what = wrongIn(reached.state);
      if (what !== undefined) {
        const path = pathTo(reached);
        return { states: seen.size, wrong: { story: path.map(({ name }) => name), path, what } };
      }
      for (const { name, state } of movesFrom(reached.state)) {
        const key = keyOf(state);
        if (seen.has(key)) continue;
        seen.add(key);
        if (seen.size > most) throw new Error(`more than ${most} states: the setting is too large to see all of them`);
        next.push({ state, from: reached, name });
      }
    }
    level = next;
  }
  return { states: seen.size };
}
