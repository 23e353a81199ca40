//! The WIT package as Rust, made from `plugins/wit`.
#![allow(clippy::pedantic, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../../plugins/wit",
    world: "full-policy",
    ownership: Borrowing { duplicate_if_necessary: true },
});
