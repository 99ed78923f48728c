//! `make screenshots`: every page as a picture, to be looked at.

use std::path::PathBuf;

use super::driver::Look;
use super::{after_work, paths};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`make screenshots` runs it: it writes pictures and decides nothing"]
async fn each_page_as_a_picture() {
    let folder = std::env::var_os("SUTURE_SCREENSHOTS").map(PathBuf::from).unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    let fixture = after_work(90).await.unwrap();
    let paths = paths(&fixture).await.unwrap();
    for (kind, look) in [("light", Look::WIDE), ("dark", Look::DARK), ("narrow", Look::NARROW)] {
        let browser = super::Browser::start(look).await.unwrap();
        browser.open(&fixture.url("/")).await.unwrap();
        browser.picture(&folder.join(format!("sign-in-{kind}.png"))).await.unwrap();
        browser.open(&fixture.link().await.unwrap()).await.unwrap();
        for (name, path) in &paths {
            browser.open(&fixture.url(path)).await.unwrap();
            if name.starts_with("run-") {
                let unfold = "document.querySelectorAll('.timeline details')[2]?.setAttribute('open', '')";
                browser.ask(unfold).await.unwrap();
            }
            browser.picture(&folder.join(format!("{name}-{kind}.png"))).await.unwrap();
        }
        browser.quit().await;
    }
}
