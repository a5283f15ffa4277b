//! A `PostgreSQL` of the benchmark's own, on a socket in a folder of its own.

use std::fmt::Display;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User};
use tokio_postgres::{Client, NoTls};

/// It ends with this, and its folder.
pub(super) struct Server {
    child: Child,
    folder: PathBuf,
}

impl Server {
    /// Starts one, or says why it cannot.
    pub(super) fn start() -> Result<Self, String> {
        let programs = programs().ok_or("Debian's package `postgresql` is not installed")?;
        let user = user()?;
        let folder = std::env::temp_dir().join(format!("age-bench-{}", std::process::id()));
        std::fs::create_dir(&folder).map_err(told)?;
        if let Some(user) = &user {
            std::os::unix::fs::chown(&folder, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(told)?;
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
        if !made.map_err(told)?.success() {
            return Err("`initdb` failed".to_owned());
        }
        let mut server = program("postgres");
        server.args(["-D", "data", "-k"]).arg(&folder);
        for setting in ["listen_addresses=", "fsync=off", "synchronous_commit=off", "max_wal_size=4GB"] {
            server.args(["-c", setting]);
        }
        Ok(Self { child: server.spawn().map_err(told)?, folder })
    }

    /// A connection, as soon as it takes one.
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
        Err(format!("it does not answer: {refused}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An immediate shutdown: nothing of it is kept.
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGQUIT).unwrap();
        self.child.wait().unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// Where the newest of Debian's are, or those that are on the path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debians = versions.map(|version| version.path().join("bin"));
    let on_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let has = |folder: &Path| folder.join("initdb").exists() && folder.join("postgres").exists();
    let newest = debians.filter(|folder| has(folder)).max();
    newest.or_else(|| on_path.unwrap_or_default().into_iter().find(|folder| has(folder)))
}

/// Whom it runs as: it refuses root.
fn user() -> Result<Option<User>, String> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let user = User::from_name("postgres").map_err(told)?;
    user.map(Some).ok_or_else(|| "it refuses root, and there is no user `postgres`".to_owned())
}

fn told(error: impl Display) -> String {
    error.to_string()
}
