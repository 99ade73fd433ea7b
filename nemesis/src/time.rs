//! Durations as people write them: `1.5s`, `200ms`, `50us`, `10ns`, `2m`.

/// Units, the greatest first, in nanoseconds.
const UNITS: [(&str, u64); 5] = [
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// The shortest text without a fraction that reads back as the same duration.
pub(crate) fn format_ns(ns: u64) -> String {
    let (unit, size) = UNITS
        .into_iter()
        .skip(1)
        .find(|(_, size)| ns.is_multiple_of(*size))
        .unwrap_or(("ns", 1));
    format!("{}{unit}", ns / size)
}

/// The same with a sign.
pub(crate) fn format_signed_ns(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "+" };
    format!("{sign}{}", format_ns(ns.unsigned_abs()))
}

/// A duration with a unit; `None` for anything else, for what is finer than a nanosecond and for what does not
/// fit.
pub(crate) fn parse_ns(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(digits);
    let (_, size) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    decimal(number, size)
}

/// The same with an optional sign.
pub(crate) fn parse_signed_ns(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let ns = i64::try_from(parse_ns(rest)?).ok()?;
    Some(sign * ns)
}

/// A rate, `20%` or `300ppm`, in millionths from 0 to a million.
pub(crate) fn parse_ppm(text: &str) -> Option<u32> {
    let ppm = match text.strip_suffix('%') {
        Some(percent) => decimal(percent, 10_000)?,
        None => decimal(text.strip_suffix("ppm")?, 1)?,
    };
    u32::try_from(ppm).ok().filter(|ppm| *ppm <= 1_000_000)
}

/// A decimal number times `size`, if that is whole and fits.
fn decimal(text: &str, size: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || text.ends_with('.') {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(size)?;
    let scale = 10u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = match fraction {
        "" => 0,
        digits => digits.parse::<u64>().ok()?.checked_mul(size)?,
    };
    part.is_multiple_of(scale)
        .then(|| whole.checked_add(part / scale))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(ns: u64, signed in -i64::MAX..=i64::MAX) {
            prop_assert_eq!(parse_ns(&format_ns(ns)), Some(ns));
            prop_assert_eq!(parse_signed_ns(&format_signed_ns(signed)), Some(signed));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+.0-9a-z%]{0,24}") {
            let _ = (parse_ns(&text), parse_signed_ns(&text), parse_ppm(&text));
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(parse_ns("1.5s"), Some(1_500_000_000));
        assert_eq!(parse_ns("2m"), Some(120_000_000_000));
        assert_eq!(parse_ns("0.25us"), Some(250));
        assert_eq!(parse_ns("0s"), Some(0));
        assert_eq!(parse_ppm("2.5%"), Some(25_000));
        assert_eq!(parse_ppm("300ppm"), Some(300));
        for bad in [
            "",
            "s",
            "5",
            "1.s",
            ".5s",
            "1,5s",
            "0.5ns",
            "99999999999m",
            "-1s",
            "1 s",
        ] {
            assert_eq!(parse_ns(bad), None, "{bad}");
        }
        assert_eq!(parse_ppm("101%"), None);
    }
}
