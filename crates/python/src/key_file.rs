//! The data keys of HMAC keys, in a small file beside the journal.
//!
//! Invariants
//! - A data key is on disk before the record that needs it is in the log.
//! - A destroyed data key is not left behind in the old file: its bytes are overwritten, too. What a file
//!   system or a disk keeps of them besides, nobody can promise.
//!
//! Cost: each change writes and syncs the whole file (some 170 bytes a key), on the caller's thread: keys
//! are made and revoked by people.

use coulisse_gateway::secrets::{DRAWN_BYTES, Drawn, SECRET_BYTES, Secret, Secrets, Vault};
use coulisse_types::keys::KeyMaterial;
use coulisse_types::{AccountId, KeyId};
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Its name in the data directory.
const NAME: &str = "data_keys";

/// A vault and its file.
pub(crate) struct KeyFile {
    dir: PathBuf,
    vault: Vault,
}

impl KeyFile {
    /// Reads the file of a data directory; there may be none yet.
    pub(crate) fn open(dir: &str, master: [u8; SECRET_BYTES]) -> std::io::Result<Self> {
        let dir = PathBuf::from(dir);
        let mut text = String::new();
        match File::open(dir.join(NAME)) {
            Ok(mut file) => drop(file.read_to_string(&mut text)?),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let vault = Vault::read(Secret::new(master), &text).map_err(|line| {
            let number = line.0;
            let reason = format!("{NAME}: line {number} does not open with this master key");
            Error::new(ErrorKind::InvalidData, reason)
        })?;
        Ok(Self { dir, vault })
    }

    /// Destroys the data keys of all ids but those that `is_used` names: what a record that was refused,
    /// or a start that died, left behind.
    pub(crate) fn keep(&mut self, is_used: impl Fn(&KeyId) -> bool) -> std::io::Result<()> {
        let unused = self.vault.key_ids().filter(|key_id| !is_used(key_id));
        let unused: Vec<KeyId> = unused.copied().collect();
        for key_id in &unused {
            self.vault.forget(key_id);
        }
        if unused.is_empty() { Ok(()) } else { self.write() }
    }

    /// Puts a new file in the place of the old one, then overwrites the old one's bytes.
    fn write(&self) -> std::io::Result<()> {
        let (path, fresh) = (self.dir.join(NAME), self.dir.join("data_keys.new"));
        let old = OpenOptions::new().write(true).open(&path);
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(self.vault.text().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path)?;
        sync_dir(&self.dir)?;
        if let Ok(mut old) = old {
            let bytes = usize::try_from(old.metadata()?.len()).unwrap_or(0);
            old.seek(SeekFrom::Start(0))?;
            old.write_all(&vec![0; bytes])?;
            old.sync_all()?;
        }
        Ok(())
    }
}

fn sync_dir(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

impl Secrets for KeyFile {
    fn issue(&mut self, key_id: &KeyId, account: AccountId) -> Option<(Secret, KeyMaterial)> {
        if self.vault.has(key_id) {
            return None;
        }
        let mut drawn: Drawn = [0; DRAWN_BYTES].into();
        getrandom::fill(drawn.as_mut_slice()).ok()?;
        let made = self.vault.issue(key_id, account, &drawn)?;
        if let Err(error) = self.write() {
            self.vault.forget(key_id);
            tell("data_key_not_written", &error);
            return None;
        }
        Some(made)
    }

    fn open(&self, key_id: &KeyId, account: AccountId, sealed: &KeyMaterial) -> Option<Secret> {
        self.vault.open(key_id, account, sealed)
    }

    fn shred(&mut self, key_id: &KeyId) {
        if self.vault.forget(key_id)
            && let Err(error) = self.write()
        {
            // The next start tries again.
            tell("data_key_not_destroyed", &error);
        }
    }
}

fn tell(event: &str, error: &Error) {
    let reason = error.to_string();
    crate::notes::say("error", event, None, &[("reason", &reason)]);
}
