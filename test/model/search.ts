/** Breadth first over all states that can be reached, so that what is found is the shortest way there. */
import { keyOf, type State } from "./state.js";
import { type Move, wordsOf } from "./steps.js";

export interface Found {
  readonly states: number;
  /** The names of the moves that lead to the first wrong state, and what is wrong there. */
  readonly wrong?: { readonly story: readonly string[]; readonly path: readonly Move[]; readonly what: string };
}

interface Reached {
  readonly state: State;
  readonly from: Reached | undefined;
  readonly by: Move | undefined;
}

function pathTo(reached: Reached): Move[] {
  const path: Move[] = [];
  for (let here: Reached | undefined = reached; here?.by !== undefined; here = here.from) path.unshift(here.by);
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
  let level: Reached[] = [{ state: start, from: undefined, by: undefined }];
  while (level.length > 0) {
    const next: Reached[] = [];
    for (const reached of level) {
      const what = wrongIn(reached.state);
      if (what !== undefined) {
        const path = pathTo(reached);
        return { states: seen.size, wrong: { story: path.map(({ step }) => wordsOf(step)), path, what } };
      }
      for (const move of movesFrom(reached.state)) {
        const { state } = move;
        const key = keyOf(state);
        if (seen.has(key)) continue;
        seen.add(key);
        if (seen.size > most) throw new Error(`more than ${most} states: the setting is too large to see all of them`);
        next.push({ state, from: reached, by: move });
      }
    }
    level = next;
  }
  return { states: seen.size };
}
