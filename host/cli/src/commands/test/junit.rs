//! What came of scenarios as JUnit XML, which CI systems show.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};
use suture_scenario::{Look, Report, Verdict};

use crate::error::CliError;

/// A test suite a file, a test case a scenario. The time is the simulated one, in which a scenario would be slow.
///
/// # Errors
/// Where it can't be written.
pub fn document(reports: &[Report]) -> Result<String, CliError> {
    let mut suites: BTreeMap<String, TestSuite> = BTreeMap::new();
    for report in reports {
        let file = report.file.display().to_string();
        let suite = suites.entry(file.clone()).or_insert_with(|| TestSuite::new(file.clone()));
        let mut case = TestCase::new(report.name.clone(), status(report));
        case.set_classname(file).set_time(report.simulated);
        suite.add_test_case(case);
    }
    let mut document = Document::new("suture test");
    document.add_test_suites(suites.into_values());
    document.to_string().map_err(|error| CliError::internal(format!("JUnit XML can't be written: {error}")))
}

fn status(report: &Report) -> TestCaseStatus {
    let (kind, message) = match &report.verdict {
        Verdict::Passed => return TestCaseStatus::success(),
        Verdict::Failed(differences) => {
            let first = differences.first().map(|difference| difference.expectation.clone());
            (NonSuccessKind::Failure, first.unwrap_or_default())
        }
        Verdict::Invalid { message, .. } => (NonSuccessKind::Error, message.clone()),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message).set_description(report.explanation(Look::default()));
    status
}
