//! What in the engine belongs to this copy of a project: its containers and carriers, and not
//! those of another copy under the same name.

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::{StreamExt, TryStreamExt, stream};
use msvc_system::id::{InstanceId, ServiceName};

use super::{AT_ONCE, DockerRuntime};
use crate::contract::RuntimeError;
use crate::docker::container::{self, Found};
use crate::docker::engine::EngineError;
use crate::docker::{labels, mesh_container};
use crate::provision::Kind;

impl DockerRuntime {
    /// Refuses when another copy of the project is in the engine: both would have the same names.
    ///
    /// # Errors
    /// As said, with where the other one is.
    pub async fn alone(&self) -> Result<(), RuntimeError> {
        let root = self.root.display().to_string();
        let mut foreign = BTreeSet::new();
        for found in self.all().await? {
            foreign.extend(found.folder().filter(|it| *it != root).map(str::to_owned));
        }
        // A folder that is gone was moved: what is left of it belongs to whoever comes.
        foreign.retain(|folder| Path::new(folder).exists());
        match foreign.into_iter().next() {
            None => Ok(()),
            Some(folder) => Err(RuntimeError::Refused(format!(
                "the engine runs another copy of {}, from {folder}: bring that one down, or give \
                 this one a name of its own (`-p NAME`)",
                self.project
            ))),
        }
    }

    /// All containers of the project, other copies' included.
    async fn all(&self) -> Result<Vec<Found>, EngineError> {
        self.of(None).await
    }

    /// The same, of one service or of all.
    async fn of(&self, service: Option<&ServiceName>) -> Result<Vec<Found>, EngineError> {
        let labels = |project: &str, of: &str| {
            let of = service.map(|service| format!("{of}={service}"));
            let all = [format!("{project}={}", self.project)].into_iter();
            all.chain(of).collect::<Vec<_>>()
        };
        let own = labels(labels::PROJECT, labels::SERVICE);
        let compose = labels(labels::compose::PROJECT, labels::compose::SERVICE);
        let [own, compose] = [&own, &compose].map(|all| all.iter().map(String::as_str).collect());
        let (own, compose): (Vec<&str>, Vec<&str>) = (own, compose);
        let (own, compose) = tokio::try_join!(
            container::labelled(&self.engine, &own),
            container::labelled(&self.engine, &compose)
        )?;
        let ids: BTreeSet<String> = own.into_iter().chain(compose).collect();
        let each =
            stream::iter(ids).map(|id| async move { container::inspect(&self.engine, &id).await });
        let found: Vec<Option<Found>> = each.buffered(AT_ONCE).try_collect().await?;
        let mut found: Vec<Found> = found
            .into_iter()
            .flatten()
            .filter(|found| found.id.project == self.project)
            .collect();
        found.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(found)
    }

    /// The instances of this copy.
    pub(in crate::docker) async fn found(&self) -> Result<Vec<Found>, EngineError> {
        let mut found = self.found_and_run_once().await?;
        found.retain(|found| !found.is_run_once());
        Ok(found)
    }

    /// Those of them that run now.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn running(&self) -> Result<Vec<InstanceId>, RuntimeError> {
        let found = self.found().await?.into_iter();
        let running = found.filter(|it| it.phase().runs());
        Ok(running.map(|it| it.id).collect())
    }

    /// The same, with what `docker compose run` started beside them.
    pub(in crate::docker) async fn found_and_run_once(&self) -> Result<Vec<Found>, EngineError> {
        let mut found = self.all().await?;
        found.retain(|found| self.is_own(found));
        Ok(found)
    }

    /// Whether it belongs to this copy, or to one that is gone.
    fn is_own(&self, found: &Found) -> bool {
        found
            .folder()
            .map(Path::new)
            .is_none_or(|folder| folder == self.root || !folder.exists())
    }

    /// The latest container of a replica.
    pub(in crate::docker) async fn one(&self, id: &InstanceId) -> Result<Found, RuntimeError> {
        // A look at one that just starts lasts until it has: only those that matter are looked at.
        let found = self.of(Some(&id.service)).await?.into_iter();
        found
            .filter(|found| self.is_own(found) && !found.is_run_once())
            .filter(|found| found.id.same_replica(id))
            .max_by_key(|found| found.id.incarnation)
            .ok_or_else(|| RuntimeError::NoInstance(id.clone()))
    }

    /// The containers that carry the project's edges: its meshes, and the doors to them.
    pub(in crate::docker) async fn found_carriers(
        &self,
    ) -> Result<Vec<mesh_container::Found>, EngineError> {
        mesh_container::find(&self.engine, self.project.as_str(), &self.root).await
    }

    /// The project's meshes.
    pub(in crate::docker) async fn found_meshes(
        &self,
    ) -> Result<Vec<mesh_container::Found>, EngineError> {
        let mut found = self.found_carriers().await?;
        found.retain(|it| it.observed.kind == Kind::Mesh);
        Ok(found)
    }
}
