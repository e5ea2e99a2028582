//! auditor: compares what the shop's owners say of the same orders, and finds what cannot be.
//!
//! It reads public routes and topics only, as anyone could, and knows nothing of how a service
//! does its work. `facts` is what the sources say, `read` gets it, `rules` decide, `audit` waits
//! until it can be believed, `report` tells it.

mod arguments;
mod audit;
mod facts;
mod read;
mod report;
mod rules;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use shop::clock::Clock;

use crate::arguments::{Arguments, Format, Request};
use crate::audit::{Seen, Times, Unread};
use crate::read::Sources;

fn main() -> ExitCode {
    shop::entry::prepare();
    // clap ends wrong usage with 2 and its own message.
    let arguments = Arguments::parse();
    let request = match arguments.request(&std::env::vars().collect()) {
        Ok(request) => request,
        Err(error) => return fail(2, &error),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(5, &error),
    };
    let result = runtime.block_on(look(&request));
    // A reading that was given up may still wait for the broker; nobody needs it.
    runtime.shutdown_background();
    let text = match request.format {
        Format::Human => report::human(&result),
        Format::Json => format!("{}\n", report::json(&result)),
    };
    // A reader that went away does not change what was found.
    let _gone = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(report::exit(&result))
}

async fn look(request: &Request) -> Result<Seen, Unread> {
    let sources = Sources::new(request)?;
    let times = Times {
        within: request.within,
        settle: request.settle,
        first_order: request.first_order,
    };
    audit::audit(async || sources.read().await, times, &Clock::system()).await
}

fn fail(code: u8, error: &dyn std::error::Error) -> ExitCode {
    let _gone = writeln!(std::io::stderr(), "auditor: {error}");
    ExitCode::from(code)
}
