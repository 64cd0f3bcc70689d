//! The macro that defines a family of messages once: structs, enum, numbers, field table, codec.

/// One field of a message, for docs and generated decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldSpec {
    /// The field's name.
    pub name: &'static str,
    /// The name of its type, as [`crate::codec::Field::TYPE`].
    pub type_name: &'static str,
    /// What it means, with its unit.
    pub doc: &'static str,
}

/// One message, for docs and generated decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageSpec {
    /// The number in records.
    pub number: u16,
    /// The name.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Its fields, in the order of their bytes.
    pub fields: &'static [FieldSpec],
}

/// Sees the fields of a message in order, each already encoded: for generic readers.
pub trait Visitor {
    /// One field: its spec and its little-endian bytes.
    fn field(&mut self, spec: &FieldSpec, bytes: &[u8]);
}

macro_rules! messages {
    (
        $(#[$fmeta:meta])* $family:ident, $kind:ident;
        $(
            #[doc = $doc:literal]
            $number:literal $name:ident {
                $( #[doc = $fdoc:literal] $field:ident: $type:ty, )*
            }
        )+
    ) => {
        $(
            #[doc = $doc]
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $name {
                $( #[doc = $fdoc] pub $field: $type, )*
            }

            impl $name {
                /// The number in records.
                pub const NUMBER: u16 = $number;

                const FIELDS: &'static [$crate::message::FieldSpec] = &[
                    $( $crate::message::FieldSpec {
                        name: stringify!($field),
                        type_name: <$type as $crate::codec::Field>::TYPE,
                        doc: $fdoc,
                    }, )*
                ];

                const BYTES_MAX: usize = 0 $( + <$type as $crate::codec::Field>::BYTES_MAX )*;

                #[inline]
                fn put(&self, out: &mut $crate::codec::Writer<'_>) {
                    out.put_within::<{ Self::BYTES_MAX }>(|out| {
                        let _ = &out;
                        $( $crate::codec::Field::put(&self.$field, out); )*
                    });
                }

                #[inline]
                fn put_numbered(&self, out: &mut $crate::codec::Writer<'_>) {
                    out.put_within::<{ 2 + Self::BYTES_MAX }>(|out| {
                        $crate::codec::Field::put(&Self::NUMBER, out);
                        $( $crate::codec::Field::put(&self.$field, out); )*
                    });
                }

                fn decode(reader: &mut $crate::codec::Reader<'_>) -> Option<Self> {
                    let _ = &reader;
                    Some(Self { $( $field: $crate::codec::Field::decode(reader)?, )* })
                }
            }

            impl From<$name> for $family {
                fn from(body: $name) -> Self {
                    Self::$name(body)
                }
            }
        )+

        $(#[$fmeta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $family {
            $( #[doc = $doc] $name($name), )+
        }

        /// The kinds of this family, by number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum $kind {
            $( #[doc = $doc] $name = $number, )+
        }

        impl $kind {
            /// Every kind, by number.
            pub const ALL: &'static [Self] = &[$( Self::$name, )+];

            /// The number in records.
            pub const fn number(self) -> u16 {
                match self { $( Self::$name => $number, )+ }
            }

            /// The kind with this number.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $( $number => Some(Self::$name), )+ _ => None }
            }

            /// The name.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$name => stringify!($name), )+ }
            }
        }

        impl $family {
            /// The table of all messages of the family, by number.
            pub const SCHEMA: &'static [$crate::message::MessageSpec] = &[
                $( $crate::message::MessageSpec {
                    number: $number,
                    name: stringify!($name),
                    doc: $doc,
                    fields: $name::FIELDS,
                }, )+
            ];

            /// Which message this is.
            pub const fn kind(&self) -> $kind {
                match self { $( Self::$name(_) => $kind::$name, )+ }
            }

            /// The most bytes that the fields of one message take.
            pub const BYTES_MAX: usize = {
                let mut most = 0;
                $( if most < $name::BYTES_MAX { most = $name::BYTES_MAX; } )+
                most
            };

            /// Writes the fields in order, little-endian, without the number.
            pub fn put_body(&self, out: &mut $crate::codec::Writer<'_>) {
                match self { $( Self::$name(body) => body.put(out), )+ }
            }

            /// Writes the number, and behind it the same.
            #[inline]
            pub fn put_numbered(&self, out: &mut $crate::codec::Writer<'_>) {
                match self { $( Self::$name(body) => body.put_numbered(out), )+ }
            }

            /// Appends the fields in order.
            pub fn encode_body(&self, out: &mut alloc::vec::Vec<u8>) {
                $crate::codec::append(out, Self::BYTES_MAX, |writer| self.put_body(writer));
            }

            /// Reads the body of message `number`; `None` if unknown, too short, too long or
            /// meaningless.
            pub fn decode_body(number: u16, bytes: &[u8]) -> Option<Self> {
                let mut reader = $crate::codec::Reader::new(bytes);
                let value = match number {
                    $( $number => Self::$name(<$name>::decode(&mut reader)?), )+
                    _ => return None,
                };
                reader.is_empty().then_some(value)
            }

            /// Shows each field, in order, to `visitor`.
            pub fn visit(&self, visitor: &mut impl $crate::message::Visitor) {
                let mut bytes = alloc::vec::Vec::new();
                match self {
                    $( Self::$name(body) => {
                        let mut specs = $name::FIELDS.iter();
                        let _ = (&body, &mut specs, &mut bytes, &visitor);
                        $(
                            bytes.clear();
                            $crate::codec::Field::encode(&body.$field, &mut bytes);
                            if let Some(spec) = specs.next() {
                                visitor.field(spec, &bytes);
                            }
                        )*
                    } )+
                }
            }
        }
    };
}
pub(crate) use messages;
