//! `coulisse-bench core | load | floor | rest | sockets | watchers | soak`: one measurement, one JSON object on stdout.

use coulisse_bench::args::Args;
use coulisse_bench::{Failure, core, failure, floor, huge_pages, load, rest, soak, sockets};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: huge_pages::HugePages = huge_pages::HugePages;

fn run() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let args = Args::new(words.collect());
    match command.as_str() {
        "core" => {
            huge_pages::want();
            println!("{}", core::run(args)?);
        }
        "load" => println!("{}", load::run(args)?),
        "floor" => floor::run(args)?,
        "rest" => println!("{}", rest::run(args)?),
        "sockets" => sockets::run(args)?,
        "watchers" => sockets::run_watchers(args)?,
        "soak" => soak::run(args)?,
        _ => return failure("what to run: core, load, floor, rest, sockets, watchers or soak"),
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("coulisse-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
