//! Enums whose values have names, declared by one table each.

/// Declares an enum whose values have names for people: the enum, `ALL` of its values in their order, and `name`. No
/// value can be forgotten in one of them.
///
/// ```
/// rupture_targets::words! {
///     /// Which way.
///     pub enum Way {
///         /// On.
///         On = "on",
///         /// Back.
///         Back = "back",
///     }
/// }
/// assert_eq!(Way::ALL.map(Way::name), ["on", "back"]);
/// ```
#[macro_export]
macro_rules! words {
    (
        $(#[$about:meta])*
        $visible:vis enum $name:ident {
            $( $(#[$about_value:meta])* $value:ident = $word:literal, )+
        }
    ) => {
        $(#[$about])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize,
        )]
        $visible enum $name {
            $( $(#[$about_value])* #[serde(rename = $word)] $value, )+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$value),+];

            /// Its name, as it is written.
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$value => $word, )+
                }
            }
        }
    };
}
