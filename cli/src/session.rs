//! One run of the command: the environment and global options that every command works with.

use std::collections::BTreeMap;
use std::time::Duration;

use age_model::{Timestamp, Token, UnreadableItem, visible_line};
use futures_util::stream::LocalBoxStream;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use uuid::Uuid;

use crate::api_client::ApiClient;
use crate::api_url::ApiUrl;
use crate::environment::Environment;
use crate::error::Error;
use crate::global_options::GlobalOptions;
use crate::input_source::InputSource;
use crate::json_format::{format_json, format_json_line};
use crate::retry::RetryPolicy;
use crate::table::{format_table, parse_rows};
use crate::visible_writer::VisibleWriter;

/// The longest answer to a question that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 1024;

/// The environment and global options of one run. [`Environment`] documents the fields that come from it.
pub(crate) struct Session<'a> {
    /// Whether `--json` is given.
    pub(crate) json: bool,
    pub(crate) stdout: VisibleWriter<'a>,
    pub(crate) stderr: VisibleWriter<'a>,
    pub(crate) stdout_is_terminal: bool,
    pub(crate) stderr_is_terminal: bool,
    pub(crate) interrupts: LocalBoxStream<'a, ()>,
    pub(crate) now: Timestamp,
    pub(crate) random_id: Uuid,
    api_url: Option<ApiUrl>,
    token: Option<String>,
    token_file: Option<InputSource>,
    /// `None` once it has been opened: standard input can be read only once.
    stdin: Option<Box<dyn AsyncRead + Unpin + 'a>>,
    pub(crate) initial_backoff: Duration,
}

impl<'a> Session<'a> {
    pub(crate) fn new(options: GlobalOptions, environment: Environment<'a>) -> Self {
        let GlobalOptions { api_url, token_file, json } = options;
        let Environment {
            token,
            stdin,
            stdout,
            stderr,
            stdout_is_terminal,
            stderr_is_terminal,
            interrupts,
            now,
            random_id,
            initial_backoff,
        } = environment;
        Self {
            json,
            stdout: VisibleWriter::new(stdout),
            stderr: VisibleWriter::new(stderr),
            stdout_is_terminal,
            stderr_is_terminal,
            interrupts,
            now,
            random_id,
            api_url,
            token,
            token_file,
            stdin: Some(stdin),
            initial_backoff,
        }
    }

    /// Returns a client of AGE with the URL and token of this run.
    ///
    /// # Errors
    /// If the URL or the token is missing, or the token is malformed or cannot be read.
    pub(crate) async fn api_client(&mut self) -> Result<ApiClient, Error> {
        let no_url = || Error::Usage("the URL of AGE is not set: set AGE_API_URL, or give --api-url URL".to_owned());
        let api_url = self.api_url.clone().ok_or_else(no_url)?;
        let (token, name) = match self.token_file.clone() {
            Some(file) => (self.read_to_string(&file).await?, format!("the token in {file}")),
            None => (self.token.clone().unwrap_or_default(), "AGE_TOKEN".to_owned()),
        };
        let token = token.trim();
        if token.is_empty() {
            return Err(Error::Token(format!(
                "{name} is missing or empty: set AGE_TOKEN to the token of your credential, or give --token-file FILE"
            )));
        }
        // The message does not show the text: a mistyped token differs little from the secret.
        let token: Token = token.parse().map_err(|error| Error::Token(format!("{name} {error}")))?;
        ApiClient::new(api_url, &token, RetryPolicy::interactive(self.initial_backoff))
    }

    /// Opens `source`. Also returns the size in bytes of a regular file.
    pub(crate) async fn open(
        &mut self,
        source: &InputSource,
    ) -> Result<(Box<dyn AsyncRead + Unpin + 'a>, Option<u64>), Error> {
        let unreadable = |cause| Error::ReadFile { name: source.to_string(), cause };
        match source {
            InputSource::Stdin => {
                let already_open = || {
                    Error::Usage(
                        "standard input can be read only once: give `-` for one argument only, and files for the others"
                            .to_owned(),
                    )
                };
                Ok((self.stdin.take().ok_or_else(already_open)?, None))
            }
            InputSource::File(path) => {
                let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
                let metadata = file.metadata().await.map_err(unreadable)?;
                Ok((Box::new(file), metadata.is_file().then_some(metadata.len())))
            }
        }
    }

    /// Reads all of `source` into memory. Only for small inputs.
    pub(crate) async fn read_to_string(&mut self, source: &InputSource) -> Result<String, Error> {
        let (mut input, _) = self.open(source).await?;
        let mut text = String::new();
        let result = input.read_to_string(&mut text).await;
        result.map_err(|cause| Error::ReadFile { name: source.to_string(), cause })?;
        Ok(text)
    }

    /// Asks a question on standard error. Returns whether the next line of standard input is `y` or `yes`.
    pub(crate) async fn confirm(&mut self, question: &str) -> Result<bool, Error> {
        write!(self.stderr, "{question} [y/N] ")?;
        self.stderr.flush()?;
        let (input, _) = self.open(&InputSource::Stdin).await?;
        let mut answer = String::new();
        let read = BufReader::new(input.take(MAX_ANSWER_BYTES)).read_line(&mut answer).await;
        read.map_err(|cause| Error::ReadFile { name: InputSource::Stdin.to_string(), cause })?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Prints `value` as JSON, indented.
    pub(crate) fn print_value(&mut self, value: &impl Serialize) -> Result<(), Error> {
        let json = serde_json::to_string(value);
        self.print_json(&json.map_err(|error| Error::UnexpectedResponse(error.to_string()))?)
    }

    /// Prints a line that may have texts of others: nothing in it begins another line.
    pub(crate) fn print_line(&mut self, line: &str) -> Result<(), Error> {
        Ok(writeln!(self.stdout, "{}", visible_line(line))?)
    }

    /// As [`Session::print_line`], on standard error.
    pub(crate) fn print_warning(&mut self, line: &str) -> Result<(), Error> {
        Ok(writeln!(self.stderr, "{}", visible_line(line))?)
    }

    /// Prints the JSON text `json`, indented.
    pub(crate) fn print_json(&mut self, json: &str) -> Result<(), Error> {
        Ok(writeln!(self.stdout, "{}", format_json(json))?)
    }

    /// Prints the JSON text `json` on one line.
    pub(crate) fn print_json_line(&mut self, json: &str) -> Result<(), Error> {
        Ok(writeln!(self.stdout, "{}", format_json_line(json))?)
    }

    /// Says on standard error which items AGE cannot read.
    pub(crate) fn warn_unreadable(&mut self, items: &[UnreadableItem]) -> Result<(), Error> {
        for UnreadableItem { id } in items {
            self.print_warning(&format!("agectl: {id} is not listed: this version of AGE cannot read it"))?;
        }
        Ok(())
    }

    /// Prints a table with a row for each of `items`. Items that make no sense do not hide the others; the first of them is the
    /// error.
    pub(crate) fn print_table<T: DeserializeOwned, const COLUMNS: usize>(
        &mut self,
        headings: [&str; COLUMNS],
        items: &[Box<RawValue>],
        row: impl Fn(T) -> [String; COLUMNS],
    ) -> Result<(), Error> {
        let (rows, error) = parse_rows(items, row);
        writeln!(self.stdout, "{}", format_table(headings, rows))?;
        error.map_or(Ok(()), Err)
    }

    /// Prints the items of all pages of a list as one JSON object with the field `name`.
    pub(crate) fn print_json_list(&mut self, name: &str, items: &[Box<RawValue>]) -> Result<(), Error> {
        let list = serde_json::to_string(&BTreeMap::from([(name, items)]));
        self.print_json(&list.map_err(|error| Error::UnexpectedResponse(error.to_string()))?)
    }
}
