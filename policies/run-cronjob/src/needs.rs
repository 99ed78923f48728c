//! What lets a CronJob's Jobs pass, as the grant that allows it.

use std::fmt;

use suture_policy::kube::CronJob;

use crate::environment::Environment;

/// The grant by which Jobs of a CronJob may be made: those that have its template.
pub struct Needs {
    namespace: String,
    cron_job: String,
    variables: Vec<String>,
}

impl Needs {
    pub fn of(cron_job: &CronJob, namespace: &str, environment: &Environment) -> Self {
        Self {
            namespace: namespace.to_owned(),
            cron_job: cron_job.metadata.name.clone(),
            variables: environment.names(),
        }
    }
}

impl fmt::Display for Needs {
    /// As it is written in the configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, cron_job, variables } = self;
        write!(
            f,
            "{{groups: [batch], resources: [jobs], verbs: [create], namespaces: [{namespace}], pods: {{from: [cronjobs/{cron_job}]"
        )?;
        if !variables.is_empty() {
            write!(f, ", variables: [{}]", variables.join(", "))?;
        }
        write!(f, "}}}}")
    }
}
