//! Text from outside that is shown to people.

use suture_core::display;

/// What is shown is one line of signs that can be seen, and showing it again changes nothing.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let shown = display::one_line(&text);
    assert!(!shown.contains(display::is_deceptive), "{shown:?}");
    assert_eq!(display::one_line(&shown), shown);
    let lines = display::lines(&text);
    assert_eq!(lines.matches('\n').count(), text.matches('\n').count());
    assert!(!lines.replace('\n', "").contains(display::is_deceptive), "{lines:?}");
}
