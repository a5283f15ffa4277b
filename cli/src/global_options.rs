//! The options that every command has.

use clap::Args;

use crate::api_url::ApiUrl;
use crate::input_source::InputSource;

/// Where AGE is, with which token to call it, and how to print its responses.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalOptions {
    /// URL of AGE, such as `https://age.example.com`
    #[arg(long, global = true, env = "AGE_API_URL", value_name = "URL")]
    pub(crate) api_url: Option<ApiUrl>,

    /// Read the token from FILE (`-`: standard input) instead of the environment variable `AGE_TOKEN`
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<InputSource>,

    /// Print JSON: the response of AGE, or the summary of a command that sends many requests
    #[arg(long, global = true)]
    pub(crate) json: bool,
}
