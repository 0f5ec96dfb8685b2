//! `unbounded-channel`: a channel without bound that is filled faster than it is emptied.

use std::collections::BTreeMap;

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, SiteFacts};
use crate::impact::{Measure, Saved};
use crate::rules::messages::kept_bytes;
use crate::rules::site::{Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Messages that waited from which it is spoken of.
const MIN_WAITING: Threshold = Threshold::new(
    "min_waiting",
    1_000.0,
    "messages that were sent and not yet received, at the worst moment",
);

/// Share of the messages that waited.
const MIN_WAITING_PCT: Threshold =
    Threshold::new("min_waiting_pct", 10.0, "the same in percent of all that were sent");

/// Methods of a receiver that take messages uncounted: what is gone by them seems to wait.
const UNCOUNTED: &[&str] = &["try_recv", "poll_recv", "try_next"];

/// The same, which the task that awaits messages one by one has no use for: the receiver of another file may
/// be this one by another name.
const ELSEWHERE: &[&str] = &["blocking_recv", "blocking_recv_many", "recv_many"];

/// Types that hold a receiver, or are one.
const RECEIVERS: &[&str] = &["UnboundedReceiver", "UnboundedReceiverStream"];

/// Parts of the messages' bytes that go.
const SHARE: (f64, f64) = (0.5, 0.9);

/// The rule.
pub(super) struct UnboundedChannel;

static META: Meta = Meta {
    id: "unbounded-channel",
    summary: "a channel without bound is filled faster than it is emptied",
    category: Category::Async,
    effort: Effort::Local,
    evidence: "messages sent into and received from channels of a type, and the most that waited at once; bytes that the sending function leaves allocated",
    thresholds: &[MIN_WAITING, MIN_WAITING_PCT],
    docs: "https://docs.rs/tokio/latest/tokio/sync/mpsc/fn.channel.html",
    explain: Explain {
        means: "What is sent faster than it is received stays in memory. A bound makes the sender wait, which is felt where the\n\
                work comes from; without one the program grows until it is killed.",
        found: "`.send(..)` on an `UnboundedSender` is counted where it succeeds, and so are awaits of `recv` of the\n\
                same message type. What was sent and not yet received is in the channel: with each message it is\n\
                looked whether that is more than ever before. Its bytes are what was allocated about once for each\n\
                message on the sender's side and not freed there. Where messages may be received in ways that are\n\
                not counted, nothing is said.",
        not_when: "A burst that is over soon. Messages that went with their receiver, as where a connection is closed\n\
                   before all is read, count as waiting: look whether they are. Where the sender must not wait, drop\n\
                   messages (`try_send`) or make the receiver faster: several at once, several receivers.",
        before: "let (sender, receiver) = mpsc::unbounded_channel();",
        after: "let (sender, receiver) = mpsc::channel(256);",
    },
};

impl Rule for UnboundedChannel {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let sent = sites(facts, thresholds, &[Kind::Send], |row| {
            row.waiting.is_some() && message(row, "UnboundedSender").is_some()
        });
        let of = |site: &Site<'_>| part(site.type_name()?, "UnboundedSender").map(str::to_owned);
        let mut types: Vec<String> = sent.iter().filter_map(of).collect();
        types.sort_unstable();
        types.dedup();
        let candidates = types.iter().filter_map(|name| {
            let senders = sent.iter().filter(|site| of(site).as_deref() == Some(name));
            candidate((facts, thresholds), &senders.collect::<Vec<_>>(), name)
        });
        candidates.collect()
    }
}

/// The message type of a channel's half with this name, anywhere in the row's type.
fn message<'a>(row: &'a SiteFacts, half: &str) -> Option<&'a str> {
    part(row.type_name.as_deref()?, half)
}

/// The arguments of the first type with this name.
fn part<'a>(type_name: &'a str, half: &str) -> Option<&'a str> {
    let start = type_name.find(&format!("::{half}<"))? + half.len() + 3;
    let mut depth = 1;
    let end = type_name[start..].find(|character| {
        depth += match character {
            '<' => 1,
            '>' => -1,
            _ => 0,
        };
        depth == 0
    })?;
    Some(&type_name[start..start + end])
}

/// Whether messages are received in ways that are counted, and in no other.
fn are_all_counted(facts: &Facts, thresholds: &Thresholds, of: &str) -> bool {
    let is_mentioned =
        |row: &SiteFacts| RECEIVERS.iter().any(|half| message(row, half) == Some(of));
    let receivers = sites(facts, thresholds, &[Kind::Await], is_mentioned);
    let is_counted = |row: &SiteFacts| row.waiting.is_some();
    let counted =
        sites(facts, thresholds, &[Kind::Await], |row| is_mentioned(row) && is_counted(row));
    // Others (a loop over a stream, a wait that may end before) take an unknown number; and without any it
    // is not known who receives.
    !counted.is_empty()
        && sites(facts, thresholds, &[Kind::Await], |row| is_mentioned(row) && !is_counted(row))
            .is_empty()
        && !receivers.iter().any(|site| takes_uncounted(facts, site))
        && !facts
            .sources
            .values()
            .any(|text| ELSEWHERE.iter().any(|method| calls(text, None, method)))
}

/// Whether what a site awaits is also emptied in another way in its file.
fn takes_uncounted(facts: &Facts, site: &Site<'_>) -> bool {
    let text = facts.sources.get(&site.of.file).map_or("", String::as_str);
    UNCOUNTED.iter().any(|method| calls(text, variable(site.label()), method))
}

/// The variable that the method of a label is called on: `letters` of `self.letters.recv().await`.
fn variable(label: &str) -> Option<&str> {
    let receiver = [".recv(", ".next(", ".select_next_some("]
        .iter()
        .find_map(|call| label.split_once(call))?
        .0;
    Some(last_name(receiver)).filter(|name| !name.is_empty())
}

/// Whether a text calls this method outside of comments, on that variable where one is given, and on none
/// that is declared to be another kind of receiver.
fn calls(text: &str, variable: Option<&str>, method: &str) -> bool {
    let code: Vec<&str> = text
        .lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .flat_map(str::split_whitespace)
        .collect();
    // Chains may be broken up.
    let code = code.join(" ").replace(" .", ".");
    code.match_indices(&format!(".{method}(")).any(|(at, _)| {
        let before = &code[..at];
        let name = last_name(before);
        let may_be = name.is_empty() || variable.is_none_or(|variable| variable == name);
        may_be && !is_other_receiver(before, name)
    })
}

/// The name that a text ends in.
fn last_name(text: &str) -> &str {
    let start = text.char_indices().rev().find(|(_, it)| !(it.is_alphanumeric() || *it == '_'));
    &text[start.map_or(0, |(at, it)| at + it.len_utf8())..]
}

/// Whether the function that a text breaks off in declares the name as a receiver of a channel with a bound.
fn is_other_receiver(before: &str, name: &str) -> bool {
    let function = &before[before.rfind("fn ").unwrap_or(0)..];
    let typed = format!("{name}:");
    let is_whole =
        |(at, _): &(usize, &str)| !name.is_empty() && last_name(&function[..*at]).is_empty();
    let Some((at, _)) = function.match_indices(&typed).filter(is_whole).last() else {
        return false;
    };
    let of =
        function[at + name.len()..].split([',', ')', '=', ';', '{']).next().unwrap_or_default();
    of.contains("Receiver<") && !of.contains("Unbounded")
}

fn candidate(
    (facts, thresholds): (&Facts, &Thresholds),
    senders: &[&Site<'_>],
    of: &str,
) -> Option<Candidate> {
    if !are_all_counted(facts, thresholds, of) {
        return None;
    }
    let count: u64 = senders.iter().map(|site| site.count()).sum();
    let most = |site: &&Site<'_>| site.waiting();
    let waiting = senders.iter().filter_map(most).max()?.min(count);
    let left = senders.iter().filter_map(|site| site.unreceived()).max().unwrap_or(0).min(waiting);
    if (waiting as f64) < thresholds.of(&MIN_WAITING)
        || 100.0 * (waiting as f64) < thresholds.of(&MIN_WAITING_PCT) * count as f64
    {
        return None;
    }
    let made = sites(facts, thresholds, &[Kind::Call], |row| {
        message(row, "UnboundedSender") == Some(of) && message(row, "UnboundedReceiver") == Some(of)
    });
    let anchor = made.first().unwrap_or(senders[0]);
    let mut functions: BTreeMap<usize, u64> = BTreeMap::new();
    for site in senders {
        *functions.entry(site.function).or_default() += site.count();
    }
    let peak = facts.peak_live_bytes.map_or(f64::INFINITY, |peak| peak as f64);
    let each = kept_bytes(facts, &functions) / count.max(1) as f64;
    let bytes = (waiting as f64 * each).min(peak);
    let saved = Saved::new(SHARE.0 * bytes, SHARE.1 * bytes, bytes);
    Some(Candidate {
        anchor: Some(anchor.anchor()),
        title: format!(
            "{} of `{}` waited in a channel without bound",
            units::counted(waiting, "message"),
            types::short(of)
        ),
        problem: format!(
            "`{}` in `{}`{} sent {}. At the worst moment {} of them were not yet received, about {} in memory; {} never \
             were{}.",
            senders[0].label(),
            senders[0].of.path,
            if senders.len() > 1 { " and others" } else { "" },
            units::counted(count, "message"),
            units::count(waiting),
            units::bytes(bytes as u64),
            units::count(left),
            if left > 0 { ": they waited to the end, or went with their receiver" } else { "" },
        ),
        solution: "Give the channel a bound, and the receiver less to do for each message.".to_owned(),
        steps: vec![
            "`mpsc::channel(N)` in place of the unbounded one; `.send(..).await` waits for room.".to_owned(),
            "Let the receiver take several at once (`recv_many`), or have several of them.".to_owned(),
        ],
        tradeoffs: "Senders wait while the channel is full: that is the point, but they must be able to. Two tasks that send to \
                    each other through full channels wait for ever."
            .to_owned(),
        // What went with its receiver did not wait.
        confidence: if 2 * left > waiting { Confidence::Medium } else { Confidence::High },
        effort: META.effort,
        gain: facts.allocations_measured.then(|| Gain {
            claims: vec![anchor.claim_of(saved, Measure::Peak)],
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "{} messages waiting x {} that are kept for each on the sender's side, no more than was live at once (low \
                 {:.0} %, likely {:.0} %)",
                units::count(waiting),
                units::bytes(each as u64),
                100.0 * SHARE.0,
                100.0 * SHARE.1
            ),
        }),
        fix: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::impact::union;
    use crate::profile::Allocs;
    use crate::rules::testing::{awaited, hot, run};

    const SENDER: &str = "tokio::sync::mpsc::unbounded::UnboundedSender<app::Letter>";
    const RECEIVE: &str =
        "tokio::sync::mpsc::unbounded::UnboundedReceiver<app::Letter>::recv::{{closure}}";

    fn facts(sent: u64, waiting: u64, left: u64, receive: &str) -> Facts {
        let (waiting, unreceived) = (Some(waiting), Some(left));
        let sender = SiteFacts {
            count: sent,
            timed: 0,
            allocs: Allocs::default(),
            waiting,
            unreceived,
            ..hot(Kind::Send, "queue.send(l)", SENDER)
        };
        let recv = SiteFacts {
            index: 1,
            type_name: Some(receive.to_owned()),
            waiting: waiting.filter(|_| receive == RECEIVE),
            unreceived,
            ..awaited("letters.recv().await", sent - left, 1_000)
        };
        let mut facts = run(vec![sender, recv]);
        facts.functions[0].calls = sent;
        facts.functions[0].self_allocs =
            Allocs { count: sent, bytes: 400 * sent, freed_bytes: 100 * sent, ..Allocs::default() };
        facts
    }

    fn check(facts: &Facts) -> Vec<Candidate> {
        UnboundedChannel.check(facts, &Thresholds::default())
    }

    /// Another await, of this type.
    fn with_await(mut facts: Facts, label: &str, type_name: &str) -> Facts {
        let other = SiteFacts {
            index: 2,
            type_name: Some(type_name.to_owned()),
            ..awaited(label, 1, 1_000)
        };
        facts.functions[0].sites.push(other);
        facts
    }

    #[test]
    fn what_is_left_is_in_memory() {
        let found = check(&facts(10_000, 8_000, 8_000, RECEIVE));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].title, "8 000 messages of `Letter` waited in a channel without bound");
        let gain = found[0].gain.as_ref().unwrap();
        assert!((union(&gain.claims).peak.high - 8_000.0 * 300.0).abs() < 1e-6);
        let left = "8 000 never were: they waited to the end, or went with their receiver.";
        assert!(found[0].problem.ends_with(left), "{found:?}");
        assert_eq!(found[0].confidence, Confidence::Medium);
    }

    #[test]
    fn what_waited_and_was_received_before_the_end_was_in_memory() {
        let mut facts = facts(10_000, 6_000, 0, RECEIVE);
        // The messages are made by what the sender calls.
        facts.functions[0].total_allocs = Allocs { bytes: 2_000 * 10_000, ..Allocs::default() };
        let found = check(&facts);
        assert_eq!(found[0].title, "6 000 messages of `Letter` waited in a channel without bound");
        assert!(found[0].problem.ends_with("0 never were."), "{found:?}");
        assert_eq!(found[0].confidence, Confidence::High);
        let high = |found: &[Candidate]| union(&found[0].gain.as_ref().unwrap().claims).peak.high;
        assert!((high(&found) - 6_000.0 * 2_000.0).abs() < 1e-6);
        facts.peak_live_bytes = Some(5_000_000);
        assert!((high(&check(&facts)) - 5e6).abs() < 1e-6, "no more than was live");
    }

    #[test]
    fn senders_by_reference_and_by_value_are_one() {
        let mut facts = facts(10_000, 6_000, 0, RECEIVE);
        let mut other = facts.functions[0].sites[0].clone();
        (other.index, other.type_name) = (2, Some(format!("&{SENDER}")));
        facts.functions[0].sites.push(other);
        let found = check(&facts);
        assert_eq!(found.len(), 1);
        assert!(found[0].problem.contains(" and others sent 20 000 messages."), "{found:?}");
    }

    #[test]
    fn silent_where_others_receive_uncounted() {
        let with = |file: &str, text: &str| {
            let mut facts = facts(10_000, 6_000, 0, RECEIVE);
            facts.sources.insert(file.to_owned(), text.to_owned());
            check(&facts).len()
        };
        for (file, text) in [
            ("src/main.rs", "letters.recv().await; while let Ok(l) = letters.try_recv() {}"),
            ("src/main.rs", "letters\n    .try_recv();"),
            ("src/main.rs", "self.queues[0].try_recv();"),
            ("src/other.rs", "while let Some(l) = rx.blocking_recv() {}"),
            ("src/other.rs", "rx.recv_many(&mut all, 64).await"),
            ("src/other.rs", "fn f(rx: &mut UnboundedReceiver<L>) { rx.blocking_recv() }"),
            ("src/other.rs", "fn g(rx: Receiver<L>) {} fn f() { rx.blocking_recv() }"),
        ] {
            assert_eq!(with(file, text), 0, "{text}");
        }
        for (file, text) in [
            ("src/main.rs", "letters.recv().await"),
            ("src/main.rs", "signals.try_recv(); letters.recv().await"),
            ("src/main.rs", "// not letters.try_recv()\nletters.recv().await"),
            ("src/other.rs", "letters.try_recv();"),
            ("src/other.rs", "// rx.blocking_recv() would wait"),
            // The same with a bound.
            (
                "src/main.rs",
                "async fn all(mut letters: mpsc::Receiver<L>) {\n letters\n.recv_many(&mut b, 9).await }",
            ),
            ("src/main.rs", "fn f(letters: &mut Receiver<L>) { letters.try_recv() }"),
        ] {
            assert_eq!(with(file, text), 1, "{text}");
        }
    }

    #[test]
    fn silent_where_an_await_takes_an_unknown_number() {
        let receiver = "tokio::sync::mpsc::unbounded::UnboundedReceiver<app::Letter>";
        for of in [
            format!("tokio::time::timeout::Timeout<{RECEIVE}>"),
            format!("{receiver}::recv_many::{{{{closure}}}}"),
            format!("futures_util::stream::stream::for_each::ForEach<{receiver}, F, G>"),
            format!("futures_util::stream::stream::forward::Forward<{receiver}, S>"),
            format!("futures_util::stream::stream::collect::Collect<{receiver}, alloc::vec::Vec<app::Letter>>"),
            format!("n::Next<'_, futures_util::stream::stream::ready_chunks::ReadyChunks<{receiver}>>"),
            "n::Next<'_, tokio_stream::wrappers::mpsc_unbounded::UnboundedReceiverStream<app::Letter>>".to_owned(),
        ] {
            let facts = with_await(facts(10_000, 6_000, 0, RECEIVE), "letters.await", &of);
            assert!(check(&facts).is_empty(), "{of}");
        }
        let other = receiver.replace("Letter", "Call");
        let facts = with_await(facts(10_000, 6_000, 0, RECEIVE), "calls.await", &other);
        assert_eq!(check(&facts).len(), 1, "other messages");
    }

    #[test]
    fn silent_where_it_is_emptied_or_bounded_or_nobody_is_seen_to_receive() {
        assert!(check(&facts(10_000, 900, 10, RECEIVE)).is_empty());
        assert!(check(&facts(100_000, 5_000, 5_000, RECEIVE)).is_empty());
        assert!(check(&facts(10_000, 8_000, 8_000, "app::next::{{closure}}")).is_empty());
        let mut bounded = facts(10_000, 8_000, 8_000, RECEIVE);
        bounded.functions[0].sites[0].type_name =
            Some("tokio::sync::mpsc::bounded::Sender<app::Letter>".to_owned());
        assert!(check(&bounded).is_empty());
    }

    #[test]
    fn silent_where_nothing_was_counted() {
        let mut facts = facts(10_000, 8_000, 8_000, RECEIVE);
        facts.functions[0].sites[0].waiting = None;
        assert!(check(&facts).is_empty());
    }

    #[test]
    fn the_variable_of_a_receipt_is_read_from_its_label() {
        for (label, name) in [
            ("letters.recv().await", Some("letters")),
            ("self.inner.letters.next().await", Some("letters")),
            ("queues[0].recv().await", None),
            ("recv(rx).await", None),
        ] {
            assert_eq!(variable(label), name, "{label}");
        }
    }

    #[test]
    fn the_message_type_is_read_with_its_own_arguments() {
        let name = "(a::UnboundedSender<b::C<d::E>>, a::UnboundedReceiver<b::C<d::E>>)";
        assert_eq!(part(name, "UnboundedReceiver"), Some("b::C<d::E>"));
        assert_eq!(part(name, "Sender"), None);
    }
}
