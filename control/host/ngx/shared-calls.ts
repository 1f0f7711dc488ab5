/** Host calls about what the workers share: data, queues, metrics. */
import { Status } from "../abi.js";
import type { HostCalls } from "../instance.js";
import { trap } from "./calls.js";
import type { NgxInstance } from "./instance.js";
import type { NgxSharedData } from "./shared.js";

const noQueue = (): never => trap("could not find queue");

export function sharedCalls(vm: NgxInstance): HostCalls {
  const { memory } = vm;
  const { metrics, shared } = vm.surroundings;
  const dataOf = (): NgxSharedData => shared ?? trap("could not resolve namespace: there is no shm_kv");
  return {
    proxy_get_shared_data: (key: number, keyLen: number, ptr: number, len: number, cas: number) => {
      const name = memory.text(key, keyLen);
      vm.out(cas);
      const entry = dataOf().get(name);
      if (entry === undefined) return Status.NotFound;
      const status = vm.give(entry.value, ptr, len);
      if (status !== Status.Ok) trap("failed getting value from shm (no memory)");
      memory.u32(cas, entry.cas);
      return status;
    },
    proxy_set_shared_data: (key: number, keyLen: number, ptr: number, len: number, cas: number) =>
      dataOf().set(memory.text(key, keyLen), memory.bytes(ptr, len), cas >>> 0),
    proxy_register_shared_queue: noQueue,
    proxy_enqueue_shared_queue: noQueue,
    proxy_dequeue_shared_queue: noQueue,
    proxy_define_metric: (kind: number, name: number, nameLen: number, out: number) => {
      const text = memory.text(name, nameLen);
      memory.bytes(out, 4);
      memory.u32(out, metrics.define(vm.context.filter?.name ?? "", kind, text));
      return Status.Ok;
    },
    proxy_increment_metric: (id: number, by: bigint) => metrics.increment(id >>> 0, by),
    proxy_record_metric: (id: number, value: bigint) => metrics.record(id >>> 0, value),
    proxy_get_metric: (id: number, out: number) => {
      vm.out(out, 8);
      memory.u64(out, metrics.get(id >>> 0));
      return Status.Ok;
    },
  };
}
