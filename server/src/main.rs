//! The `lianmai` program: reads the command line and hands over to the library.

#![forbid(unsafe_code)]

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use server::cli::{Cli, Command};
use tracing_subscriber::EnvFilter;

/// What is logged unless `LIANMAI_LOG` says otherwise. The DTLS library warns of every connection.
const LOG: &str = "info,rtc_dtls=error";

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed stderr leaves nobody to tell.
            let _ = writeln!(std::io::stderr(), "lianmai: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    match &cli.command {
        Command::Token(args) => {
            let (token, remark) = server::token_command(args)?;
            if let Some(remark) = remark {
                writeln!(std::io::stderr(), "lianmai: {remark}")?;
            }
            writeln!(std::io::stdout(), "{token}")?;
            Ok(())
        }
        Command::Ledger(args) => server::ledger_command(args, &mut std::io::stdout().lock()),
        Command::Serve(args) => {
            let filter = EnvFilter::try_from_env("LIANMAI_LOG").unwrap_or_else(|_| LOG.into());
            tracing_subscriber::fmt()
                .with_env_filter(filter)
                .with_ansi(std::io::stderr().is_terminal())
                .with_writer(std::io::stderr)
                .init();
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(server::serve(args))
        }
    }
}
