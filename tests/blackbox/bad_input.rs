//! Bad input: a problem document with a stable type that repeats nothing of what came, and
//! nothing is changed.

mod batches;
mod bodies;
mod conditions;
mod paths;
mod values;
mod world;
