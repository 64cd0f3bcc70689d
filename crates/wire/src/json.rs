//! A strict pull parser of JSON (RFC 8259) on bytes: no allocation, no recursion past
//! [`DEPTH_MAX`], no number ever becomes a float.
//!
//! Invariants
//! - What it accepts is one JSON value in valid UTF-8; escapes are checked, lone surrogates refused.
//! - A string stays the slice it was; its escapes are decoded only when its text is wanted.
//!
//! Cost: one pass; eight bytes a step inside strings.

use crate::limits::{DEPTH_MAX, KEYS_MAX};
use coulisse_types::RejectCode;

/// What kind of JSON value a slice is.
///
/// As wide as a word, so that [`Raw`] has no padding: copying padding byte by byte through memory
/// cost a fifth of the parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Kind {
    /// Not there.
    Absent,
    /// A string without escapes.
    Text,
    /// A string with escapes still in it.
    EscapedText,
    /// A number without fraction and exponent.
    Integer,
    /// Another number.
    Number,
    /// `true`.
    True,
    /// `false`.
    False,
    /// `null`.
    Null,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// One value as it stands in the input: a string without its quotes, anything else whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub bytes: &'a [u8],
}

impl<'a> Raw<'a> {
    /// No value.
    pub const ABSENT: Self = Self { kind: Kind::Absent, bytes: &[] };

    /// Whether there is a value.
    pub fn is_present(&self) -> bool {
        self.kind != Kind::Absent
    }

    /// The value, if there is one.
    pub fn present(self) -> Option<Self> {
        self.is_present().then_some(self)
    }

    /// Whether it is a string.
    pub const fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::EscapedText)
    }

    /// The text of a string, decoded into `scratch` where it has escapes.
    ///
    /// `None` if this is no string, or if the decoded text does not fit.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "nearly always it gives back what it has")]
    pub fn text<'s>(&self, scratch: &'s mut [u8]) -> Option<&'s [u8]>
    where
        'a: 's,
    {
        match self.kind {
            Kind::Text => Some(self.bytes),
            Kind::EscapedText => decode(self.bytes, scratch),
            _ => None,
        }
    }
}

/// What breaks the syntax, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError<'a> {
    /// `BAD_JSON`, `TOO_DEEP` or `DUPLICATE_FIELD`.
    pub code: RejectCode,
    /// The bytes from the offending one on.
    pub at: &'a [u8],
    /// The key that stands twice, or whose value it is; empty for none.
    pub key: &'a [u8],
    /// What stood there.
    pub value: &'a [u8],
    /// What was wanted there.
    pub wanted: &'static str,
}

/// How the syntax is broken; where is where the scanner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken<'a> {
    how: How,
    /// The key that it is about; empty for none.
    key: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Something else was wanted.
    Wanted(&'static str),
    /// It nests deeper than [`DEPTH_MAX`].
    TooDeep,
    /// The key stands twice in one object.
    Twice,
}

impl<'a> Broken<'a> {
    const fn wanted(what: &'static str) -> Self {
        Self { how: How::Wanted(what), key: &[] }
    }

    /// Names the key whose value is broken, unless one inside it is named already.
    const fn under(self, key: Raw<'a>) -> Self {
        if self.key.is_empty() { Self { key: key.bytes, ..self } } else { self }
    }
}

type Parsed<'a, T> = Result<T, Broken<'a>>;

/// What a part gave, and where the scanner stands after it.
type Step<'a, T> = (Parsed<'a, T>, &'a [u8]);

/// A position in the input: two words that stay in registers.
///
/// What happens for every key and every string is inlined; the rest are functions that take and
/// give the position by value, since a reference to it would force it into memory at each step.
#[derive(Clone, Copy, Debug)]
pub struct Scanner<'a> {
    rest: &'a [u8],
}

#[expect(clippy::inline_always, reason = "values returned through memory cost half of the parse")]
impl<'a> Scanner<'a> {
    /// Starts at the front of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Skips white space.
    #[inline(always)]
    pub fn space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Takes `byte` if it is next, after white space.
    #[inline(always)]
    pub fn take(&mut self, byte: u8) -> bool {
        // Most requests are compact: only what is not there at once is looked for behind space.
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            [b' ' | b'\t' | b'\n' | b'\r', ..] => {
                self.space();
                self.take_here(byte)
            }
            _ => false,
        }
    }

    #[inline(always)]
    fn take_here(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes a key and its colon, after white space.
    ///
    /// # Errors
    /// [`Broken`] if there is none.
    #[inline(always)]
    pub fn key(&mut self) -> Parsed<'a, Raw<'a>> {
        if !self.take(b'"') {
            return Err(Broken::wanted("a key in quotes"));
        }
        let key = self.string()?;
        if !self.take(b':') {
            return Err(Broken::wanted("':'"));
        }
        Ok(key)
    }

    /// After an entry of an object or array: whether another follows; takes the end otherwise.
    ///
    /// # Errors
    /// [`Broken`] if neither a comma nor `end` is next.
    #[inline(always)]
    pub fn another(&mut self, end: u8) -> Parsed<'a, bool> {
        if self.take(b',') {
            return Ok(true);
        }
        if self.take(end) {
            return Ok(false);
        }
        Err(Broken::wanted(if end == b'}' { "',' or '}'" } else { "',' or ']'" }))
    }

    /// Takes the end of the input, after white space.
    ///
    /// # Errors
    /// [`Broken`] if there is something more.
    pub fn end(&mut self) -> Parsed<'a, ()> {
        self.space();
        if self.rest.is_empty() { Ok(()) } else { Err(Broken::wanted("the end of the message")) }
    }

    /// Takes one value of any kind, after white space. `depth` counts what is open around it.
    ///
    /// # Errors
    /// [`Broken`] if there is none, it nests too deep, or a key stands twice in it.
    #[inline(always)]
    pub fn value(&mut self, depth: usize) -> Parsed<'a, Raw<'a>> {
        if self.take(b'"') { self.string() } else { self.step(|rest| no_string(rest, depth)) }
    }

    /// Takes one value as [`Scanner::value`] does, and gives its bytes too, quotes included.
    ///
    /// # Errors
    /// [`Broken`] as there.
    #[inline(always)]
    pub fn whole_value(&mut self, depth: usize) -> Parsed<'a, (Raw<'a>, &'a [u8])> {
        self.space();
        let start = self.rest;
        let value = self.value(depth)?;
        Ok((value, taken(start, self.rest)))
    }

    /// Takes the rest of a string whose opening quote has been taken.
    #[inline(always)]
    fn string(&mut self) -> Parsed<'a, Raw<'a>> {
        let start = self.rest;
        if let Some((bytes, [b'"', rest @ ..])) = start.split_at_checked(plain_prefix(start)) {
            self.rest = rest;
            return Ok(Raw { kind: Kind::Text, bytes });
        }
        self.step(unusual_string)
    }

    #[inline(always)]
    fn step<T>(&mut self, part: impl FnOnce(&'a [u8]) -> Step<'a, T>) -> Parsed<'a, T> {
        let (result, rest) = part(self.rest);
        self.rest = rest;
        result
    }
}

/// What was taken between two positions.
#[inline]
fn taken<'a>(start: &'a [u8], rest: &[u8]) -> &'a [u8] {
    start.get(..start.len().saturating_sub(rest.len())).unwrap_or_default()
}

/// A string with an escape, a character beyond ASCII, or a fault, after its opening quote.
#[cold]
#[inline(never)]
fn unusual_string(start: &[u8]) -> Step<'_, Raw<'_>> {
    let mut kind = Kind::Text;
    let mut at = start;
    loop {
        at = at.get(plain_prefix(at)..).unwrap_or_default();
        match at {
            [b'"', rest @ ..] => {
                let bytes = taken(start, at);
                return match core::str::from_utf8(bytes) {
                    Ok(_) => (Ok(Raw { kind, bytes }), rest),
                    Err(error) => {
                        let at = start.get(error.valid_up_to()..).unwrap_or_default();
                        (Err(Broken::wanted("UTF-8")), at)
                    }
                };
            }
            [b'\\', rest @ ..] => {
                kind = Kind::EscapedText;
                match escape(rest) {
                    Some((_, rest)) => at = rest,
                    None => return (Err(Broken::wanted("an escape that JSON knows")), at),
                }
            }
            [byte, rest @ ..] if *byte >= 0x80 => at = rest,
            [_, ..] => return (Err(Broken::wanted("a control character to be escaped")), at),
            [] => return (Err(Broken::wanted("'\"'")), at),
        }
    }
}

/// A value that does not begin with a quote, after white space.
#[inline(never)]
fn no_string(start: &[u8], depth: usize) -> Step<'_, Raw<'_>> {
    match start {
        [b'-' | b'0'..=b'9', ..] => number(start),
        [b't', ..] => literal(start, b"true", Kind::True),
        [b'f', ..] => literal(start, b"false", Kind::False),
        [b'n', ..] => literal(start, b"null", Kind::Null),
        [b'{' | b'[', ..] if depth >= DEPTH_MAX => {
            (Err(Broken { how: How::TooDeep, key: &[] }), start)
        }
        [b'{', rest @ ..] => composite(start, rest, depth, object, Kind::Object),
        [b'[', rest @ ..] => composite(start, rest, depth, array, Kind::Array),
        _ => (Err(Broken::wanted("a value")), start),
    }
}

fn literal<'a>(start: &'a [u8], word: &'static [u8], kind: Kind) -> Step<'a, Raw<'a>> {
    match start.split_at_checked(word.len()) {
        Some((bytes, rest)) if bytes == word => (Ok(Raw { kind, bytes }), rest),
        _ => (Err(Broken::wanted("a value")), start),
    }
}

/// What follows the digits at the front; `None` if there are none.
fn digits(bytes: &[u8]) -> Option<&[u8]> {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 { None } else { bytes.get(count..) }
}

fn number(start: &[u8]) -> Step<'_, Raw<'_>> {
    const WANTED: Broken<'static> = Broken::wanted("a digit");
    let mut kind = Kind::Integer;
    let mut at = start.strip_prefix(b"-").unwrap_or(start);
    at = match at {
        [b'0', rest @ ..] => rest,
        _ => match digits(at) {
            Some(rest) => rest,
            None => return (Err(WANTED), at),
        },
    };
    if let [b'.', rest @ ..] = at {
        kind = Kind::Number;
        match digits(rest) {
            Some(rest) => at = rest,
            None => return (Err(WANTED), rest),
        }
    }
    if let [b'e' | b'E', b'+' | b'-', rest @ ..] | [b'e' | b'E', rest @ ..] = at {
        kind = Kind::Number;
        match digits(rest) {
            Some(rest) => at = rest,
            None => return (Err(WANTED), rest),
        }
    }
    (Ok(Raw { kind, bytes: taken(start, at) }), at)
}

fn composite<'a>(
    start: &'a [u8],
    inside: &'a [u8],
    depth: usize,
    read: impl Fn(&mut Scanner<'a>, usize) -> Parsed<'a, ()>,
    kind: Kind,
) -> Step<'a, Raw<'a>> {
    let mut scanner = Scanner::new(inside);
    let result = read(&mut scanner, depth.saturating_add(1));
    let bytes = taken(start, scanner.rest);
    (result.map(|()| Raw { kind, bytes }), scanner.rest)
}

fn array<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Parsed<'a, ()> {
    if scanner.take(b']') {
        return Ok(());
    }
    loop {
        scanner.value(depth)?;
        if !scanner.another(b']')? {
            return Ok(());
        }
    }
}

fn object<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Parsed<'a, ()> {
    if scanner.take(b'}') {
        return Ok(());
    }
    let mut keys = Keys::new();
    loop {
        let key = scanner.key()?;
        keys.add(key)?;
        scanner.value(depth).map_err(|broken| broken.under(key))?;
        if !scanner.another(b'}').map_err(|broken| broken.under(key))? {
            return Ok(());
        }
    }
}

/// The keys of one object so far.
struct Keys<'a> {
    keys: [Raw<'a>; KEYS_MAX],
    count: usize,
}

impl<'a> Keys<'a> {
    const fn new() -> Self {
        Self { keys: [Raw::ABSENT; KEYS_MAX], count: 0 }
    }

    fn add(&mut self, key: Raw<'a>) -> Parsed<'a, ()> {
        let known = self.keys.get(..self.count).unwrap_or_default();
        if known.iter().any(|other| same_text(*other, key)) {
            return Err(Broken { how: How::Twice, key: key.bytes });
        }
        if let Some(slot) = self.keys.get_mut(self.count) {
            *slot = key;
            self.count = self.count.saturating_add(1);
        }
        Ok(())
    }
}

fn same_text(a: Raw<'_>, b: Raw<'_>) -> bool {
    if a.kind == Kind::Text && b.kind == Kind::Text {
        return a.bytes == b.bytes;
    }
    Characters { rest: a.bytes }.eq(Characters { rest: b.bytes })
}

/// Checks the syntax of a whole message: one object, keys unique in every object.
///
/// Gives the first fault, and the top-level `id` with its bytes, quotes included, if it was met
/// before any fault, so that the error can echo it.
pub fn validate(bytes: &[u8]) -> ((Raw<'_>, &[u8]), Option<SyntaxError<'_>>) {
    let mut id = (Raw::ABSENT, &[][..]);
    let mut scanner = Scanner::new(bytes);
    let Err(broken) = validate_object(&mut scanner, &mut id) else {
        return (id, None);
    };
    let (at, key) = (scanner.rest, broken.key);
    let (code, value, wanted) = match broken.how {
        How::Wanted(wanted) => (RejectCode::BadJson, near(at), wanted),
        How::TooDeep => (RejectCode::TooDeep, near(at), "less nesting"),
        How::Twice => {
            let again = scanner.value(0).map_or(near(at), |value| value.bytes);
            (RejectCode::DuplicateField, again, "each key once")
        }
    };
    (id, Some(SyntaxError { code, at, key, value, wanted }))
}

/// What stands at the front, up to where a value would end; a few bytes at most.
fn near(bytes: &[u8]) -> &[u8] {
    let few = bytes.get(..16).unwrap_or(bytes);
    let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n');
    match few.iter().position(ends) {
        Some(0) => few.get(..1).unwrap_or_default(),
        Some(end) => few.get(..end).unwrap_or_default(),
        None => few,
    }
}

fn validate_object<'a>(scanner: &mut Scanner<'a>, id: &mut (Raw<'a>, &'a [u8])) -> Parsed<'a, ()> {
    if !scanner.take(b'{') {
        // Something else may still nest too deep to be looked at, which says more.
        let start = *scanner;
        scanner.value(0)?;
        *scanner = start;
        return Err(Broken::wanted("an object"));
    }
    let mut keys = Keys::new();
    if !scanner.take(b'}') {
        loop {
            let key = scanner.key()?;
            keys.add(key)?;
            let value = scanner.whole_value(1).map_err(|broken| broken.under(key))?;
            if same_text(key, Raw { kind: Kind::Text, bytes: b"id" }) {
                *id = value;
            }
            if !scanner.another(b'}').map_err(|broken| broken.under(key))? {
                break;
            }
        }
    }
    scanner.end()
}

/// How many bytes from the front are printable ASCII other than a quote and a backslash.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the first step of every string")]
fn plain_prefix(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            let within = usize::try_from(special.trailing_zeros() >> 3).unwrap_or_default();
            return bytes.len().saturating_sub(rest.len()).saturating_add(within);
        }
        rest = after;
    }
    let plain = |b: &&u8| matches!(**b, 0x20..=0x7f) && **b != b'"' && **b != b'\\';
    let tail = rest.iter().take_while(plain).count();
    bytes.len().saturating_sub(rest.len()).saturating_add(tail)
}

/// The high bit of each byte that is a quote, a backslash, a control character or beyond ASCII.
///
/// Bits above the first one set may be wrong: a borrow runs upwards only.
/// Source: Anderson, *Bit Twiddling Hacks* (2005), "Determine if a word has a byte less than n".
#[inline]
const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    const QUOTES: u64 = 0x2222_2222_2222_2222;
    const BACKSLASHES: u64 = 0x5c5c_5c5c_5c5c_5c5c;
    const SPACES: u64 = 0x2020_2020_2020_2020;
    let quote = word ^ QUOTES;
    let backslash = word ^ BACKSLASHES;
    let zero = (quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash);
    let control = word.wrapping_sub(SPACES) & !word;
    (zero | control | word) & HIGHS
}

/// Reads an escape after its backslash: the character, and what follows.
fn escape(bytes: &[u8]) -> Option<(char, &[u8])> {
    let (letter, rest) = bytes.split_first()?;
    let character = match letter {
        b'"' | b'\\' | b'/' => char::from(*letter),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(rest),
        _ => return None,
    };
    Some((character, rest))
}

fn unicode_escape(bytes: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = hex4(bytes)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first).map(|character| (character, rest));
    }
    let (second, rest) = hex4(rest.strip_prefix(b"\\u")?)?;
    let high = first.checked_sub(0xd800)?;
    let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    let code = high.checked_mul(0x400)?.checked_add(low)?.checked_add(0x1_0000)?;
    char::from_u32(code).map(|character| (character, rest))
}

fn hex4(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = bytes.split_first_chunk::<4>()?;
    let mut value = 0_u32;
    for digit in digits {
        value = (value << 4) | char::from(*digit).to_digit(16)?;
    }
    Some((value, rest))
}

/// Decodes a checked string into `scratch`; `None` if it does not fit.
#[cold]
#[inline(never)]
fn decode<'s>(raw: &[u8], scratch: &'s mut [u8]) -> Option<&'s [u8]> {
    let mut length = 0_usize;
    for character in (Characters { rest: raw }) {
        let mut bytes = [0; 4];
        let encoded = character.encode_utf8(&mut bytes).as_bytes();
        let end = length.checked_add(encoded.len())?;
        scratch.get_mut(length..end)?.copy_from_slice(encoded);
        length = end;
    }
    scratch.get(..length)
}

/// The characters of a checked string, escapes decoded.
struct Characters<'a> {
    rest: &'a [u8],
}

impl Iterator for Characters<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        if let [b'\\', rest @ ..] = self.rest {
            let (character, rest) = escape(rest)?;
            self.rest = rest;
            return Some(character);
        }
        let width = match self.rest.first()? {
            ..0x80 => 1,
            ..0xe0 => 2,
            ..0xf0 => 3,
            _ => 4,
        };
        let (bytes, rest) = self.rest.split_at_checked(width)?;
        self.rest = rest;
        core::str::from_utf8(bytes).ok()?.chars().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(bytes: &[u8]) -> Option<RejectCode> {
        validate(bytes).1.map(|e| e.code)
    }

    #[test]
    fn strict_json_is_accepted_and_nothing_else() {
        for good in [
            &br"{}"[..],
            br#" {"a" : [1, -0.5e+3, true, false, null, "x", {}], "b":{"a":1}} "#,
            "{\"é\":\"\\u00e9\\ud83d\\ude00 long enough for a word\"}".as_bytes(),
            br#"{"a":[[[[[[[]]]]]]]}"#,
        ] {
            assert_eq!(code(good), None, "{}", good.escape_ascii());
        }
        for bad in [
            &b""[..],
            b"[]",
            b"5",
            b"{",
            b"{}}",
            b"{} x",
            br#"{"a"}"#,
            br#"{"a":}"#,
            br#"{"a":1,}"#,
            br#"{,"a":1}"#,
            br"{a:1}",
            br#"{"a":01}"#,
            br#"{"a":+1}"#,
            br#"{"a":1.}"#,
            br#"{"a":.5}"#,
            br#"{"a":1e}"#,
            br#"{"a":-}"#,
            br#"{"a":NaN}"#,
            br#"{"a":Infinity}"#,
            br#"{"a":nul}"#,
            br#"{"a":'x'}"#,
            b"{\"a\":\"\n\"}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\xc3\"}",
            br#"{"a":"\x"}"#,
            br#"{"a":"\ud83d"}"#,
            br#"{"a":"\ude00"}"#,
            br#"{"a":"\u12"}"#,
            br#"{"a":"open}"#,
            br#"{"a":[1 2]}"#,
            br#"{"a":[1,]}"#,
            b"\xef\xbb\xbf{}",
        ] {
            assert_eq!(code(bad), Some(RejectCode::BadJson), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn a_key_that_stands_twice_is_found_at_any_depth_and_under_escapes() {
        let twice = Some(RejectCode::DuplicateField);
        assert_eq!(code(br#"{"a":1,"a":1}"#), twice);
        assert_eq!(code(br#"{"a":1,"\u0061":1}"#), twice);
        assert_eq!(code(br#"{"x":[{"a":{"b":1,"c":2,"b":3}}]}"#), twice);
        assert_eq!(code(br#"{"a":{"b":1},"b":{"b":1}}"#), None);
    }

    #[test]
    fn nesting_is_bounded_whatever_it_is_made_of() {
        let deep = Some(RejectCode::TooDeep);
        assert_eq!(code(br#"{"a":[[[[[[[[]]]]]]]]}"#), deep);
        assert_eq!(code(&b"[".repeat(100_000)), deep);
        assert_eq!(code(br#"{"a":"#.repeat(10_000).as_slice()), deep);
    }

    #[test]
    fn every_position_of_a_special_byte_in_a_word_is_found() {
        for special in [b'"', b'\\', 0, 0x1f, 0x80, 0xff] {
            for at in 0..40 {
                let mut bytes = [b'~'; 48];
                bytes[at] = special;
                assert_eq!(plain_prefix(&bytes), at);
                assert_eq!(plain_prefix(&bytes[..at]), at);
            }
        }
    }
}
