//! Flags of the command line: `--name value`, or `--name` alone for a switch.

use crate::Failure;
use std::str::FromStr;

/// The flags of one command, taken out one by one; what is left over is refused.
#[derive(Debug)]
pub struct Args {
    rest: Vec<String>,
}

impl Args {
    /// The words behind the command's name.
    pub const fn new(words: Vec<String>) -> Self {
        Self { rest: words }
    }

    /// Takes the switch `name`: whether it was given.
    pub fn switch(&mut self, name: &str) -> bool {
        let found = self.rest.iter().position(|word| word == name);
        found.map(|place| self.rest.remove(place)).is_some()
    }

    /// Takes the value of `name`, if it was given.
    ///
    /// # Errors
    /// No value follows, or it means nothing.
    pub fn value<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Failure> {
        let Some(place) = self.rest.iter().position(|word| word == name) else {
            return Ok(None);
        };
        self.rest.remove(place);
        if place >= self.rest.len() {
            return Err(Failure(format!("{name} needs a value")));
        }
        let word = self.rest.remove(place);
        let value = word.parse().map_err(|_| Failure(format!("{name} cannot be {word:?}")))?;
        Ok(Some(value))
    }

    /// Takes the value of `name`.
    ///
    /// # Errors
    /// As [`Args::value`], or it was not given.
    pub fn needed<T: FromStr>(&mut self, name: &str) -> Result<T, Failure> {
        self.value(name)?.ok_or_else(|| Failure(format!("{name} is needed")))
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Words are left that nothing took.
    pub fn end(self) -> Result<(), Failure> {
        match self.rest.first() {
            Some(word) => Err(Failure(format!("what is {word:?}?"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        Args::new(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn flags_are_found_in_any_order() {
        let mut given = args("--json --port 80 --host here");
        assert_eq!(given.needed::<String>("--host").ok().as_deref(), Some("here"));
        assert_eq!(given.value::<u16>("--port").ok().flatten(), Some(80));
        assert!(given.switch("--json"));
        assert!(given.end().is_ok());
    }

    #[test]
    fn a_flag_that_means_nothing_is_refused_by_name() {
        let text = args("--speed 9").end().map_err(|error| error.to_string());
        assert_eq!(text, Err("what is \"--speed\"?".to_owned()));
        let text = args("--port x").value::<u16>("--port").map_err(|error| error.to_string());
        assert_eq!(text, Err("--port cannot be \"x\"".to_owned()));
        assert!(args("--port").needed::<u16>("--port").is_err());
        assert!(args("").needed::<u16>("--port").is_err());
    }
}
