//! A `PostgreSQL` server for the benchmark, on a socket in a temporary folder.

use std::fmt::Display;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User};
use tokio_postgres::{Client, NoTls};

/// A running server. Dropping it stops the server and deletes its folder.
pub(super) struct Server {
    child: Child,
    folder: PathBuf,
}

impl Server {
    /// Starts a server.
    ///
    /// # Errors
    /// The reason why the server cannot be started.
    pub(super) fn start() -> Result<Self, String> {
        let programs = programs().ok_or("Debian's package `postgresql` is not installed")?;
        let user = user()?;
        let folder = std::env::temp_dir().join(format!("age-bench-{}", std::process::id()));
        std::fs::create_dir(&folder).map_err(to_text)?;
        if let Some(user) = &user {
            std::os::unix::fs::chown(&folder, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(to_text)?;
        }
        let program = |name: &str| {
            let mut command = Command::new(programs.join(name));
            command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if let Some(user) = &user {
                command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
            }
            command
        };
        let made = program("initdb")
            .args(["--pgdata=data", "--username=seed", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .status();
        if !made.map_err(to_text)?.success() {
            return Err("`initdb` failed".to_owned());
        }
        let mut server = program("postgres");
        server.args(["-D", "data", "-k"]).arg(&folder);
        for setting in ["listen_addresses=", "fsync=off", "synchronous_commit=off", "max_wal_size=4GB"] {
            server.args(["-c", setting]);
        }
        Ok(Self { child: server.spawn().map_err(to_text)?, folder })
    }

    /// Connects to the server. Retries for ten seconds.
    pub(super) async fn connect(&self) -> Result<Client, String> {
        let wanted = format!("host={} user=seed dbname=postgres", self.folder.display());
        let mut refused = String::new();
        for _ in 0..100 {
            match tokio_postgres::connect(&wanted, NoTls).await {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    return Ok(client);
                }
                Err(error) => refused = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(format!("PostgreSQL does not accept connections: {refused}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGQUIT is an immediate shutdown: no data is kept.
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGQUIT).unwrap();
        self.child.wait().unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// Returns the folder with the programs of `PostgreSQL`: the newest version of Debian's package, else one on the path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debians = versions.map(|version| version.path().join("bin"));
    let on_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let has = |folder: &Path| folder.join("initdb").exists() && folder.join("postgres").exists();
    let newest = debians.filter(|folder| has(folder)).max();
    newest.or_else(|| on_path.unwrap_or_default().into_iter().find(|folder| has(folder)))
}

/// Returns the user who runs the server. `PostgreSQL` refuses to run as root.
fn user() -> Result<Option<User>, String> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let user = User::from_name("postgres").map_err(to_text)?;
    user.map(Some).ok_or_else(|| "PostgreSQL refuses to run as root, and the user `postgres` does not exist".to_owned())
}

fn to_text(error: impl Display) -> String {
    error.to_string()
}
