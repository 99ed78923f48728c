//! A browser, driven over WebDriver by Debian's `chromedriver`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use suture_tests::process::{eventually, free_port};
use tokio::process::{Child, Command};

/// How long a page may take, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Under which an element's id stands.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How a browser is set up.
#[derive(Clone, Copy)]
pub struct Look {
    pub width: u32,
    pub height: u32,
    pub is_dark: bool,
    pub has_scripts: bool,
}

impl Look {
    pub const WIDE: Self = Self { width: 1280, height: 900, is_dark: false, has_scripts: true };
    pub const NARROW: Self = Self { width: 360, height: 780, ..Self::WIDE };
    pub const DARK: Self = Self { is_dark: true, ..Self::WIDE };
    pub const WITHOUT_SCRIPTS: Self = Self { has_scripts: false, ..Self::WIDE };
}

/// A browser with one window.
pub struct Browser {
    client: reqwest::Client,
    session: String,
    _driver: Child,
}

impl Browser {
    pub async fn start(look: Look) -> anyhow::Result<Self> {
        let port = free_port()?;
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("`chromedriver` is not there: `make test-console` installs it")?;
        suture_cluster::install_crypto();
        let client = reqwest::Client::builder().no_proxy().build()?;
        let base = format!("http://127.0.0.1:{port}");
        let is_up = async || client.get(format!("{base}/status")).send().await.is_ok();
        anyhow::ensure!(eventually(PATIENCE, is_up).await, "chromedriver does not answer");
        let mut arguments = vec![
            "--headless=new".to_owned(),
            // As root, as in a container, there is no sandbox to be had.
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--hide-scrollbars".to_owned(),
            // What is clicked at must be where it is.
            "--force-prefers-reduced-motion".to_owned(),
            format!("--window-size={},{}", look.width.max(500), look.height),
        ];
        if look.is_dark {
            arguments.push("--force-dark-mode".to_owned());
        }
        let prefs = json!({"profile.managed_default_content_settings.javascript": if look.has_scripts { 1 } else { 2 }});
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments, "prefs": prefs},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let answer = client.post(format!("{base}/session")).json(&wanted).send().await?;
        let told: Value = answer.json().await?;
        let id = told["value"]["sessionId"].as_str().with_context(|| format!("no session: {told}"))?;
        let browser = Self { client, session: format!("{base}/session/{id}"), _driver: driver };
        // A window is never as narrow as a phone.
        let metrics =
            json!({"width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false});
        browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
        let scheme = if look.is_dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.devtools("Emulation.setEmulatedMedia", features).await?;
        Ok(browser)
    }

    async fn call(&self, command: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let url = format!("{}/{command}", self.session);
        let request = match body {
            Some(body) => self.client.post(url).json(&body),
            None => self.client.get(url),
        };
        let told: Value = request.send().await?.json().await?;
        let value = told.get("value").cloned().unwrap_or_default();
        if let Some(error) = value.get("error") {
            anyhow::bail!("{command}: {error}: {}", value["message"].as_str().unwrap_or_default());
        }
        Ok(value)
    }

    async fn devtools(&self, command: &str, parameters: Value) -> anyhow::Result<Value> {
        self.call("goog/cdp/execute", Some(json!({"cmd": command, "params": parameters}))).await
    }

    pub async fn open(&self, url: &str) -> anyhow::Result<()> {
        self.call("url", Some(json!({"url": url}))).await.map(drop)
    }

    pub async fn path(&self) -> anyhow::Result<String> {
        let url = self.call("url", None).await?;
        let url = reqwest::Url::parse(url.as_str().unwrap_or_default())?;
        Ok(url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path())))
    }

    async fn find(&self, css: &str) -> anyhow::Result<String> {
        let found = self.call("element", Some(json!({"using": "css selector", "value": css}))).await?;
        Ok(found[ELEMENT].as_str().context("no element")?.to_owned())
    }

    pub async fn click(&self, css: &str) -> anyhow::Result<()> {
        let id = self.find(css).await?;
        self.call(&format!("element/{id}/click"), Some(json!({}))).await.map(drop)
    }

    pub async fn type_into(&self, css: &str, text: &str) -> anyhow::Result<()> {
        let id = self.find(css).await?;
        self.call(&format!("element/{id}/value"), Some(json!({"text": text}))).await.map(drop)
    }

    /// Press keys, one after another, wherever the focus is.
    pub async fn press(&self, keys: &[&str]) -> anyhow::Result<()> {
        let strokes = keys.iter().flat_map(|key| {
            [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
        });
        let actions =
            json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes.collect::<Vec<_>>()}]});
        self.call("actions", Some(actions)).await.map(drop)
    }

    /// What is to be seen of an element.
    pub async fn text(&self, css: &str) -> anyhow::Result<String> {
        let id = self.find(css).await?;
        Ok(self.call(&format!("element/{id}/text"), None).await?.as_str().unwrap_or_default().to_owned())
    }

    /// Wait until an element says something.
    pub async fn until(&self, css: &str, words: &str) -> anyhow::Result<String> {
        let mut said = String::new();
        let says = async || {
            said = self.text(css).await.unwrap_or_else(|error| error.to_string());
            said.contains(words)
        };
        let is_so = eventually(PATIENCE, says).await;
        anyhow::ensure!(is_so, "`{css}` never says `{words}`: {said}");
        Ok(said)
    }

    /// What a script of the test says, in the page.
    pub async fn ask(&self, script: &str) -> anyhow::Result<Value> {
        self.call("execute/sync", Some(json!({"script": script, "args": []}))).await
    }

    /// The same for one that takes its time: it calls its last argument.
    pub async fn ask_later(&self, script: &str) -> anyhow::Result<Value> {
        self.call("execute/async", Some(json!({"script": script, "args": []}))).await
    }

    /// What the browser complained about: blocked scripts, errors.
    pub async fn complaints(&self) -> anyhow::Result<Vec<String>> {
        let log = self.call("se/log", Some(json!({"type": "browser"}))).await?;
        let entries = log.as_array().cloned().unwrap_or_default();
        let bad = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        Ok(bad.map(|entry| entry["message"].to_string()).collect())
    }

    /// The whole page as a picture.
    pub async fn picture(&self, file: &Path) -> anyhow::Result<()> {
        let size = self.devtools("Page.getLayoutMetrics", json!({})).await?;
        let (width, height) = (&size["cssContentSize"]["width"], size["cssContentSize"]["height"].as_f64());
        let height = height.unwrap_or(900.0).min(4000.0);
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let parameters = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.devtools("Page.captureScreenshot", parameters).await?;
        std::fs::write(file, STANDARD.decode(picture["data"].as_str().unwrap_or_default())?)?;
        Ok(())
    }

    pub async fn quit(self) {
        let _ = self.client.delete(&self.session).send().await;
    }
}
