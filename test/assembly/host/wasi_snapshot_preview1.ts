/** The one call of WASI that the filter imports. AssemblyScript takes the module name from this file's name. Returns an errno. */
export declare function random_get(ptr: usize, len: usize): i32;
