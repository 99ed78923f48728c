//! PromQL, as policies query with it.

use suture_core::promql::{check, selected};
use suture_core::{Glob, Grant, Permission};

/// Stands beside an expression, to see whether it is seen.
const OTHER: &str = "suture_other";

/// What can be read names its metrics and no others, also where something stands behind it; it
/// passes where each of them is requested and granted, and nowhere else.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let any = [Glob::any()];
    let names = match selected(text) {
        Ok(names) => names,
        Err(why) => {
            assert!(!why.is_empty());
            assert!(!passes(text, &any, &any), "it can't be read, and passes");
            return;
        }
    };
    // An escape can write a name in other signs.
    assert!(text.contains('\\') || names.iter().all(|name| text.contains(name.as_str())), "{names:?}");
    // A number or a range has no place beside a metric.
    if let Ok(both) = selected(&format!("(\n{text}\n) or {OTHER}")) {
        let mut expected = names.clone();
        expected.insert(OTHER.to_owned());
        assert_eq!(both, expected, "what stands behind it is read otherwise");
    }
    assert!(passes(text, &any, &any), "all is requested and granted");
    assert!(!passes(text, &any, &[]), "nothing is granted");
    let exact = names.iter().map(|name| Glob::new(name).ok().filter(|glob| glob.exact().is_some()));
    let Some(exact) = exact.collect::<Option<Vec<_>>>() else { return };
    if let Some((_, all_but_one)) = exact.split_first() {
        assert!(passes(text, &exact, &exact), "each is requested and granted");
        assert!(!passes(text, all_but_one, &exact), "one is not requested");
        assert!(!passes(text, &exact, all_but_one), "one is not granted");
    }
}

fn passes(text: &str, requested: &[Glob], granted: &[Glob]) -> bool {
    let permission = Permission { metrics: requested.to_vec(), ..Permission::default() };
    let mut grant = Grant::of(Vec::new(), Vec::new(), Vec::new(), Vec::new());
    grant.metrics = granted.to_vec();
    check(text, &[permission], &[grant]).is_ok()
}
