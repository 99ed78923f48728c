//! The silences of one Alertmanager: one list for all who ask at about the same time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::expressions::Expressions;
use super::{AlertmanagerClient, AlertmanagerError, Silence};

/// For how long an answer is good.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// The most that may be active: each alert is held against each.
const MOST: usize = 10_000;

/// What was answered last.
#[derive(Clone, Default)]
pub(super) struct Silences {
    last: Arc<Mutex<Option<Asked>>>,
    expressions: Expressions,
}

struct Asked {
    /// When the question was sent.
    at: Duration,
    answer: Result<Arc<[Silence]>, AlertmanagerError>,
}

impl AlertmanagerClient {
    /// Its silences that are active, as of a second ago at most. Clones of this client share them, and
    /// one asks while the others wait: a thousand who want to know cost one or two requests.
    ///
    /// # Errors
    /// Why it can't be asked; or that there are more than can be held against each alert.
    pub async fn silences(&self) -> Result<Arc<[Silence]>, AlertmanagerError> {
        let wanted = self.clock.monotonic();
        let mut last = self.silences.last.lock().await;
        let is_new = |asked: &&Asked| asked.at.saturating_add(GOOD_FOR) >= wanted;
        if let Some(asked) = last.as_ref().filter(is_new) {
            return asked.answer.clone();
        }
        let at = self.clock.monotonic();
        let answer = self.ask_for_silences().await;
        *last = Some(Asked { at, answer: answer.clone() });
        answer
    }

    async fn ask_for_silences(&self) -> Result<Arc<[Silence]>, AlertmanagerError> {
        let (url, expressions) = (self.url().to_owned(), self.silences.expressions.clone());
        let (mut silences, _): (Vec<Silence>, _) = self.answered_at_length("api/v2/silences").await?;
        silences.retain(Silence::is_active);
        if silences.len() > MOST {
            return Err(AlertmanagerError::TooMany { url, found: silences.len(), most: MOST });
        }
        Silence::share(&mut silences, &expressions);
        Ok(silences.into())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use futures::future::join_all;
    use suture_core::{Clock, Labels, RealClock};

    use super::*;
    use crate::testing::TestServer;

    fn body(count: usize) -> String {
        let mut body = "[".to_owned();
        for one in 0..count {
            let comma = if one == 0 { "" } else { "," };
            write!(
                body,
                r#"{comma}{{"id":"{one}","status":{{"state":"active"}},"matchers":[{{"name":"ns","value":"ns-{one}-.*","isRegex":true}}]}}"#
            )
            .unwrap();
        }
        body.push(']');
        body
    }

    fn client(server: &TestServer) -> AlertmanagerClient {
        AlertmanagerClient::new(&server.url(), Arc::new(RealClock)).unwrap()
    }

    #[tokio::test]
    async fn a_thousand_who_ask_for_silences_at_once_share_an_answer() {
        let server = TestServer::answering(200, &body(3000)).await;
        let client = client(&server);
        let asked = (0..1000).map(async |_| client.clone().silences().await.unwrap().len());
        assert_eq!(join_all(asked).await, vec![3000; 1000]);
        assert_eq!(server.requests().len(), 1);
        let silences = client.silences().await.unwrap();
        let labels = Labels::from([("ns".to_owned(), "ns-2999-x".to_owned())]);
        assert!(silences[2999].silences(&labels) && !silences[0].silences(&labels));
    }

    #[tokio::test]
    async fn an_answer_is_good_for_a_second() {
        let server = TestServer::answering(200, "[]").await;
        let client = client(&server);
        client.silences().await.unwrap();
        let clock: &dyn Clock = &RealClock;
        clock.sleep(GOOD_FOR + Duration::from_millis(50)).await;
        client.silences().await.unwrap();
        assert_eq!(server.requests().len(), 2);
    }

    #[tokio::test]
    async fn more_silences_than_can_be_looked_at_are_an_error() {
        let server = TestServer::answering(200, &body(MOST + 1)).await;
        let error = client(&server).silences().await.unwrap_err();
        assert!(matches!(error, AlertmanagerError::TooMany { found, .. } if found == MOST + 1), "{error}");
    }
}
