//! Numbers that 64 bits do not hold, or that are written in another way than computers print them.
//!
//! Equal numbers get one text, whatever they were written like, so that values compare by their text:
//! `99999999999999999999N` and the same without `N`, `8/10` and `4/5`, `1.50M` and `1.5M`, `10e399` and `1e400`.
//! Numbers of different kinds stay apart, as EDN and Clojure have it: `1`, `1.0` and `1M` are three.

/// What a word is that looks like a number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Float(f64),
    /// Any other, in the one text that it has.
    Other(String),
}

/// Up to how many digits a decimal is written without an exponent.
const PLAIN: i64 = 40;

/// A decimal: the digits, without zeros at either end, times ten to this power.
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// `-12.50e3`: the whole part is one that [`is_integer`] takes.
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
            None => (text, 0_i64),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if !is_integer(whole) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let negative = whole.starts_with('-');
        let all = [whole.trim_start_matches(['-', '+']), fraction].concat();
        let digits = all.trim_end_matches('0');
        let cut = (all.len() - digits.len()) as i64;
        let exponent = exponent
            .checked_sub(fraction.len() as i64)?
            .checked_add(cut)?;
        let digits = digits.trim_start_matches('0').to_owned();
        Some(Self {
            negative: negative && !digits.is_empty(),
            exponent: if digits.is_empty() { 0 } else { exponent },
            digits,
        })
    }

    /// Its text: plain where that is short, else with an exponent.
    fn text(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let digits = if self.digits.is_empty() {
            "0"
        } else {
            &self.digits
        };
        let (length, exponent) = (digits.len() as i64, self.exponent);
        if (0..=PLAIN).contains(&exponent) {
            let zeros = "0".repeat(exponent as usize);
            return format!("{sign}{digits}{zeros}");
        }
        if (-PLAIN..0).contains(&exponent) {
            let point = length + exponent;
            return if point > 0 {
                let (whole, fraction) = digits.split_at(point as usize);
                format!("{sign}{whole}.{fraction}")
            } else {
                let zeros = "0".repeat(-point as usize);
                format!("{sign}0.{zeros}{digits}")
            };
        }
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        // The digits are those of a file, so their number is far below the largest exponent.
        let power = i128::from(exponent) + i128::from(length) - 1;
        format!("{sign}{first}{point}{rest}E{power}")
    }
}

/// A sign, if any, and digits without a needless zero in front, which other readers would take as octal.
pub(crate) fn is_integer(word: &str) -> bool {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    let needless_zero = digits.len() > 1 && digits.starts_with('0');
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && !needless_zero
}

/// An integer of any size; the word is one that [`is_integer`] takes.
pub(crate) fn integer(word: &str) -> Number {
    let plain = || Number::Other(word.trim_start_matches('+').to_owned());
    word.parse().map_or_else(|_| plain(), Number::Int)
}

/// A number with a point or an exponent. What doubles cannot tell apart, because it is too large or too close to
/// zero, is no double; `-0.0` is `0.0`.
pub(crate) fn float(word: &str) -> Option<Number> {
    let decimal = Decimal::parse(word)?;
    let double: f64 = word.parse().ok()?;
    let held = double.is_finite() && (double != 0.0 || decimal.digits.is_empty());
    Some(if held {
        Number::Float(double)
    } else {
        Number::Other(decimal.text())
    })
}

/// A decimal of any precision, its `M` taken off.
pub(crate) fn exact(word: &str) -> Option<Number> {
    let decimal = Decimal::parse(word)?;
    Some(Number::Other(decimal.text() + "M"))
}

/// A ratio, in lowest terms; an integer where it is one. Terms of more than 38 digits are kept as they are.
pub(crate) fn ratio(above: &str, below: &str) -> Option<Number> {
    let unsigned = below.starts_with(|c: char| c.is_ascii_digit());
    if !is_integer(above) || !is_integer(below) || !unsigned || below == "0" {
        return None;
    }
    let (Ok(n), Ok(d)) = (above.parse::<i128>(), below.parse::<i128>()) else {
        let above = above.trim_start_matches('+');
        return Some(Number::Other(format!("{above}/{below}")));
    };
    let divisor = gcd(n.unsigned_abs(), d.unsigned_abs()) as i128;
    let (n, d) = (n / divisor, d / divisor);
    Some(match d {
        1 => integer(&n.to_string()),
        _ => Number::Other(format!("{n}/{d}")),
    })
}

/// The larger of two is at most 2^127, and the second is not zero.
fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// `0x1f` or `2r101`, as Clojure writes integers of other bases, of at most 64 bits.
pub(crate) fn other_base(word: &str) -> Option<Number> {
    let (negative, rest) = match word.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, word.strip_prefix('+').unwrap_or(word)),
    };
    let rest = rest.strip_suffix('N').unwrap_or(rest);
    let hexadecimal = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"));
    let (base, digits) = match (hexadecimal, rest.split_once(['r', 'R'])) {
        (Some(digits), _) => (16, digits),
        (None, Some((base, digits))) => (base.parse().ok()?, digits),
        (None, None) => return None,
    };
    if !(2..=36).contains(&base) || digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, base).ok()?);
    let number = if negative { -magnitude } else { magnitude };
    Some(integer(&number.to_string()))
}

/// Whether this text is that of a decimal beyond doubles, as [`float`] gives it.
pub(crate) fn is_beyond_doubles(text: &str) -> bool {
    text.contains('E') && float(text) == Some(Number::Other(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::unnecessary_wraps,
        reason = "it is compared with what is wrapped"
    )]
    fn other(text: &str) -> Option<Number> {
        Some(Number::Other(text.to_owned()))
    }

    #[test]
    fn decimals_have_one_text() {
        for (text, one) in [
            ("1.50", "1.5M"),
            ("1", "1M"),
            ("100", "100M"),
            ("1e2", "100M"),
            ("-0.0", "0M"),
            ("0e99", "0M"),
            ("0.05", "0.05M"),
            ("+12.5e-1", "1.25M"),
            ("1e-41", "1E-41M"),
            ("12e50", "1.2E51M"),
        ] {
            assert_eq!(exact(text), other(one), "{text}");
            assert_eq!(exact(one.trim_end_matches('M')), other(one), "{text}");
        }
        assert_eq!(exact("1e99999999999999999999"), None);
        assert_eq!(
            exact("1e-9223372036854775808"),
            other("1E-9223372036854775808M")
        );
        assert_eq!(exact("1.5e-9223372036854775808"), None);
    }

    #[test]
    fn what_doubles_cannot_tell_apart_is_no_double() {
        assert_eq!(float("1e400"), other("1E400"));
        assert_eq!(float("10.0e399"), other("1E400"));
        assert_eq!(float("-1e401"), other("-1E401"));
        assert_eq!(float("1e-400"), other("1E-400"));
        assert_eq!(float("0e-400"), Some(Number::Float(0.0)));
        assert_eq!(float("1e2"), Some(Number::Float(100.0)));
        assert!(
            is_beyond_doubles("1E400") && !is_beyond_doubles("10E399") && !is_beyond_doubles("1E4")
        );
    }

    #[test]
    fn ratios_are_in_lowest_terms() {
        assert_eq!(ratio("8", "10"), other("4/5"));
        assert_eq!(ratio("-4", "2"), Some(Number::Int(-2)));
        assert_eq!(ratio("+0", "7"), Some(Number::Int(0)));
        assert_eq!(ratio("1", "0"), None);
        assert_eq!(
            ratio("-170141183460469231731687303715884105728", "2"),
            other("-85070591730234615865843651857942052864")
        );
    }

    #[test]
    fn other_bases() {
        assert_eq!(other_base("0xFF"), Some(Number::Int(255)));
        assert_eq!(
            other_base("-0x8000000000000000"),
            Some(Number::Int(i64::MIN))
        );
        assert_eq!(
            other_base("0xFFFFFFFFFFFFFFFFN"),
            other("18446744073709551615")
        );
        assert_eq!(other_base("2r101"), Some(Number::Int(5)));
        for word in [
            "0x",
            "0x-1",
            "37r1",
            "0r0",
            "1r0",
            "2r2",
            "0x10000000000000000",
        ] {
            assert_eq!(other_base(word), None, "{word}");
        }
    }
}
