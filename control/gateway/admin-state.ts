/** What the filter of one domain publishes, and how Envoy's VMs are. */
import { type Admin, UnseenError } from "./admin.js";

export interface FilterState {
  readonly generation: number | undefined;
  /** VMs that serve that generation, the main thread's included. */
  readonly servingVms: number;
  readonly bundleVersion: number | undefined;
  /** Which texts of revocations are in force (`appliedDigest`); 0 where threads differ. */
  readonly revocations: number | undefined;
  /** All VMs of the process. */
  readonly vmCount: number;
  /** Rejections of an ECDS update so far. */
  readonly rejections: number;
  /** The bundles' schema: above 1 where a hot restart's parent adds its own to it. */
  readonly schema: number;
  /** Whether the gateway publishes anything of the filter, for whichever domain; and the number of its VMs. */
  readonly isVisible: boolean;
  readonly hasVmCount: boolean;
}

/** What the filter publishes as the schema of the bundles that it reads; a sum of two Envoys' is more. */
export const SCHEMA = 1;

const DOMAIN_GAUGE = /^wasmcustom\.glassgate\.generation\.domain=/;
/** The second came later; the first is in all versions. Other runtimes have another middle. */
const VM_COUNT = /^wasm\.(?:envoy\.wasm\.runtime\.[a-z0-9_]+\.active|wasm_vm_count)$/;

/** @param domain 64 hex characters */
export async function readFilterState(admin: Admin, domain: string): Promise<FilterState> {
  const stats = await admin.stats("glassgate|wasm_vm_count|wasm\\.envoy|extension_config_discovery");
  const checked = (name: string, value: number): number => {
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw new UnseenError(`The admin interface at ${admin.address} shows a number that cannot be: ${name}.`, {
      hint: "Is that the gateway's own Envoy, without anything in between?",
    });
  };
  const gauge = (label: string): number | undefined => {
    const value = stats.get(`wasmcustom.glassgate.${label}.domain=${domain.slice(0, 16)}`);
    return value === undefined ? undefined : checked(label, value);
  };
  let vmCount = 0;
  let rejections = 0;
  let hasVmCount = false;
  let isVisible = false;
  for (const [name, value] of stats) {
    if (VM_COUNT.test(name)) {
      vmCount = Math.max(vmCount, checked("wasm_vm_count", value));
      hasVmCount = true;
    }
    if (DOMAIN_GAUGE.test(name)) isVisible = true;
    if (/extension_config_discovery.*(config_fail|update_rejected)$/.test(name))
      rejections += checked("update_rejected", value);
  }
  return {
    generation: gauge("generation"),
    servingVms: gauge("generation_vms") ?? 0,
    bundleVersion: gauge("bundle_version"),
    revocations: gauge("revocations_applied"),
    vmCount,
    rejections,
    schema: gauge("schema") ?? SCHEMA,
    isVisible,
    hasVmCount,
  };
}

/** Whether the main thread and every worker serve the newest generation, each in a VM of its own. */
export const isWhole = (state: FilterState, workers: number): boolean =>
  state.servingVms >= workers + 1 && state.vmCount >= workers + 2;
