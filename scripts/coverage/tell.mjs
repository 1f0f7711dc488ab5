// What a run says: a line a room, a line a file, and, with `places`, each place that nothing reaches.
import { percent, total } from "./count.mjs";

const figure = (counted) => `${percent(counted).toFixed(1).padStart(5)} % of ${String(counted.all).padStart(4)}`;
const line = (name, { statement, branch }) =>
  `${name.padEnd(36)} statements ${figure(statement)}   branches ${figure(branch)}`;

export function report(rooms, rows, { places: wantsPlaces }) {
  const lines = rooms.flatMap((room) => {
    const own = rows.filter(({ file }) => file.startsWith(`assembly/${room}/`));
    return [line(`${room}/`, total(own)), ...own.map((row) => line(`  ${row.file}`, row))];
  });
  const missed = rows.flatMap((row) => row.missed);
  if (missed.length === 0 || !wantsPlaces) return lines.join("\n");
  const places = missed.map(
    ({ kind, file, line, column, text }) => `  ${`${file}:${line}:${column}`.padEnd(40)} ${kind.padEnd(9)}  ${text}`,
  );
  return [...lines, "", "not reached:", ...places].join("\n");
}
