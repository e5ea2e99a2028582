//! Where a project keeps its records: `.msvc/<project>/` beside the Compose file.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use msvc_system::id::{InstanceId, LaneName, ProjectName};

use crate::contract::RuntimeError;

/// A Unix socket's path may have about 100 bytes (104 on macOS, 108 on Linux, the NUL included).
const LONGEST_SOCKET_PATH: usize = 100;

/// The records of one project on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectHome {
    root: PathBuf,
    project: ProjectName,
    sockets: PathBuf,
}

impl ProjectHome {
    /// The home of `project` whose Compose file stands in `root`. Nothing is made yet.
    ///
    /// `runtime_folder` is the caller's `XDG_RUNTIME_DIR`; without one, or where that
    /// is not there, sockets that need a shorter path go to a folder of the user's own under `/tmp`.
    ///
    /// # Errors
    /// When `root` is relative and the current folder is gone.
    pub fn new(
        root: &Path,
        project: ProjectName,
        runtime_folder: Option<&Path>,
    ) -> Result<Self, RuntimeError> {
        let sockets = match runtime_folder {
            // Where a login's session is over its folder is gone, and the variable may live on.
            Some(folder) if folder.is_dir() => folder.join("msvc"),
            _ => PathBuf::from(format!("/tmp/msvc-{}", nix::unistd::getuid())),
        };
        let root = std::path::absolute(root).map_err(records(root))?;
        Ok(Self {
            root,
            project,
            sockets,
        })
    }

    /// The home that [`ProjectHome::arguments`] described.
    ///
    /// # Errors
    /// When they are not those of a home.
    pub fn from_arguments(arguments: &[OsString]) -> Result<Self, RuntimeError> {
        let wrong = || RuntimeError::Refused("a home is ROOT PROJECT SOCKETS".to_owned());
        let [root, project, sockets] = arguments else {
            return Err(wrong());
        };
        let project = project.to_str().ok_or_else(wrong)?;
        Ok(Self {
            root: root.into(),
            project: project.parse().map_err(|_| wrong())?,
            sockets: sockets.into(),
        })
    }

    /// What [`ProjectHome::from_arguments`] reads: three words.
    #[must_use]
    pub fn arguments(&self) -> [OsString; 3] {
        [
            self.root.clone().into(),
            self.project.as_str().into(),
            self.sockets.clone().into(),
        ]
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &ProjectName {
        &self.project
    }

    /// `.msvc/<project>`.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.root.join(".msvc").join(self.project.as_str())
    }

    /// Held by who launches or clears; released by the kernel.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.folder().join("lock")
    }

    /// Held by who brings the project up as host processes, until it is up.
    #[must_use]
    pub fn booting(&self) -> PathBuf {
        self.folder().join("up.lock")
    }

    /// In which engine the project runs, where it does.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.folder().join("runtime.json")
    }

    /// What runs, with its process identities.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.folder().join("state.json")
    }

    /// Service faults in place, with how to undo them.
    #[must_use]
    pub fn leases(&self) -> PathBuf {
        self.folder().join("leases.json")
    }

    /// When and by what the last supervisor ended.
    #[must_use]
    pub fn ended(&self) -> PathBuf {
        self.folder().join("ended.json")
    }

    /// What guardian and supervisor wrote outside their records: nothing, unless they failed.
    #[must_use]
    pub fn supervisor_log(&self) -> PathBuf {
        self.folder().join("supervisor.log")
    }

    /// What the services wrote.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.folder().join("logs")
    }

    /// What one replica wrote, over all its starts.
    #[must_use]
    pub fn log_file(&self, instance: &InstanceId) -> PathBuf {
        let name = format!("{}-{}.ndjson", instance.service, instance.replica);
        self.logs().join(instance.lane.as_str()).join(name)
    }

    /// The data of one lane's volumes.
    #[must_use]
    pub fn volumes(&self, lane: &LaneName) -> PathBuf {
        self.folder().join(lane.as_str()).join("volumes")
    }

    /// Where the control socket is made: in the folder, or in the user's runtime folder where its
    /// path would be too long.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        let beside = self.folder().join("control.sock");
        if beside.as_os_str().len() <= LONGEST_SOCKET_PATH {
            return beside;
        }
        let key = beside.to_string_lossy();
        let bits = msvc_machine::draw::bits(0, &[&key]);
        self.sockets.join(format!("{bits:016x}.sock"))
    }

    /// Makes the folders, and the `.gitignore` that keeps them out of the user's commits.
    ///
    /// # Errors
    /// When they cannot be made, or when the folder for the socket belongs to somebody else.
    pub fn create(&self) -> Result<(), RuntimeError> {
        let folder = self.folder();
        fs::create_dir_all(&folder).map_err(records(&folder))?;
        let ignore = self.root.join(".msvc").join(".gitignore");
        if !ignore.exists() {
            msvc_machine::atomic_write::atomic_write(&ignore, b"*\n").map_err(records(&ignore))?;
        }
        if self.socket().parent() == Some(self.sockets.as_path()) {
            private_folder(&self.sockets).map_err(records(&self.sockets))?;
        }
        Ok(())
    }
}

/// A folder that only its owner may enter. In `/tmp` anybody could have made it first: then it is
/// refused.
fn private_folder(folder: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    let found = fs::symlink_metadata(folder)?;
    let mine = found.is_dir() && found.uid() == nix::unistd::getuid().as_raw();
    if mine && found.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "others may write to it; remove it or set XDG_RUNTIME_DIR",
    ))
}

/// Says which record could not be read or written.
pub(super) fn records(path: &Path) -> impl Fn(io::Error) -> RuntimeError {
    let path = path.to_owned();
    move |source| RuntimeError::Records {
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(root: &Path) -> ProjectHome {
        ProjectHome::new(root, "shop".parse().unwrap(), Some(Path::new("/run"))).unwrap()
    }

    #[test]
    fn a_socket_whose_path_would_be_too_long_goes_to_the_runtime_folder() {
        assert_eq!(
            home(Path::new("/srv/shop")).socket(),
            Path::new("/srv/shop/.msvc/shop/control.sock")
        );
        let deep = format!("/{}", "deep/".repeat(30));
        let (one, other) = (home(Path::new(&deep)), home(Path::new(&format!("{deep}x"))));
        assert!(one.socket().starts_with("/run/msvc"));
        assert!(one.socket().as_os_str().len() <= LONGEST_SOCKET_PATH);
        assert_ne!(one.socket(), other.socket());
    }

    #[test]
    fn a_runtime_folder_that_is_not_there_is_as_good_as_none() {
        let deep = format!("/{}", "deep/".repeat(30));
        let gone = Some(Path::new("/run/user/of nobody"));
        let home = ProjectHome::new(Path::new(&deep), "shop".parse().unwrap(), gone).unwrap();
        assert!(home.socket().starts_with("/tmp"), "{:?}", home.socket());
    }

    #[test]
    fn a_home_is_passed_on_as_three_words() {
        let home = home(Path::new("/srv/shop"));
        assert_eq!(
            ProjectHome::from_arguments(&home.arguments()).unwrap(),
            home
        );
        assert!(ProjectHome::from_arguments(&["/x".into()]).is_err());
    }

    #[test]
    fn the_records_are_kept_out_of_git() {
        let folder = tempfile::tempdir().unwrap();
        home(folder.path()).create().unwrap();
        let ignore = fs::read_to_string(folder.path().join(".msvc/.gitignore")).unwrap();
        assert_eq!(ignore, "*\n");
    }

    #[test]
    fn a_socket_folder_that_others_may_enter_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        private_folder(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(
            private_folder(&open).unwrap_err().kind(),
            io::ErrorKind::PermissionDenied
        );
    }
}
