//! What is written reads back equal: exactly in EDN, and after the documented mapping in JSON.

mod common;

use proptest::prelude::*;
use rupture_history::codec::{self, Format, edn, jsonl};
use rupture_history::{Event, EventRef, History, Name, Process, Value};

fn owned(history: &History) -> Vec<Event> {
    history.iter().map(EventRef::to_event).collect()
}

fn read(format: Format, text: &str) -> Vec<Event> {
    assert!(
        text.is_empty() || codec::detect(text.as_bytes()) == Some(format),
        "{text}"
    );
    match codec::read(text.as_bytes()) {
        Ok(history) => owned(&history),
        Err(error) => panic!("{error}\n{text}"),
    }
}

fn edn_text(events: &[Event]) -> String {
    let mut text = String::new();
    for event in events {
        edn::write_event(&mut text, event);
    }
    text
}

fn json_text(events: &[Event]) -> String {
    let mut text = String::new();
    for event in events {
        jsonl::write_event(&mut text, event);
    }
    text
}

/// What JSON makes of a value, as the table in the documentation of `jsonl` says.
fn mapped(value: &Value) -> Value {
    match value {
        Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Str(_) => value.clone(),
        Value::Float(x) if x.0.is_finite() => value.clone(),
        Value::Float(_) => Value::str(&value.to_string()),
        Value::Other(text) if is_wide(text) => value.clone(),
        Value::Keyword(text) | Value::Symbol(text) | Value::Other(text) => Value::Str(text.clone()),
        Value::Vector(items) | Value::Set(items) => {
            Value::Vector(items.iter().map(mapped).collect())
        }
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, value)| (mapped_key(key), mapped(value)))
                .collect(),
        ),
        Value::Tagged(tag, value) => {
            Value::Map(vec![(Value::str(&format!("#{tag}")), mapped(value))])
        }
    }
}

fn is_wide(text: &str) -> bool {
    text.parse::<i64>().is_err()
        && serde_json::from_str::<serde_json::Number>(text).is_ok()
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

fn mapped_key(key: &Value) -> Value {
    let text = match key {
        Value::Str(text) | Value::Keyword(text) | Value::Symbol(text) | Value::Other(text) => {
            text.to_string()
        }
        _ => key.to_string(),
    };
    match text.parse::<i64>() {
        Ok(n) if n.to_string() == text => Value::Int(n),
        _ => Value::str(&text),
    }
}

fn mapped_event(event: &Event) -> Event {
    let extra = |(name, value): &(Name, Value)| (name.clone(), mapped(value));
    Event {
        value: mapped(&event.value),
        process: match &event.process {
            Process::Named(name) if event.process != Process::nemesis() => {
                Process::Named(mapped(name))
            }
            process => process.clone(),
        },
        extra: event.extra.iter().map(extra).collect(),
        ..event.clone()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_history_gives_back_what_was_pushed(events in common::events()) {
        let history: History = events.iter().collect();
        prop_assert_eq!(owned(&history), events);
    }

    #[test]
    fn edn_reads_back_equal(events in common::events()) {
        let text = edn_text(&events);
        prop_assert_eq!(text.lines().count(), events.len());
        prop_assert_eq!(read(Format::Edn, &text), events);
    }

    #[test]
    fn json_reads_back_as_documented(events in common::events()) {
        let text = json_text(&events);
        let expected: Vec<Event> = events.iter().map(mapped_event).collect();
        prop_assert_eq!(read(Format::Json, &text), expected);
    }

    #[test]
    fn json_is_json(value in common::values()) {
        let mut text = String::new();
        jsonl::write_value(&mut text, &value);
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&text);
        prop_assert!(parsed.is_ok(), "{}: {:?}", text, parsed);
    }

    #[test]
    fn owned_and_stored_events_are_written_alike(events in common::events()) {
        let history: History = events.iter().collect();
        let (mut edn, mut json) = (String::new(), String::new());
        edn::write_history(&mut edn, &history);
        jsonl::write_history(&mut json, &history);
        prop_assert_eq!(edn, edn_text(&events));
        prop_assert_eq!(json, json_text(&events));
    }

    #[test]
    fn a_stored_value_is_printed_as_the_owned_one(value in common::values()) {
        let history: History = [&Event::new(0, rupture_history::Kind::Ok, "f", value.clone())]
            .into_iter()
            .collect();
        prop_assert_eq!(history.get(0).value().to_string(), value.to_string());
        prop_assert_eq!(history.get(0).value(), history.get(0).value());
    }

    #[test]
    fn values_are_equal_when_their_owned_copies_are(
        pair in (common::values(), common::values(), any::<bool>())
    ) {
        let (first, other, same) = pair;
        let second = if same { first.clone() } else { other };
        let event = |value: &Value| Event::new(0, rupture_history::Kind::Ok, "f", value.clone());
        let both: History = [&event(&first), &event(&second)].into_iter().collect();
        let one: History = [&event(&second)].into_iter().collect();
        let equal = first == second;
        prop_assert_eq!(both.get(0).value() == both.get(1).value(), equal);
        prop_assert_eq!(both.get(0).value() == one.get(0).value(), equal);
    }
}

#[test]
fn a_process_named_like_a_number_is_another_than_the_number() {
    let mut event = Event::new(0, rupture_history::Kind::Info, "start", Value::Nil);
    event.index = Some(0);
    event.process = Process::Named(Value::str("5"));
    let (mut json, mut text) = (String::new(), String::new());
    jsonl::write_event(&mut json, &event);
    edn::write_event(&mut text, &event);
    assert_eq!(read(Format::Json, &json), [event.clone()]);
    assert_eq!(read(Format::Edn, &text), [event]);
}
