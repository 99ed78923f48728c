//! An API server that is away for a while, and answers that never arrive.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use suture_core::effect::Waited;
use suture_core::{Effect, Reason, Reply, Resolution};
use suture_envtest::{ControlPlane, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::user::{SOON, User, config_map};

#[tokio::test(flavor = "multi_thread")]
async fn reads_changes_and_waits_outlive_a_restart_of_the_api_server() {
    let plane = Arc::new(ControlPlane::start().unwrap());
    let namespace = plane.namespace("restart").await.unwrap();
    let verbs = ["get", "list", "watch", "create", "patch"];
    let user = User::limited(&plane, &namespace, &verbs).await.unwrap();
    user.create("waited-for").await.unwrap();
    let waiting = tokio::spawn({
        let user = user.clone();
        async move { user.wait_for("waited-for", "done").await }
    });
    let change = Effect::Mutate { mutation: user.creation("made-meanwhile"), undo: None };
    let change = user.prepare(change).await.unwrap();

    plane.stop_api_server();
    let (reading, changing) = (user.clone(), user.clone());
    let reading = tokio::spawn(async move { reading.get(&reading.target("waited-for")).await });
    let changing = tokio::spawn(async move { changing.perform(&change).await });
    let starting = plane.clone();
    tokio::task::spawn_blocking(move || starting.start_api_server()).await.unwrap().unwrap();

    reading.await.unwrap().unwrap();
    let Reply::Mutated(made) = changing.await.unwrap().unwrap() else { panic!("nothing was made") };
    assert_eq!(made["metadata"]["name"], "made-meanwhile");
    // The new server knows the rights of everybody from its first answer on.
    user.mutate(user.saying("waited-for", "done")).await.unwrap();
    assert!(matches!(waiting.await.unwrap().unwrap(), Waited::Met(_)));
}

/// A wire that swallows the next answer, and breaks.
struct Swallowing {
    address: SocketAddr,
    swallows: Arc<AtomicBool>,
}

impl Swallowing {
    async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let swallows = Arc::new(AtomicBool::new(false));
        let shared = swallows.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let swallows = shared.clone();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(server).await.unwrap();
                    let (mut near_in, mut near_out) = near.split();
                    let (mut far_in, mut far_out) = far.split();
                    let mut part = vec![0; 1 << 16];
                    let answers = async {
                        while let Ok(count) = far_in.read(&mut part).await {
                            if count == 0
                                || swallows.swap(false, Ordering::SeqCst)
                                || near_out.write_all(&part[..count]).await.is_err()
                            {
                                return;
                            }
                        }
                    };
                    tokio::select! {
                        () = answers => {}
                        _ = tokio::io::copy(&mut near_in, &mut far_out) => {}
                    }
                });
            }
        });
        Self { address, swallows }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_answer_is_lost_is_found_and_not_made_again() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace("lost").await.unwrap();
    let port = plane.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let wire = Swallowing::before(SocketAddr::from(([127, 0, 0, 1], port))).await;
    let kubeconfig = std::fs::read_to_string(plane.kubeconfig()).unwrap();
    let moved = plane.folder().join("swallowing.yaml");
    std::fs::write(&moved, kubeconfig.replace(&plane.url(), &format!("https://{}", wire.address))).unwrap();
    let user = User::as_in(moved, &namespace).await.unwrap();
    user.create("kept").await.unwrap();
    let generated = user.making(config_map(), json!({"metadata": {"generateName": "one-"}}));
    for mutation in [generated, user.saying("kept", "changed"), user.deletion("kept")] {
        let verb = mutation.mutation_type();
        let prepared = user.prepare(Effect::Mutate { mutation, undo: None }).await.unwrap();
        assert_eq!(user.resolve(&prepared).await, Ok(Resolution::NotDone), "{verb}");
        wire.swallows.store(true, Ordering::SeqCst);
        let reply = user.perform(&prepared).await;
        assert!(!wire.swallows.load(Ordering::SeqCst), "no answer was lost");
        assert!(matches!(reply, Ok(Reply::Mutated(_))), "{verb}: {reply:?}");
        assert!(matches!(user.resolve(&prepared).await, Ok(Resolution::Done(_))), "{verb}");
    }
    let page = user.list(user.all(config_map(), "")).await.unwrap();
    let names: Vec<_> = page.items.iter().map(|item| item["metadata"]["name"].clone()).collect();
    let made = |name: &&Value| name.as_str().unwrap().starts_with("one-");
    assert_eq!(names.iter().filter(made).count(), 1, "{names:?}");
    assert!(!names.contains(&Value::from("kept")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_accepted_any_more_is_named_and_its_successor_is_read_from_the_file() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace("token").await.unwrap();
    let user = User::limited(plane, &namespace, &["get", "create"]).await.unwrap();
    user.create("one").await.unwrap();
    let accounts: kube::Api<k8s_openapi::api::core::v1::ServiceAccount> =
        kube::Api::namespaced(plane.client().unwrap(), &namespace);
    accounts.delete("worker", &kube::api::DeleteParams::default()).await.unwrap();
    let refused = async || {
        user.get(&user.target("one")).await.is_err_and(|error| error.reason.as_str() == "Unauthorized")
    };
    assert!(eventually(SOON, refused).await);
    let error = user.create("two").await.unwrap_err();
    assert_eq!(error.status, Some(401));
    assert!(error.message.contains("token"), "{error}");

    // The file is replaced, as a kubelet does it long before the old token expires.
    let successor = plane.service_account(&namespace, "worker").await.unwrap().with_extension("token");
    std::fs::copy(successor, user.kubeconfig.with_extension("token")).unwrap();
    let accepted = async || user.get(&user.target("one")).await.is_ok();
    assert!(eventually(SOON * 2, accepted).await);
}

#[tokio::test]
async fn an_api_server_that_never_comes_back_is_unavailable() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let user = User::as_in(plain(folder.path(), nobody), "media").await.unwrap();
    let error = user.get(&user.target("one")).await.unwrap_err();
    assert_eq!(error.reason, Reason::UNAVAILABLE);
    assert!(error.message.contains("refused"), "{error}");
}

/// A kubeconfig for a server that speaks plain HTTP.
pub fn plain(folder: &Path, address: SocketAddr) -> PathBuf {
    let file = folder.join("kubeconfig");
    let text = format!(
        "{{apiVersion: v1, kind: Config, current-context: a, users: [],
           clusters: [{{name: a, cluster: {{server: 'http://{address}'}}}}],
           contexts: [{{name: a, context: {{cluster: a}}}}]}}"
    );
    std::fs::write(&file, text).unwrap();
    file
}
