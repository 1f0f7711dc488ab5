/** Bent configurations: the first of a VM is asked of it as of a canary, which may refuse, the others as of a worker, which never does. */
import type { Program } from "../../control/host/program.js";
import { Metrics, MetricTable, SharedData } from "../../control/host/shared.js";
import { FilterFault, type LeanRequest, LeanVm } from "./lean.js";
import { LeanState } from "./lean-calls.js";

/** A new VM costs as much as reading some ten configurations. */
const FOR_ONE_VM = 32;

interface Moment {
  readonly milliseconds: number;
}

const newVm = (program: Program, clock: Moment, reached?: Set<number>): LeanVm =>
  new LeanVm(program, new LeanState(clock, new SharedData(), new MetricTable(new Metrics()), false, reached));

/** Asked of a VM of its own. */
export function tryConfiguration(
  program: Program,
  clock: Moment,
  configuration: Buffer,
): { readonly isTaken: boolean; readonly refusal: string } {
  const vm = newVm(program, clock);
  return { isTaken: vm.configure(configuration), refusal: vm.state.refusal };
}

export class Configurations {
  private vm: LeanVm | undefined;
  private asked = 0;

  constructor(
    private readonly program: Program,
    private readonly clock: Moment,
    private readonly reached?: Set<number>,
  ) {}

  /** Whether it was taken, and what became of a request under it. */
  play(configuration: Buffer, request: LeanRequest): string {
    const isFirst = this.vm === undefined || this.asked >= FOR_ONE_VM;
    const vm = isFirst || this.vm === undefined ? newVm(this.program, this.clock, this.reached) : this.vm;
    this.vm = vm;
    this.asked = isFirst ? 1 : this.asked + 1;
    const isTaken = vm.configure(configuration);
    if (!isTaken && isFirst) return "refused by a canary";
    if (!isTaken) throw new FilterFault("a VM refuses a configuration, and is no canary's");
    return `${vm.state.refusal === "" ? "taken" : "refused by a worker"}, then ${vm.request(request)}`;
  }
}
