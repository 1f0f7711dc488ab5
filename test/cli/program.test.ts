/** A command line loads its own command: whoever waits for it in an emergency does not wait for all the others. */
import { expect, it } from "vitest";
import { buildProgram } from "../../control/cli/program.js";

const whole = (await buildProgram()).commands.map((command) => command.name());
const namesFor = async (word: string): Promise<string[]> =>
  (await buildProgram(word)).commands.map((command) => command.name());

it("of each command has that one alone, under the very name by which it is loaded", async () => {
  expect(whole).toContain("ask");
  for (const name of whole.filter((one) => one !== "completion")) expect(await namesFor(name)).toEqual([name]);
});

it("that asks for a version has none", async () => {
  for (const word of ["--version", "-V"]) expect(await namesFor(word)).toEqual([]);
});

it("that tells of all, or names none of them, has all", async () => {
  for (const word of ["completion", "help", "--help", "", "aks", "toString"])
    expect(await namesFor(word)).toEqual(whole);
});
