//! The one form in which values are hashed.

use serde_json::Value;
use suture_core::Digest;

use super::mask::Mask;

/// The digest of a value, less what is masked: fields in the order of their names, each part with its
/// type and its length, so that no two values have the same bytes.
pub(super) fn digest(value: &Value, mask: &Mask) -> Digest {
    let mut bytes = Vec::new();
    write(value, mask, &mut bytes);
    Digest::of(&bytes)
}

fn write(value: &Value, mask: &Mask, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => bytes.push(b'n'),
        Value::Bool(value) => bytes.extend([b'b', u8::from(*value)]),
        Value::Number(number) => part(b'#', &mask.number(&number.to_string()), bytes),
        Value::String(text) => part(b's', &mask.text(text), bytes),
        Value::Array(items) => {
            count(b'[', items.len(), bytes);
            items.iter().for_each(|item| write(item, mask, bytes));
        }
        Value::Object(fields) => {
            // What is masked may make two names alike: both count.
            let mut fields: Vec<(String, &String, &Value)> =
                fields.iter().map(|(name, value)| (mask.text(name), name, value)).collect();
            fields.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
            count(b'{', fields.len(), bytes);
            for (name, _, value) in fields {
                part(b's', &name, bytes);
                write(value, mask, bytes);
            }
        }
    }
}

fn part(tag: u8, text: &str, bytes: &mut Vec<u8>) {
    count(tag, text.len(), bytes);
    bytes.extend(text.as_bytes());
}

fn count(tag: u8, count: usize, bytes: &mut Vec<u8>) {
    bytes.push(tag);
    bytes.extend((count as u64).to_le_bytes());
}
