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

export const testsOf = (suite) => suite.parts.flatMap((part) => (part.run === undefined ? testsOf(part) : [part]));

/** Runs those of the suite's tests, in their order. @returns the first failure, as `{ name, error }` */
export async function runChosen(suite, chosen) {
  if (!testsOf(suite).some((test) => chosen.has(test))) return undefined;
  let name = suite.name;
  try {
    for (const hook of suite.beforeAll) await hook();
    for (const part of suite.parts) {
      name = part.name;
      if (part.run === undefined) {
        const failure = await runChosen(part, chosen);
        if (failure !== undefined) return failure;
      } else if (chosen.has(part)) await part.run();
    }
    name = suite.name;
    for (const hook of suite.afterAll) await hook();
    return undefined;
  } catch (error) {
    return { name, error: String(error?.message ?? error) };
  }
}
