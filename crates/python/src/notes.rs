//! What a process that breaks leaves to the next start: `DATA_DIR/panic.json`.
//!
//! One JSON object a line, `{"seq":…,"build":…,"message":…}`, for each record that broke the core and
//! of which no start has disposed yet. What a start has disposed of goes to `panic-SEQ.json`.
//!
//! Invariant: the file is replaced as a whole and durably, or not at all.

use coulisse_wire::digits::escaped;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

const NAME: &str = "panic.json";
const TEMPORARY_NAME: &str = "panic.json.tmp";
const DAMAGED_NAME: &str = "panic-damaged.json";

/// The notes of a data directory.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    dir: Option<PathBuf>,
    lines: Vec<(u64, String)>,
    /// Why they could not be read, if they could not.
    damage: Option<String>,
}

impl Notes {
    /// Reads what there is; without a directory there is nothing. What cannot be read is treated as
    /// absent.
    pub(crate) fn read(dir: Option<&str>) -> Self {
        let Some(dir) = dir.map(PathBuf::from) else { return Self::default() };
        let read = match fs::read_to_string(dir.join(NAME)) {
            Ok(text) => parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.to_string()),
        };
        match read {
            Ok(lines) => Self { dir: Some(dir), lines, damage: None },
            Err(reason) => Self { dir: Some(dir), lines: Vec::new(), damage: Some(reason) },
        }
    }

    /// Says it where they could not be read.
    pub(crate) fn tell_of_damage(&self) {
        if let (Some(dir), Some(reason)) = (&self.dir, &self.damage) {
            let file = dir.join(NAME).display().to_string();
            say("error", "panic_note_unreadable", None, &[("file", &file), ("reason", reason)]);
        }
    }

    /// Whether the record at `seq` broke a core before.
    pub(crate) fn has(&self, seq: u64) -> bool {
        self.lines.iter().any(|(noted, _)| *noted == seq)
    }

    /// Adds a note, durably.
    pub(crate) fn add(mut self, seq: u64, message: &str) -> io::Result<()> {
        let mut line = format!("{{\"seq\":{seq},\"build\":\"{}\"", env!("CARGO_PKG_VERSION"));
        push_text(&mut line, "message", message);
        line.push('}');
        self.lines.push((seq, line));
        self.write()
    }

    /// The start is through: notes of records that it voids stay until the log is found to say so;
    /// all others are disposed of.
    pub(crate) fn dispose(mut self, voided_now: &[u64]) -> io::Result<()> {
        let Some(dir) = self.dir.clone() else { return Ok(()) };
        if self.damage.is_some() {
            fs::rename(dir.join(NAME), dir.join(DAMAGED_NAME))?;
            return sync_dir(&dir);
        }
        let (kept, done) =
            self.lines.into_iter().partition::<Vec<_>, _>(|(seq, _)| voided_now.contains(seq));
        for (seq, line) in &done {
            let name = format!("panic-{seq}.json");
            replace(&dir, &name, &format!("{line}\n"))?;
        }
        self.lines = kept;
        if done.is_empty() { Ok(()) } else { self.write() }
    }

    fn write(&self) -> io::Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        if self.lines.is_empty() {
            fs::remove_file(dir.join(NAME))?;
            return sync_dir(dir);
        }
        let mut text = String::new();
        for (_, line) in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        replace(dir, NAME, &text)
    }
}

fn parse(text: &str) -> Result<Vec<(u64, String)>, String> {
    let lines = text.lines().enumerate();
    lines
        .map(|(at, line)| {
            let seq = line.strip_prefix("{\"seq\":").and_then(|rest| rest.split_once(','));
            let seq = seq.and_then(|(seq, _)| seq.parse().ok()).filter(|_| line.ends_with('}'));
            let seq = seq.ok_or_else(|| format!("line {} is not a note", at + 1))?;
            Ok((seq, line.to_string()))
        })
        .collect()
}

fn replace(dir: &Path, name: &str, text: &str) -> io::Result<()> {
    let temporary = dir.join(TEMPORARY_NAME);
    let mut file = File::create(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, dir.join(name))?;
    sync_dir(dir)
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Says something on stderr as the logs do: one JSON object a line.
pub(crate) fn say(level: &str, event: &str, seq: Option<u64>, fields: &[(&str, &str)]) {
    let mut line = format!("{{\"event\":\"{event}\",\"stage\":\"core\",\"level\":\"{level}\"");
    if let Some(seq) = seq {
        // Writing to a text cannot fail.
        let _ = write!(line, ",\"seq\":{seq}");
    }
    for (name, text) in fields {
        push_text(&mut line, name, text);
    }
    line.push_str("}\n");
    // Nobody may be there to read it.
    let _ = io::stderr().write_all(line.as_bytes());
}

fn push_text(line: &mut String, name: &str, text: &str) {
    let mut inside = Vec::new();
    escaped(&mut inside, text.as_bytes());
    let _ = write!(line, ",\"{name}\":\"{}\"", String::from_utf8_lossy(&inside));
}
