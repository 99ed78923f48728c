//! YAML that people wrote, and that a program changes: values as a person would write them, and
//! where values stand in a text. What is not changed stays as it is, comments included.

mod outline;
mod writer;

pub use outline::{Outline, Shape, documents, flow_text, indentation, line_end, line_start};
pub use writer::Yaml;
