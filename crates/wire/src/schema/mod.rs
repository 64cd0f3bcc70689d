//! The pages of `docs/protocol`, printed from the tables that the code works by.
//!
//! Every example on them is made by the writers themselves and read by the reader itself, so what
//! a page shows is what a node says.

pub mod documents;
mod errors;
mod native;
mod records;
mod samples;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

/// The first line of each page: nobody should edit it.
const GENERATED: &str =
    "<!-- Generated from crates/wire and crates/types by `make generate`. -->\n\n";

/// All pages: file name and text.
pub fn protocol_markdown() -> Vec<(&'static str, String)> {
    [
        ("index.md", index()),
        ("records.md", records::commands_page()),
        ("events.md", records::events_page()),
        ("errors.md", errors::page()),
        ("native.md", native::page()),
    ]
    .into_iter()
    .map(|(name, text)| {
        let mut page = String::from(GENERATED);
        page.push_str(&text);
        (name, page)
    })
    .collect()
}

fn index() -> String {
    let mut page = String::from(
        "# Protocol\n\n\
         What Coulisse reads and writes, field by field. These pages are printed from the tables \
         that the decoders work by; a test fails when they are stale.\n\n\
         | page | what |\n| --- | --- |\n\
         | [native.md](native.md) | the native protocol, `/v1/ws`: operations, replies, channels; public REST |\n\
         | [errors.md](errors.md) | every error code |\n\
         | [http.md](http.md) | HTTP requests and upgrades that are refused |\n\
         | [records.md](records.md) | commands as they stand in the log |\n\
         | [events.md](events.md) | events as they leave the core |\n\
         | [openapi.json](openapi.json) | REST, public and private, as `OpenAPI`; a node serves it at `/docs` |\n\
         | [asyncapi.json](asyncapi.json) | the native protocol as `AsyncAPI`; a node serves it at `/docs` |\n\n\
         ## Operations\n\n",
    );
    for op in crate::native::Op::ALL {
        let spec = op.spec();
        item(&mut page, spec.name, first_sentence(spec.doc));
    }
    page.push_str("\n## Channels\n\n");
    for channel in crate::native::Channel::ALL {
        let spec = channel.spec();
        item(&mut page, spec.name, first_sentence(spec.doc));
    }
    page
}

fn item(page: &mut String, name: &str, text: &str) {
    line(page, format_args!("- [`{name}`](native.md#{}): {text}", anchor(name)));
}

/// The anchor that Markdown renderers give a heading.
fn anchor(heading: &str) -> String {
    heading.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect()
}

fn first_sentence(doc: &str) -> &str {
    let doc = doc.trim();
    doc.split_inclusive(". ").next().unwrap_or(doc).trim_end()
}

fn line(page: &mut String, text: core::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = page.write_fmt(text);
    page.push('\n');
}

fn json_block(page: &mut String, lines: &[&[u8]]) {
    page.push_str("```json\n");
    for text in lines {
        page.push_str(&String::from_utf8_lossy(text));
        page.push('\n');
    }
    page.push_str("```\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, path::Path};

    #[test]
    fn the_pages_in_docs_protocol_are_not_stale() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol");
        for (name, text) in protocol_markdown() {
            let file = folder.join(name);
            if env::var_os("COULISSE_WRITE_DOCS").is_some() {
                fs::create_dir_all(&folder).expect("folder");
                fs::write(&file, &text).expect("page");
            }
            let found = fs::read_to_string(&file).unwrap_or_default();
            assert!(found == text, "docs/protocol/{name} is stale: run `make generate`");
        }
    }

    #[test]
    fn the_index_links_to_headings_that_exist() {
        let pages = protocol_markdown();
        let native = &pages.iter().find(|(name, _)| *name == "native.md").expect("page").1;
        for op in crate::native::Op::ALL {
            assert!(native.contains(&std::format!("### {}\n", op.spec().name)));
        }
    }
}
