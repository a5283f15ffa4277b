//! One run of the command: what every subcommand works with.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use age_model::{Timestamp, Token};
use futures_util::stream::LocalBoxStream;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncReadExt};
use uuid::Uuid;

use crate::address::Address;
use crate::api::Api;
use crate::args::{Cli, Command};
use crate::environment::Environment;
use crate::error::Error;
use crate::json;
use crate::source::Source;

pub(crate) struct Session<'a> {
    pub(crate) json: bool,
    pub(crate) out: &'a mut dyn Write,
    pub(crate) err: &'a mut dyn Write,
    pub(crate) watched: bool,
    pub(crate) interrupts: LocalBoxStream<'a, ()>,
    pub(crate) now: Timestamp,
    pub(crate) fresh: Uuid,
    address: Option<Address>,
    token: Option<String>,
    token_file: Option<Source>,
    input: Option<Box<dyn AsyncRead + Unpin + 'a>>,
    pace: Duration,
}

impl<'a> Session<'a> {
    pub(crate) fn new(cli: Cli, environment: Environment<'a>) -> (Self, Command) {
        let Environment { token, input, out, err, watched, interrupts, now, fresh, pace } = environment;
        let Cli { api_url: address, token_file, json, command } = cli;
        let input = Some(input);
        (Self { json, out, err, watched, interrupts, now, fresh, address, token, token_file, input, pace }, command)
    }

    /// The AGE that is meant, for whoever has the token.
    pub(crate) async fn api(&mut self) -> Result<Api, Error> {
        let no_address = || Error::Usage("where is AGE? Set AGE_API_URL, or give --api-url".to_owned());
        let address = self.address.clone().ok_or_else(no_address)?;
        let (text, name) = match self.token_file.clone() {
            Some(file) => (Some(self.read(&file).await?), format!("the token in {file}")),
            None => (self.token.clone(), "AGE_TOKEN".to_owned()),
        };
        let text = text.unwrap_or_default();
        if text.trim().is_empty() {
            return Err(Error::NoToken(format!("{name} is not set: AGE has to know who calls")));
        }
        // What is wrong with it is not shown: nearly right is nearly a secret, too.
        let token: Token = text.trim().parse().map_err(|error| Error::NoToken(format!("{name} {error}")))?;
        Api::new(address, &token, self.pace)
    }

    /// Opens `source`, and says how many bytes it has, if that is known.
    pub(crate) async fn open(
        &mut self,
        source: &Source,
    ) -> Result<(Box<dyn AsyncRead + Unpin + 'a>, Option<u64>), Error> {
        let failed = |cause| Error::File { name: source.to_string(), cause };
        match source {
            Source::StandardInput => {
                let taken = || Error::Usage("standard input (`-`) can be read for one thing only".to_owned());
                Ok((self.input.take().ok_or_else(taken)?, None))
            }
            Source::File(path) => {
                let file = tokio::fs::File::open(path).await.map_err(failed)?;
                let found = file.metadata().await.map_err(failed)?;
                Ok((Box::new(file), found.is_file().then_some(found.len())))
            }
        }
    }

    /// All of `source`, which is small.
    pub(crate) async fn read(&mut self, source: &Source) -> Result<String, Error> {
        let (mut input, _) = self.open(source).await?;
        let mut text = String::new();
        let read = input.read_to_string(&mut text).await;
        read.map_err(|cause| Error::File { name: source.to_string(), cause })?;
        Ok(text)
    }

    /// Prints what AGE answered, as JSON.
    pub(crate) fn show_json(&mut self, body: &str) -> Result<(), Error> {
        Ok(writeln!(self.out, "{}", json::pretty(body))?)
    }

    /// Prints the list `name`, put together from AGE's pages, as JSON.
    pub(crate) fn show_list(&mut self, name: &str, items: &[Box<RawValue>]) -> Result<(), Error> {
        let list = serde_json::to_string(&BTreeMap::from([(name, items)]));
        self.show_json(&list.map_err(|error| Error::Senseless(error.to_string()))?)
    }
}
