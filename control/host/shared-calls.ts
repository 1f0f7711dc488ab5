/** Host calls about what the VMs of a process share: data and metrics. */
import { Status } from "./abi.js";
import type { HostCalls } from "./instance.js";
import type { Vm } from "./vm.js";

export function sharedCalls(vm: Vm): HostCalls {
  const { memory, metrics } = vm;
  const { vmId, process } = vm.environment;
  return {
    proxy_get_shared_data: (key: number, keyLen: number, ptr: number, len: number, cas: number) => {
      const entry = process.shared.get(vmId, memory.text(key, keyLen));
      if (entry === undefined) return Status.NotFound;
      const status = vm.answer(entry.value, ptr, len);
      if (status === Status.Ok) memory.u32(cas, entry.cas);
      return status;
    },
    proxy_set_shared_data: (key: number, keyLen: number, ptr: number, len: number, cas: number) =>
      process.shared.set(vmId, memory.text(key, keyLen), memory.bytes(ptr, len), cas >>> 0),
    proxy_define_metric: (kind: number, name: number, nameLen: number, out: number) => {
      const id = metrics.define(kind, memory.text(name, nameLen));
      if (id === undefined) return Status.BadArgument;
      memory.u32(out, id);
      return Status.Ok;
    },
    proxy_increment_metric: (id: number, by: bigint) => metrics.increment(id >>> 0, by),
    proxy_record_metric: (id: number, value: bigint) => metrics.record(id >>> 0, value),
    proxy_get_metric: (id: number, out: number) => {
      const value = metrics.get(id >>> 0);
      if (typeof value === "number") return value;
      memory.u64(out, value);
      return Status.Ok;
    },
  };
}
