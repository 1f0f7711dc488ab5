// From the probes that were reached to figures.

const none = () => ({ all: 0, reached: 0 });

/** A row a file, in the order of the points: `{ file, statement, branch, missed: [point] }`. */
export function count(points, reached) {
  const rows = new Map();
  for (const [i, point] of points.entries()) {
    const row = rows.get(point.file) ?? { file: point.file, statement: none(), branch: none(), missed: [] };
    rows.set(point.file, row);
    row[point.kind].all += 1;
    if (reached.has(i + 1)) row[point.kind].reached += 1;
    else row.missed.push(point);
  }
  return [...rows.values()];
}

export function total(rows) {
  const sum = (kind) =>
    rows.reduce((so, row) => ({ all: so.all + row[kind].all, reached: so.reached + row[kind].reached }), none());
  return { statement: sum("statement"), branch: sum("branch") };
}

export const percent = ({ all, reached }) => (all === 0 ? 100 : (100 * reached) / all);
