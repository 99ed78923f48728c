//! The bindings that `wit-bindgen` makes from the contract in `wit/`.

#![allow(missing_docs, reason = "generated; the documentation stands in wit/*.wit")]
#![allow(unsafe_code, reason = "generated: the component model's calling convention")]
#![allow(clippy::all, unused_qualifications, reason = "generated")]

#[cfg(target_arch = "wasm32")]
wit_bindgen::generate!({
    path: "wit",
    world: "policy",
    pub_export_macro: true,
    export_macro_name: "export_policy",
    default_bindings_module: "suture_policy::wit",
    additional_derives: [PartialEq],
});

// Natively the calls can go to another process.
#[cfg(not(target_arch = "wasm32"))]
wit_bindgen::generate!({
    path: "wit",
    world: "policy",
    pub_export_macro: true,
    export_macro_name: "export_policy",
    default_bindings_module: "suture_policy::wit",
    additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
});

pub use suture::policy::{clock, kube, log, prometheus, types};
