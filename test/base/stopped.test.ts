/** What a command that was stopped says it has written. */
import { expect, it } from "vitest";
import { forgetWritten, notePassing, noteWritten, stopped } from "../../control/base/stopped.js";

it("are files that stay: none in a folder that goes with the process", () => {
  forgetWritten(); // What tests before this one have written in this process.
  noteWritten("/a/grant.txt");
  noteWritten("/a/scratch-1/ecds.json");
  noteWritten("/a/scratch-12");
  notePassing("/a/scratch-1");
  expect(stopped("interrupt").message).toBe("Stopped. Written before that: /a/grant.txt, /a/scratch-12.");
  forgetWritten();
  noteWritten("/a/scratch-1/now.txt");
  expect(stopped("end").message).toBe("Stopped. Written before that: /a/scratch-1/now.txt.");
});
