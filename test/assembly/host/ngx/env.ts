/** The host call that nginx has by another type. AssemblyScript takes the module name `env` from this file's name. */
export declare function proxy_get_log_level(out: usize, more: usize): i32;
