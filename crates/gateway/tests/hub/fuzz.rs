//! Sessions that say anything at all: the kept corpus, bent at random from a seed.
//!
//! What must hold whatever is said: no panic, exactly one reply to each text, every reply one JSON
//! object of the protocol's form with the request's own id or none, and no word of a text that the
//! session did not send.

use crate::world::{World, a_world};
use coulisse_gateway::batch::ConnId;
use coulisse_types::Event;

const CORPUS: &str = include_str!("corpus.txt");
const INPUTS: usize = 60_000;
/// Texts of one session before the next one begins.
const TEXTS: usize = 200;
const PIECES: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "-",
    "0",
    "1e9",
    ".",
    "\\u0000",
    "\u{7f}",
    "\u{fffd}",
    " ",
    "\"id\":1,",
    "\"op\":\"ping\"",
    "9007199254740993",
    "\"account\":\"bob\",",
];

/// `SplitMix64` (Steele, Lea and Flood 2014).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let bound = u64::try_from(bound.max(1)).expect("a usize has 64 bits at most");
        usize::try_from((mixed ^ (mixed >> 31)) % bound).expect("below a usize")
    }

    /// A place between two characters.
    fn cut(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

fn bend(seeded: &mut Seeded, lines: &[&str]) -> String {
    let mut text = lines[seeded.below(lines.len())].to_owned();
    for _ in 0..seeded.below(4) {
        let at = seeded.cut(&text);
        match seeded.below(5) {
            0 => text.truncate(at),
            1 => text.insert_str(at, PIECES[seeded.below(PIECES.len())]),
            2 => {
                let other = lines[seeded.below(lines.len())];
                let from = seeded.cut(other);
                text.insert_str(at, &other[from..]);
            }
            3 => {
                let end = seeded.cut(&text);
                text.replace_range(at.min(end)..at.max(end), "");
            }
            _ => {
                let piece = PIECES[seeded.below(PIECES.len())].repeat(seeded.below(40));
                text.insert_str(at, &piece);
            }
        }
    }
    text
}

/// The replies to requests: what a session got that is no message of a channel.
fn replies(world: &World, id: ConnId) -> Vec<String> {
    let texts = world.wire.socket(id).0;
    texts.into_iter().filter(|text| !text.starts_with("{\"ch\":")).collect()
}

fn is_reply(text: &str) -> bool {
    text.starts_with("{\"id\":")
        && text.ends_with('}')
        && (text.contains(",\"ok\":true") || text.contains(",\"ok\":false,\"error\":{\"code\":\""))
        && !text.bytes().any(|byte| byte < b' ')
}

#[test]
fn whatever_a_session_says_each_text_has_one_reply_of_the_protocols_form() {
    let lines: Vec<&str> = CORPUS.lines().collect();
    let mut seeded = Seeded(0x00C0_0715);
    let (mut done, mut refused) = (0, 0);
    for _ in 0..INPUTS / TEXTS {
        let mut world = a_world();
        let id = world.a_socket();
        for _ in 0..TEXTS {
            let text = bend(&mut seeded, &lines);
            world.text(id, &text);
        }
        world.tick(|_| Vec::<Event>::new());
        world.all_durable();
        let said = replies(&world, id);
        assert_eq!(said.len(), TEXTS, "one reply to each");
        for reply in &said {
            assert!(is_reply(reply), "{reply}");
            done += usize::from(reply.contains(",\"ok\":true"));
            refused += usize::from(reply.contains(",\"ok\":false"));
        }
    }
    assert!(done > INPUTS / 20 && refused > INPUTS / 20, "{done} done, {refused} refused");
}

#[test]
fn a_reply_of_another_form_would_be_found() {
    for bad in [
        "",
        "{}",
        "{\"id\":1}",
        "{\"id\":1,\"ok\":true",
        "{\"id\":1,\"ok\":false,\"error\":{}}",
        "{\"id\":\"\n\",\"ok\":true}",
    ] {
        assert!(!is_reply(bad), "{bad}");
    }
    assert!(is_reply(r#"{"id":1,"ok":true,"result":{}}"#));
}
