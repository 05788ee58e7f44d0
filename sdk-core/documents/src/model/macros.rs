//! `entity!` and `choice!`: one declaration gives the Rust view, the descriptor and, through it, every other language.

/// Declares entities. Each member line reads `snake "wireName": FieldType [required];`.
macro_rules! entity {
    ($($(#[doc = $doc:literal])+ $name:ident $([$($rule:path),+])? {
        $($(#[doc = $mdoc:literal])+ $member:ident $wire:literal : $field:ty $(=> $required:ident)?;)*
    })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $name {
                document: $crate::json::Document,
                at: String,
            }

            impl $name {
                /// A new one without members.
                pub fn new() -> Self {
                    Self { document: $crate::json::Document::object(), at: String::new() }
                }

                /// Parses and validates. Errors: `malformed_json`, or `schema_invalid` with the violations.
                pub fn parse(bytes: impl AsRef<[u8]>) -> $crate::error::Result<Self> {
                    let document = $crate::json::Document::parse(bytes)?;
                    $crate::model::validate(<Self as $crate::model::Model>::entity(), &document)?;
                    Ok(<Self as $crate::model::Model>::view(document))
                }

                ::pastey::paste! { $(
                    $(#[doc = $mdoc])+
                    pub fn $member(&self) -> Option<<$field as $crate::model::Field>::Value> {
                        <$field as $crate::model::Field>::read(&self.document, &format!("{}/{}", self.at, $wire))
                    }

                    #[doc = concat!("Sets `", $wire, "`; every other byte stays.")]
                    pub fn [<set_ $member>](&mut self, value: impl Into<<$field as $crate::model::Field>::Value>) -> &mut Self {
                        let raw = <$field as $crate::model::Field>::write(&value.into());
                        // A lexeme written by `Field::write` is JSON and the view stands on an object: the patch holds. An
                        // amount that its currency cannot say stays as it was given.
                        if let Ok(document) = self.document.patch(&format!("{}/{}", self.at, $wire), &raw) {
                            let entity = <Self as $crate::model::Model>::entity();
                            self.document = $crate::model::emitted(entity, document.clone(), &self.at, Some($wire))
                                .unwrap_or(document);
                        }
                        self
                    }
                )* }
            }

            impl Default for $name {
                fn default() -> Self {
                    Self::new()
                }
            }

            impl $crate::model::Model for $name {
                fn entity() -> &'static $crate::model::Entity {
                    static ENTITY: std::sync::OnceLock<$crate::model::Entity> = std::sync::OnceLock::new();
                    ENTITY.get_or_init(|| $crate::model::Entity {
                        name: stringify!($name),
                        doc: concat!($($doc),+),
                        members: vec![$($crate::model::Member {
                            name: $wire,
                            snake: stringify!($member),
                            kind: <$field as $crate::model::Field>::kind(),
                            required: $crate::model::macros::entity!(@required $($required)?),
                            doc: concat!($($mdoc),+),
                        }),*],
                        rules: vec![$($($rule),+)?],
                    })
                }

                fn view(document: $crate::json::Document) -> Self {
                    Self { document, at: String::new() }
                }

                fn document(&self) -> $crate::json::Document {
                    if self.at.is_empty() {
                        self.document.clone()
                    } else {
                        self.document.extract(&self.at).unwrap_or_else($crate::json::Document::object)
                    }
                }
            }

            impl $crate::model::Field for $name {
                type Value = Self;

                fn kind() -> $crate::model::Kind {
                    $crate::model::Kind::Object(<Self as $crate::model::Model>::entity)
                }

                fn read(document: &$crate::json::Document, pointer: &str) -> Option<Self> {
                    document.at(pointer)?.is_object().then(|| Self { document: document.clone(), at: pointer.to_owned() })
                }

                fn write(value: &Self) -> String {
                    <Self as $crate::model::Model>::document(value).as_str().to_owned()
                }
            }
        )+

        /// The descriptors of this module.
        pub fn entities() -> Vec<&'static $crate::model::Entity> {
            vec![$(<$name as $crate::model::Model>::entity()),+]
        }
    };
    (@required required) => { true };
    (@required) => { false };
}

/// Declares an enumeration: `open` keeps unknown values (contract 3a), `closed` refuses them (a decision).
macro_rules! choice {
    ($($(#[doc = $doc:literal])+ $name:ident $openness:ident { $($variant:ident $text:literal),+ $(,)? })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Debug, PartialEq, Eq, Hash)]
            #[non_exhaustive]
            pub enum $name {
                $(#[doc = concat!("`", $text, "`")] $variant,)+
                /// A value that this version does not know, kept as it came. Decisions treat it as a no.
                Unknown(String),
            }

            impl $name {
                /// The value on the wire.
                pub fn as_str(&self) -> &str {
                    match self {
                        $(Self::$variant => $text,)+
                        Self::Unknown(text) => text,
                    }
                }
            }

            impl From<&str> for $name {
                fn from(text: &str) -> Self {
                    match text {
                        $($text => Self::$variant,)+
                        other => Self::Unknown(other.to_owned()),
                    }
                }
            }

            impl std::fmt::Display for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str(self.as_str())
                }
            }

            impl $crate::model::Field for $name {
                type Value = Self;

                fn kind() -> $crate::model::Kind {
                    $crate::model::Kind::Choice {
                        name: stringify!($name),
                        doc: concat!($($doc),+),
                        values: &[$($text),+],
                        open: $crate::model::macros::choice!(@ $openness),
                    }
                }

                fn read(document: &$crate::json::Document, pointer: &str) -> Option<Self> {
                    Some(Self::from(&*document.at(pointer)?.text()?))
                }

                fn write(value: &Self) -> String {
                    $crate::json::quote(value.as_str())
                }
            }
        )+
    };
    (@ open) => { true };
    (@ closed) => { false };
}

pub(crate) use choice;
pub(crate) use entity;
