/** Arrays and lists of keys and values within each other; telemetry that nests deeper is refused. */
export const NESTING_MAX = 32
