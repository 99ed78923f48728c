//! A [`Policy`] as the exports of the world.

use std::marker::PhantomData;

use crate::wit::{Guest, types};
use crate::{Policy, log, reason};

/// The exports of a policy.
pub struct Component<P>(PhantomData<P>);

impl<P: Policy> Guest for Component<P> {
    fn manifest() -> types::Manifest {
        manifest::<P>()
    }

    fn remediate(incident: types::Incident) -> Result<types::Outcome, String> {
        // A panic ends a component as `unreachable`: what it said would be lost.
        std::panic::set_hook(Box::new(|panic| log::line(log::Level::Error, &panic.to_string())));
        remediate::<P>(incident)
    }
}

/// What a policy's export `manifest` answers.
pub fn manifest<P: Policy>() -> types::Manifest {
    P::manifest().into()
}

/// What a policy's export `remediate` answers.
///
/// # Errors
/// That the policy could not conclude, for people.
pub fn remediate<P: Policy>(incident: types::Incident) -> Result<types::Outcome, String> {
    let settings = serde_json::from_str(&incident.settings).map_err(|error| {
        format!("{}: the settings do not fit the policy's type: {error}", reason::UNREADABLE)
    })?;
    P::remediate(incident.into(), settings).map(Into::into).map_err(|error| error.to_string())
}

/// Exports a [`Policy`] from the component that this crate becomes. Say it once.
#[macro_export]
macro_rules! policy {
    ($policy:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exports = $crate::Component<$policy>;
    $crate::wit::export_policy!(Exports with_types_in $crate::wit);
        };

        /// The policy as a program of its own, for `suture test --coverage`.
        #[cfg(not(target_arch = "wasm32"))]
        #[doc(hidden)]
        pub fn __suture_main() -> std::process::ExitCode {
            $crate::host::pipe::main::<$policy>()
        }
    };
}
