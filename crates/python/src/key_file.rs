//! The data keys of HMAC keys, in a small file beside the journal.
//!
//! Invariants
//! - A data key is on disk before the record that needs it is in the log.
//! - A destroyed data key is not left behind in the old file: its bytes are overwritten, too. What a file
//!   system or a disk keeps of them besides, nobody can promise.
//! - The core and its workers change the same file: each under its lock, from what it holds then.
//!
//! Cost: each change writes and syncs the whole file (some 170 bytes a key), on the caller's thread: keys
//! are made and revoked by people.

use coulisse_gateway::secrets::{
    BadLine, DRAWN_BYTES, Drawn, NONCE_BYTES, SECRET_BYTES, Secret, Secrets, Vault, put_given,
};
use coulisse_types::keys::KeyMaterial;
use coulisse_types::{AccountId, KeyId};
use rustix::fs::{FlockOperation, flock};
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Its name in the data directory.
const NAME: &str = "data_keys";

/// What is held while the file is read or replaced: the processes of a node share it.
const LOCK_NAME: &str = "data_keys.lock";

/// A vault and its file.
pub(crate) struct KeyFile {
    dir: PathBuf,
    master: Secret,
    vault: RefCell<Vault>,
    /// Whether others make keys that are wanted here: then a missing one is looked for in the file.
    is_shared: bool,
}

impl KeyFile {
    /// Reads the file of a data directory; there may be none yet.
    pub(crate) fn open(dir: &str, master: [u8; SECRET_BYTES]) -> std::io::Result<Self> {
        let master = Secret::new(master);
        let vault = RefCell::new(Vault::read(master.clone(), "").map_err(unreadable)?);
        let file = Self { dir: PathBuf::from(dir), master, vault, is_shared: false };
        file.read()?;
        Ok(file)
    }

    /// The same, where other processes make keys that are wanted here.
    pub(crate) fn open_shared(dir: &str, master: [u8; SECRET_BYTES]) -> std::io::Result<Self> {
        Ok(Self { is_shared: true, ..Self::open(dir, master)? })
    }

    /// Destroys the data keys of all ids but those that `is_used` names: what a record that was refused,
    /// or a start that died, left behind.
    pub(crate) fn keep(&mut self, is_used: impl Fn(&KeyId) -> bool) -> std::io::Result<()> {
        let _lock = self.lock()?;
        let vault = self.vault.get_mut();
        let unused = vault.key_ids().filter(|key_id| !is_used(key_id));
        let unused: Vec<KeyId> = unused.copied().collect();
        for key_id in &unused {
            vault.forget(key_id);
        }
        if unused.is_empty() { Ok(()) } else { self.write() }
    }

    /// Held by whoever reads or replaces the file, until it is dropped.
    fn lock(&self) -> std::io::Result<File> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(self.dir.join(LOCK_NAME))?;
        flock(&lock, FlockOperation::LockExclusive)?;
        Ok(lock)
    }

    /// Reads the file again: another process of this node may have made or destroyed a key.
    fn read(&self) -> std::io::Result<()> {
        let lock = self.lock()?;
        self.read_locked(&lock)
    }

    fn read_locked(&self, _lock: &File) -> std::io::Result<()> {
        let mut text = String::new();
        match File::open(self.dir.join(NAME)) {
            Ok(mut file) => drop(file.read_to_string(&mut text)?),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        *self.vault.borrow_mut() = Vault::read(self.master.clone(), &text).map_err(unreadable)?;
        Ok(())
    }

    /// Puts a new file in the place of the old one, then overwrites the old one's bytes.
    fn write(&self) -> std::io::Result<()> {
        let (path, fresh) = (self.dir.join(NAME), self.dir.join("data_keys.new"));
        let old = OpenOptions::new().write(true).open(&path);
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(self.vault.borrow().text().as_bytes())?;
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

    /// Makes a key, of a secret that is given or drawn, unless there is one of that id.
    fn make(
        &self,
        key_id: &KeyId,
        account: AccountId,
        given: Option<&Secret>,
    ) -> std::io::Result<Option<(Secret, KeyMaterial)>> {
        let lock = self.lock()?;
        self.read_locked(&lock)?;
        if self.vault.borrow().has(key_id) {
            return Ok(None);
        }
        let mut drawn: Drawn = [0; DRAWN_BYTES].into();
        fill(drawn.as_mut_slice())?;
        if let Some(given) = given {
            put_given(&mut drawn, given);
        }
        let Some(made) = self.vault.borrow_mut().issue(key_id, account, &drawn) else {
            return Ok(None);
        };
        let written = self.write();
        if written.is_err() {
            self.vault.borrow_mut().forget(key_id);
        }
        written.map(|()| Some(made))
    }

    fn destroy(&self, key_id: &KeyId) -> std::io::Result<()> {
        let lock = self.lock()?;
        self.read_locked(&lock)?;
        let is_there = self.vault.borrow_mut().forget(key_id);
        if is_there { self.write() } else { Ok(()) }
    }
}

impl KeyFile {
    fn made(
        &self,
        key_id: &KeyId,
        account: AccountId,
        given: Option<&Secret>,
    ) -> Option<(Secret, KeyMaterial)> {
        self.make(key_id, account, given).unwrap_or_else(|error| {
            tell("data_key_not_written", &error);
            None
        })
    }

    /// Reads the file again where another process may have made this key.
    fn look_for(&self, key_id: &KeyId) {
        if self.is_shared
            && !self.vault.borrow().has(key_id)
            && let Err(error) = self.read()
        {
            tell("data_keys_not_read", &error);
        }
    }
}

fn fill(bytes: &mut [u8]) -> std::io::Result<()> {
    getrandom::fill(bytes).map_err(|error| Error::other(error.to_string()))
}

fn unreadable(line: BadLine) -> Error {
    let number = line.0;
    let reason = format!("{NAME}: line {number} does not open with this master key");
    Error::new(ErrorKind::InvalidData, reason)
}

fn sync_dir(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

impl Secrets for KeyFile {
    fn issue(&mut self, key_id: &KeyId, account: AccountId) -> Option<(Secret, KeyMaterial)> {
        self.made(key_id, account, None)
    }

    fn seal(&mut self, key_id: &KeyId, account: AccountId, secret: &Secret) -> Option<KeyMaterial> {
        self.made(key_id, account, Some(secret)).map(|(_, material)| material)
    }

    fn seal_again(
        &self,
        key_id: &KeyId,
        account: AccountId,
        secret: &Secret,
    ) -> Option<KeyMaterial> {
        self.look_for(key_id);
        let mut nonce = [0; NONCE_BYTES];
        fill(&mut nonce).ok()?;
        self.vault.borrow().seal_again(key_id, account, secret, &nonce)
    }

    fn derive(&self, purpose: &str) -> Secret {
        self.vault.borrow().derive(purpose)
    }

    fn draw(&self, bytes: &mut [u8]) -> Option<()> {
        fill(bytes).ok()
    }

    fn open(&self, key_id: &KeyId, account: AccountId, sealed: &KeyMaterial) -> Option<Secret> {
        self.look_for(key_id);
        self.vault.borrow().open(key_id, account, sealed)
    }

    fn shred(&mut self, key_id: &KeyId) {
        if let Err(error) = self.destroy(key_id) {
            // The next start tries again.
            tell("data_key_not_destroyed", &error);
        }
    }
}

fn tell(event: &str, error: &Error) {
    let reason = error.to_string();
    crate::notes::say("error", event, None, &[("reason", &reason)]);
}
