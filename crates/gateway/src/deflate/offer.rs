//! Offers of permessage-deflate in an upgrade, and what is agreed (RFC 7692 section 7.1; the form of the
//! header is RFC 6455 section 9.1).
//!
//! An offer with anything that is not understood is declined, and the next one looked at; a header that is
//! not of the form at all refuses the upgrade.

/// The extension's name.
const NAME: &str = "permessage-deflate";

/// Fewest bits of a window that deflate can do with.
const WINDOW_BITS_MIN: u8 = 9;

/// How far back what is sent may refer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// 4 KiB: most messages have no more, and clients that ask at all ask for this.
    Usual,
    /// 512 bytes, for clients that keep no more.
    Small,
}

impl Window {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Usual, Self::Small];

    /// Its size as a power of two.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Usual => 12,
            Self::Small => WINDOW_BITS_MIN,
        }
    }

    /// The largest that a peer takes who takes so many bits.
    fn within(bits: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.bits() <= bits)
    }
}

/// What was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// What is sent refers no further back.
    pub window: Window,
    /// The client asked for that.
    is_asked: bool,
}

impl Agreed {
    /// What the answer to the upgrade says of it.
    pub const fn text(self) -> &'static str {
        match (self.is_asked, self.window) {
            (false, _) => {
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            }
            (true, Window::Usual) => {
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=12"
            }
            (true, Window::Small) => {
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=9"
            }
        }
    }
}

/// What came of the offers so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Offer {
    /// None that can be taken.
    #[default]
    None,
    /// The first that can be taken.
    Taken(Agreed),
    /// The header is not of the form.
    Malformed,
}

impl Offer {
    /// Goes on with one more Sec-WebSocket-Extensions header.
    #[must_use]
    pub fn and(self, value: &[u8]) -> Self {
        let text = core::str::from_utf8(value).unwrap_or_default();
        match (self, List(text.trim()).read().unwrap_or(Self::Malformed)) {
            (Self::Malformed, _) | (_, Self::Malformed) => Self::Malformed,
            (Self::Taken(agreed), _) => Self::Taken(agreed),
            (Self::None, found) => found,
        }
    }
}

/// One offer as it is read: what can be agreed of it.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a parameter, met or not")]
struct Params {
    server_no_context: bool,
    client_no_context: bool,
    client_bits: bool,
    server_bits: Option<u8>,
    /// Something stands in it that is unknown, out of range, or there twice.
    is_declined: bool,
}

impl Params {
    fn take(&mut self, name: &str, value: Option<&str>) {
        let is_good = match (name, value) {
            ("server_no_context_takeover", None) => {
                !core::mem::replace(&mut self.server_no_context, true)
            }
            ("client_no_context_takeover", None) => {
                !core::mem::replace(&mut self.client_no_context, true)
            }
            ("client_max_window_bits", value) => {
                let is_first = !core::mem::replace(&mut self.client_bits, true);
                is_first && value.is_none_or(|digits| window_bits(digits).is_some())
            }
            ("server_max_window_bits", Some(digits)) => {
                let bits = window_bits(digits);
                bits.is_some() && self.server_bits.replace(bits.unwrap_or_default()).is_none()
            }
            _ => false,
        };
        self.is_declined |= !is_good;
    }

    fn agreed(&self) -> Option<Agreed> {
        if self.is_declined {
            return None;
        }
        let window = self.server_bits.map_or(Some(Window::Usual), Window::within)?;
        Some(Agreed { window, is_asked: self.server_bits.is_some() })
    }
}

/// 8 to 15, without leading zeros (RFC 7692 section 7.1.2).
fn window_bits(digits: &str) -> Option<u8> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|bits| plain && (8..=15).contains(bits))
}

/// The rest of a header's value.
struct List<'a>(&'a str);

impl<'a> List<'a> {
    /// The first offer that can be taken, if there is one; `None` where the value is not of the form.
    fn read(mut self) -> Option<Offer> {
        let mut found = Offer::None;
        let mut is_empty = true;
        loop {
            // Elements of a list may be empty (RFC 9110 section 5.6.1).
            while self.eats(b',') {}
            if self.0.is_empty() {
                return (!is_empty).then_some(found);
            }
            is_empty = false;
            let name = self.token()?;
            let mut params = Params::default();
            while self.eats(b';') {
                let name = self.token()?;
                let value = if self.eats(b'=') { Some(self.value()?) } else { None };
                params.take(name, value);
            }
            if name == NAME && found == Offer::None {
                found = params.agreed().map_or(Offer::None, Offer::Taken);
            }
            if !self.0.is_empty() && !self.0.starts_with(',') {
                return None;
            }
        }
    }

    /// Takes one mark and the spaces around it, if it comes next.
    fn eats(&mut self, mark: u8) -> bool {
        let Some(rest) = self.0.strip_prefix(char::from(mark)) else { return false };
        self.0 = rest.trim_start_matches([' ', '\t']);
        true
    }

    /// Takes a token and the spaces behind it.
    fn token(&mut self) -> Option<&'a str> {
        let end = self.0.find(|letter| !is_token_letter(letter)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.trim_start_matches([' ', '\t']);
        (!token.is_empty()).then_some(token)
    }

    /// Takes a token, or one in quotes.
    fn value(&mut self) -> Option<&'a str> {
        let Some(quoted) = self.0.strip_prefix('"') else { return self.token() };
        let (inner, rest) = quoted.split_once('"')?;
        self.0 = rest.trim_start_matches([' ', '\t']);
        (!inner.is_empty() && inner.chars().all(is_token_letter)).then_some(inner)
    }
}

const fn is_token_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || matches!(
            letter,
            '!' | '#'
                | '$'
                | '%'
                | '&'
                | '\''
                | '*'
                | '+'
                | '-'
                | '.'
                | '^'
                | '_'
                | '`'
                | '|'
                | '~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(values: &[&str]) -> Offer {
        values.iter().fold(Offer::None, |offer, value| offer.and(value.as_bytes()))
    }

    fn taken(window: Window, is_asked: bool) -> Offer {
        Offer::Taken(Agreed { window, is_asked })
    }

    #[test]
    fn what_clients_offer_is_taken() {
        let plain = taken(Window::Usual, false);
        for value in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate ;client_max_window_bits=8",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            "permessage-deflate;client_max_window_bits=\"15\"",
            ", ,permessage-deflate,",
            "x-webkit-deflate-frame, permessage-deflate; client_max_window_bits",
        ] {
            assert_eq!(offer(&[value]), plain, "{value}");
        }
        for (bits, window) in [
            ("15", Window::Usual),
            ("12", Window::Usual),
            ("11", Window::Small),
            ("9", Window::Small),
        ] {
            let value = format!("permessage-deflate; server_max_window_bits={bits}");
            let found = offer(&[&value]);
            assert_eq!(found, taken(window, true), "{value}");
            let Offer::Taken(agreed) = found else { unreachable!("{value}") };
            let said = format!("; server_max_window_bits={}", window.bits());
            assert!(agreed.text().ends_with(&said), "{}", agreed.text());
        }
    }

    #[test]
    fn an_offer_with_anything_unknown_is_declined_and_the_next_one_looked_at() {
        for bad in [
            "permessage-deflate; mystery",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=8",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=012",
            "permessage-deflate; server_max_window_bits=12; server_max_window_bits=12",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; client_max_window_bits=12; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=+9",
            "Permessage-Deflate",
            "permessage-bzip2",
        ] {
            assert_eq!(offer(&[bad]), Offer::None, "{bad}");
            let both = format!("{bad}, permessage-deflate; server_max_window_bits=10");
            assert_eq!(offer(&[&both]), taken(Window::Small, true), "{both}");
            assert_eq!(offer(&[bad, "permessage-deflate"]), taken(Window::Usual, false), "{bad}");
        }
    }

    #[test]
    fn the_first_that_can_be_taken_is() {
        let both = "permessage-deflate; server_max_window_bits=9, permessage-deflate";
        assert_eq!(offer(&[both]), taken(Window::Small, true));
        assert_eq!(offer(&["permessage-deflate", both]), taken(Window::Usual, false));
    }

    #[test]
    fn what_is_not_of_the_form_is_malformed_wherever_it_stands() {
        for bad in [
            "",
            ",",
            "permessage-deflate;",
            "permessage-deflate; =9",
            "permessage-deflate; server_max_window_bits=",
            "permessage-deflate; server_max_window_bits=\"9",
            "permessage-deflate; server_max_window_bits=\"\"",
            "permessage-deflate; server_max_window_bits=\"a b\"",
            "permessage-deflate client_max_window_bits",
            "permessage-deflate; a=b=c",
            "permessage deflate",
            "permessage-déflate",
            "(permessage-deflate)",
        ] {
            assert_eq!(offer(&[bad]), Offer::Malformed, "{bad:?}");
            assert_eq!(offer(&["permessage-deflate", bad]), Offer::Malformed, "{bad:?}");
            assert_eq!(offer(&[bad, "permessage-deflate"]), Offer::Malformed, "{bad:?}");
        }
        assert_eq!(Offer::None.and(b"permessage-deflate\xff"), Offer::Malformed);
    }
}
