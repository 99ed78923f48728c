use super::{is_form, is_page};

#[test]
fn a_page_is_told_from_what_is_none() {
    for page in [
        "/",
        "",
        "/incidents",
        "/incidents/",
        "/incidents/5xk2",
        "/runs/5xk2/",
        "/policies/volsync",
        "/trends",
    ] {
        assert!(is_page(page), "{page}");
    }
    for other in [
        "/api/v1/runs",
        "/signin",
        "/events",
        "/assets/console.css",
        "/runs",
        "/runs/",
        "/incidents/x/close",
        "//",
        "/hooks",
        "/metrics",
        "/incidents//x",
        "/trends/x",
    ] {
        assert!(!is_page(other), "{other}");
    }
}

#[test]
fn a_form_is_told_from_what_is_none() {
    for form in ["/pause", "/resume", "/signout", "/policies/p/pause", "/incidents/x/close", "/runs/x/cancel"]
    {
        assert!(is_form(form), "{form}");
    }
    for other in
        ["/api/v1/pause", "/hooks", "/", "/runs/x/approve/", "/policies/p/accept", "/signin", "/pause/x"]
    {
        assert!(!is_form(other), "{other}");
    }
}
