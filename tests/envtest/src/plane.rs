//! The control plane.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, bail};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::assets::program;
use crate::certificates::Certificates;
use crate::kubeconfig;
use crate::process::{Process, REMOVES, eventually, free_port};

/// How long each part may take to answer; on two cores the API server takes 5 s.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// How often ports are chosen anew, where another program took one in between.
const TRIES: u32 = 3;

/// etcd, kube-apiserver and kube-controller-manager. They are killed when this is
/// dropped, or when the test process ends.
pub struct ControlPlane {
    // Dropped in this order: those who ask before those who answer.
    _controller_manager: Process,
    api_server: Mutex<Option<Process>>,
    _etcd: Process,
    config: Config,
    api_port: u16,
    etcd_port: u16,
    folder: TempDir,
}

impl ControlPlane {
    /// The one of this test process, started at the first use. Blocks meanwhile.
    ///
    /// # Panics
    /// Where it can't be started: a test without it has shown nothing.
    #[expect(clippy::panic, reason = "a control plane that is missing must fail the test, loudly")]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ControlPlane> = OnceLock::new();
        SHARED.get_or_init(|| {
            Self::start().unwrap_or_else(|error| panic!("no real control plane to test on: {error:#}"))
        })
    }

    /// One of its own, for tests that stop and start it. Blocks until it is ready.
    ///
    /// # Errors
    /// What does not start, with its last words.
    pub fn start() -> anyhow::Result<Self> {
        suture_cluster::install_crypto();
        let mut last = None;
        for _ in 0..TRIES {
            match Self::try_start() {
                Ok(plane) => return Ok(plane),
                Err(error) if format!("{error:#}").contains("address already in use") => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("it was not tried")))
    }

    fn try_start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("suture-envtest-").tempdir()?;
        let certificates = Certificates::make()?;
        certificates.write(folder.path())?;
        let (api_port, etcd_port) = (free_port()?, free_port()?);
        let url = format!("https://127.0.0.1:{api_port}");
        let authority = folder.path().join("ca.crt");
        for (file, user) in
            [("admin.yaml", &certificates.admin), ("manager.yaml", &certificates.controller_manager)]
        {
            kubeconfig::for_certificate(&folder.path().join(file), &url, &authority, user)?;
        }
        for (name, user) in &certificates.people {
            kubeconfig::for_certificate(&folder.path().join(format!("{name}.yaml")), &url, &authority, user)?;
        }
        let etcd = etcd(folder.path(), etcd_port)?;
        let api_server = api_server(folder.path(), api_port, etcd_port)?;
        let config = blocking(async || read_config(folder.path().join("admin.yaml")).await)??;
        ready(&config, &api_server, &etcd)?;
        let plane = Self {
            _controller_manager: controller_manager(folder.path())?,
            api_server: Mutex::new(Some(api_server)),
            _etcd: etcd,
            config,
            api_port,
            etcd_port,
            folder,
        };
        Ok(plane)
    }

    /// The API server's address.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.api_port)
    }

    /// etcd's address, for what the API server lets nobody write: when an object was made.
    pub fn etcd_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.etcd_port)
    }

    /// The certificate of its authority, PEM.
    pub fn ca_file(&self) -> PathBuf {
        self.folder().join("ca.crt")
    }

    /// A kubeconfig file of the administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder().join("admin.yaml")
    }

    /// A kubeconfig file of `alice` or `mallory`, who show a certificate and may do nothing before
    /// they are given a right.
    pub fn person(&self, name: &str) -> PathBuf {
        self.folder().join(format!("{name}.yaml"))
    }

    /// The folder that goes with the control plane; logs are in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A client of the administrator, for the calling runtime: make one for each test.
    ///
    /// # Errors
    /// Where TLS can't be set up.
    pub fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::try_from(self.config.clone())?)
    }

    /// Make a namespace of a name of its own, and wait until pods can be made in it.
    ///
    /// # Errors
    /// Where the API server refuses, or the controller manager does nothing.
    pub async fn namespace(&self, prefix: &str) -> anyhow::Result<String> {
        let client = self.client()?;
        let mut namespace = Namespace::default();
        namespace.metadata.generate_name = Some(format!("{prefix}-"));
        let made = Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await?;
        let name = made.metadata.name.unwrap_or_default();
        let accounts: Api<ServiceAccount> = Api::namespaced(client, &name);
        if !eventually(READY_WITHIN, || async { accounts.get("default").await.is_ok() }).await {
            bail!("namespace {name} gets no default ServiceAccount: is the controller manager at work?");
        }
        Ok(name)
    }

    /// Kill the API server. etcd keeps what it knows.
    pub fn stop_api_server(&self) {
        self.api_server.lock().take();
    }

    /// Start the API server again, at the same address, and wait until it is ready.
    ///
    /// # Errors
    /// Its last words, where it does not start.
    pub fn start_api_server(&self) -> anyhow::Result<()> {
        let process = api_server(self.folder(), self.api_port, self.etcd_port)?;
        ready(&self.config, &process, &self._etcd)?;
        *self.api_server.lock() = Some(process);
        Ok(())
    }
}

/// Do something asynchronous on a thread and a runtime of its own, wherever the caller is.
fn blocking<T: Send>(work: impl AsyncFnOnce() -> T + Send) -> anyhow::Result<T> {
    let run = || -> anyhow::Result<T> {
        Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work()))
    };
    std::thread::scope(|scope| scope.spawn(run).join())
        .map_err(|_| anyhow::anyhow!("a helper thread panicked"))?
}

async fn read_config(kubeconfig: PathBuf) -> anyhow::Result<Config> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
}

fn ready(config: &Config, api_server: &Process, etcd: &Process) -> anyhow::Result<()> {
    let has_given_up = || api_server.last_words().contains("\"command failed\"");
    let is_ready = async || {
        let client = Client::try_from(config.clone())?;
        let asked = || async {
            let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else { return false };
            client.request_text(request).await.is_ok_and(|text| text == "ok") || has_given_up()
        };
        anyhow::Ok(eventually(READY_WITHIN, asked).await)
    };
    if blocking(is_ready)?? && !has_given_up() {
        return Ok(());
    }
    bail!("kube-apiserver is not ready:\n{}\netcd:\n{}", api_server.last_words(), etcd.last_words())
}

fn etcd(folder: &Path, port: u16) -> anyhow::Result<Process> {
    let client = format!("http://127.0.0.1:{port}");
    let peer = format!("http://127.0.0.1:{}", free_port()?);
    let arguments = [
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        // What is written may be lost with the machine: it is a test.
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ];
    // The shared control plane is never dropped, so the folder goes with its last process.
    Process::with_environment(&program("etcd")?, arguments, [(REMOVES, folder)], &folder.join("etcd.log"))
}

fn api_server(folder: &Path, port: u16, etcd: u16) -> anyhow::Result<Process> {
    let file = |name: &str| folder.join(name).display().to_string();
    let arguments = [
        format!("--etcd-servers=http://127.0.0.1:{etcd}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--tls-cert-file={}", file("serving.crt")),
        format!("--tls-private-key-file={}", file("serving.key")),
        format!("--client-ca-file={}", file("ca.crt")),
        format!("--cert-dir={}", file("certificates")),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", file("sa.pub")),
        format!("--service-account-signing-key-file={}", file("sa.key")),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        "--profiling=false".to_owned(),
    ];
    Process::start(&program("kube-apiserver")?, arguments, &folder.join("kube-apiserver.log"))
}

fn controller_manager(folder: &Path) -> anyhow::Result<Process> {
    let file = |name: &str| folder.join(name).display().to_string();
    let kubeconfig = file("manager.yaml");
    let arguments = [
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        "--bind-address=127.0.0.1".to_owned(),
        // Nobody asks it anything.
        "--secure-port=0".to_owned(),
        format!("--cert-dir={}", file("certificates")),
        "--leader-elect=false".to_owned(),
        "--use-service-account-credentials=true".to_owned(),
        format!("--service-account-private-key-file={}", file("sa.key")),
        format!("--root-ca-file={}", file("ca.crt")),
    ];
    Process::start(
        &program("kube-controller-manager")?,
        arguments,
        &folder.join("kube-controller-manager.log"),
    )
    .context("the controller manager")
}
