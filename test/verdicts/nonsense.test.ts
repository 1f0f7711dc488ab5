/** A host that answers `Ok` with nonsense: nothing traps, nothing is let in, and the next request is judged as ever. */
import { expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

const PAGE = 65_536;
/** Where answers are said to stand, and how long they are said to be. */
const PLACES = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const LENGTHS = [0, 1, 3, 5, PAGE, 0x00ff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

it("whatever answer of a request, wherever it points and however long it says it is", async () => {
  const world = new World(Math.floor(Date.now() / 1000));
  const host = await FilterHost.load();
  expect(host.configure(world.configuration()).accepted).toBe(true);
  const [vm] = host.process.workers[0]?.allVms ?? [];
  if (vm === undefined) throw new Error("the worker has no VM");
  const answer = vm.answer.bind(vm);
  const size = vm.memory.size;
  let index = 0;
  let bent: { readonly at: number; readonly ptr?: number; readonly length: number } | undefined;
  vm.answer = (value, ptrOut, lengthOut) => {
    const status = answer(value, ptrOut, lengthOut);
    if (bent?.at === index) {
      if (bent.ptr !== undefined) vm.memory.u32(ptrOut, bent.ptr);
      vm.memory.u32(lengthOut, bent.length);
    }
    index += 1;
    return status;
  };
  const ask = (how: typeof bent): string => {
    index = 0;
    bent = how;
    const { kind, reply, filterState } = host.request({ headers: headersOf([world.alone()]) });
    const what = JSON.stringify(how);
    expect(vm.failure, what).toBeUndefined();
    expect(reply?.details, what).not.toBe("wasm_fail_stream");
    return kind === "continue" ? (filterState.get("wasm.glassgate.verdict") ?? "unjudged") : kind;
  };
  // The first request of a VM asks for the node's name as well.
  for (let i = 0; i < 2; i++) expect(ask(undefined)).toBe("allow");
  const answers = index;
  // The grant's header, all headers, the client's address.
  expect(answers).toBe(3);
  for (let at = 0; at < answers; at++) {
    for (const length of LENGTHS) {
      for (const ptr of [...PLACES, size - 1, size, undefined]) {
        const outcome = ask({ at, length, ...(ptr === undefined ? {} : { ptr }) });
        // On the headers depends what is opened.
        if (at === 1 && ptr !== undefined) expect(outcome).toBe("reply");
      }
    }
    expect(ask(undefined)).toBe("allow");
  }
});
