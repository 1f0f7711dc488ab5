// What test files import as "vitest" in the long run: it collects their tests, so that they can run again and again in one process.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The assertions are vitest's own.
const require = createRequire(import.meta.url);
const place = createRequire(require.resolve("vitest/package.json")).resolve("@vitest/expect");
const { ASYMMETRIC_MATCHERS_OBJECT, chai, JestAsymmetricMatchers, JestChaiExpect, JestExtend } = await import(
  pathToFileURL(place).href
);
for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);
export const expect = Object.assign(
  (value, message) => chai.expect(value, message),
  chai.expect,
  globalThis[ASYMMETRIC_MATCHERS_OBJECT],
);

const newSuite = (name) => ({ name, parts: [], beforeAll: [], afterAll: [] });
let current = newSuite("");

/** @returns what the file declares while `load` runs */
export async function collect(file, load) {
  const suite = newSuite(file);
  current = suite;
  await load();
  return suite;
}

export function describe(name, declare) {
  const outer = current;
  const suite = newSuite(name);
  outer.parts.push(suite);
  current = suite;
  declare();
  current = outer;
}

export function it(name, run) {
  current.parts.push({ name, run });
}
it.each = (table) => (name, run) => {
  for (const row of table) it(`${name} ${JSON.stringify(row)}`, () => run(...(Array.isArray(row) ? row : [row])));
};

export const beforeAll = (hook) => current.beforeAll.push(hook);
export const afterAll = (hook) => current.afterAll.push(hook);
/** A test that takes too long is the parent's matter. */
export const vi = { setConfig: () => {} };

const hasHooks = (part) => part.run === undefined && part.beforeAll.length > 0;
const hasHooksInside = (suite) =>
  suite.parts.some((part) => part.run === undefined && (hasHooks(part) || hasHooksInside(part)));

/** What can run alone: a test, or a suite where its hooks do the work that its tests look at. */
export const unitsOf = (suite) =>
  suite.parts.flatMap((part) =>
    part.run !== undefined || (hasHooks(part) && !hasHooksInside(part)) ? [part] : unitsOf(part),
  );

const contains = (part, unit) =>
  part === unit || (part.run === undefined && part.parts.some((inner) => contains(inner, unit)));

/** Runs what of the part belongs to the unit, with all hooks around it. Throws what fails. */
export async function runUnit(part, unit) {
  const isInside = part === unit;
  if (part.run !== undefined) return part.run();
  for (const hook of part.beforeAll) await hook();
  for (const inner of part.parts) if (isInside || contains(inner, unit)) await runUnit(inner, isInside ? inner : unit);
  for (const hook of part.afterAll) await hook();
}
