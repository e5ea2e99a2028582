//! The mark of a run: a variable in the environment of everything that a supervisor starts, so
//! that what left its session and lost its parents can still be found.

use msvc_system::id::{InstanceId, ProjectName};

use msvc_machine::process_table::{self, ProcessIdentity};

/// The variable. Its value is `<project>/<lane>/<run>/<service>/<replica>/<incarnation>`.
pub const MARK: &str = "MSVC_RUN";

/// The mark of everything that one supervisor starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunMark {
    project: ProjectName,
    run: String,
}

impl RunMark {
    /// The mark of the run `run` of `project`.
    #[must_use]
    pub fn new(project: ProjectName, run: impl Into<String>) -> Self {
        let run = run.into();
        Self { project, run }
    }

    /// The run's id.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The variable's value for one instance.
    #[must_use]
    pub fn value(&self, instance: &InstanceId) -> String {
        format!("{}/{}", self.replica(instance), instance.incarnation)
    }

    /// What all incarnations of a replica have in common.
    fn replica(&self, instance: &InstanceId) -> String {
        let InstanceId {
            lane,
            service,
            replica,
            ..
        } = instance;
        format!("{}/{lane}/{}/{service}/{replica}", self.project, self.run)
    }

    fn marks(&self, value: &str) -> bool {
        let mut parts = value.split('/');
        parts.next() == Some(self.project.as_str())
            && parts.next().is_some()
            && parts.next() == Some(self.run.as_str())
    }

    /// Everything of this run that lives.
    #[must_use]
    pub fn everything(&self) -> Vec<ProcessIdentity> {
        find(|value| self.marks(value))
    }

    /// Everything that lives of one replica: what carries its mark, and its session.
    #[must_use]
    pub fn of_replica(&self, instance: &InstanceId, leader: Option<u32>) -> Vec<ProcessIdentity> {
        let prefix = format!("{}/", self.replica(instance));
        let own = std::process::id();
        process_table::table()
            .iter()
            .filter(|seen| seen.pid != own)
            .filter(|seen| {
                leader == Some(seen.session)
                    || process_table::variable_of(seen.pid, MARK)
                        .is_some_and(|value| value.starts_with(&prefix))
            })
            .map(process_table::Seen::identity)
            .collect()
    }
}

fn find(belongs: impl Fn(&str) -> bool) -> Vec<ProcessIdentity> {
    let own = std::process::id();
    process_table::table()
        .iter()
        .filter(|seen| seen.pid != own)
        .filter(|seen| {
            process_table::variable_of(seen.pid, MARK).is_some_and(|value| belongs(&value))
        })
        .map(process_table::Seen::identity)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_its_own_runs_and_nobody_elses() {
        let mark = RunMark::new("shop".parse().unwrap(), "r1");
        assert!(mark.marks("shop/main/r1/orders/1/1"));
        assert!(mark.marks("shop/copy/r1"));
        assert!(!mark.marks("shop/main/r2/orders/1/1"));
        assert!(!mark.marks("shop2/main/r1/orders/1/1"));
        assert!(!mark.marks(""));
    }
}
