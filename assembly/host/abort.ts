/**
 * What AssemblyScript calls when the runtime itself fails. Nothing of ours may reach it (a trap kills the VM for every
 * plugin in it); it exists so that the module imports no `env.abort`, which no gateway offers.
 */
export function abort(_message: usize, _file: usize, _line: u32, _column: u32): void {
  unreachable();
}
