//! x
/// x
pub struct Recorder;
