//! The parts of an operation's example.

use crate::json::Scanner;
use crate::native::spec::OpSpec;

/// What stands under `name` in the example of an operation, as JSON.
pub(super) fn value_of(spec: &OpSpec, name: &str) -> Option<&'static str> {
    let mut scanner = Scanner::new(spec.example.as_bytes());
    if !scanner.take(b'{') || scanner.take(b'}') {
        return None;
    }
    loop {
        let key = scanner.key().ok()?;
        let (_, json) = scanner.whole_value(1).ok()?;
        if key.bytes == name.as_bytes() {
            return core::str::from_utf8(json).ok();
        }
        if !scanner.another(b'}').ok()? {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::spec::Op;

    #[test]
    fn the_parts_of_an_example_are_json_as_it_stands_there() {
        assert_eq!(value_of(Op::Place.spec(), "qty"), Some(r#""0.01""#));
        assert_eq!(value_of(Op::CancelAll.spec(), "session"), Some("true"));
        assert!(value_of(Op::PlaceList.spec(), "legs").is_some_and(|legs| legs.starts_with("[{")));
        assert_eq!(value_of(Op::Place.spec(), "trail"), None);
        assert_eq!(value_of(Op::Ping.spec(), "trail"), None);
    }
}
