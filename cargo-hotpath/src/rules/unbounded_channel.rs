//! `unbounded-channel`: a channel without bound that is filled faster than it is emptied.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, FunctionFacts, SiteFacts};
use crate::impact::{Measure, Saved};
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

/// Ways to receive that are not counted: what is gone by them seems to wait.
const UNCOUNTED: &[&str] = &[".try_recv(", ".blocking_recv(", ".poll_recv(", ".recv_many(", ".try_next("];

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
        found: "`.send(..)` on an `UnboundedSender` is counted, and so are awaits of `recv` of the same message type.\n\
                What was sent and not yet received is in the channel: with each message it is looked whether that is\n\
                more than ever before. Its bytes are what the sending functions, with those that they\n\
                call, allocated and did not free.",
        not_when: "A burst that is over soon. Where the sender must not wait, drop messages (`try_send`) or make the\n\
                   receiver faster: several at once, several receivers.",
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
            message(row, "UnboundedSender").is_some()
        });
        let mut types: Vec<&str> = sent.iter().filter_map(Site::type_name).collect();
        types.sort_unstable();
        types.dedup();
        types.iter().filter_map(|name| candidate((facts, thresholds), &sent, name)).collect()
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

fn candidate(
    (facts, thresholds): (&Facts, &Thresholds),
    sent: &[Site<'_>],
    type_name: &str,
) -> Option<Candidate> {
    let of = part(type_name, "UnboundedSender")?;
    let senders: Vec<&Site<'_>> =
        sent.iter().filter(|site| site.type_name() == Some(type_name)).collect();
    let is_receiver = |row: &SiteFacts| message(row, "UnboundedReceiver") == Some(of);
    let receivers = sites(facts, thresholds, &[Kind::Await], is_receiver);
    // Of batches it is not known how many messages they hold.
    let is_uncounted = |site: &Site<'_>| {
        let text = facts.sources.get(&site.of.file).map_or("", String::as_str);
        site.label().contains("recv_many") || UNCOUNTED.iter().any(|call| text.contains(call))
    };
    if receivers.iter().any(is_uncounted) {
        return None;
    }
    // Without any it is not known who receives, and how many at once.
    let received =
        (!receivers.is_empty()).then(|| receivers.iter().map(Site::count).sum::<u64>())?;
    let count: u64 = senders.iter().map(|site| site.count()).sum();
    let left = count.saturating_sub(received);
    let most = senders.iter().filter_map(|site| site.waiting()).max().unwrap_or(0).min(count);
    let waiting = most.max(left);
    if (waiting as f64) < thresholds.of(&MIN_WAITING)
        || 100.0 * (waiting as f64) < thresholds.of(&MIN_WAITING_PCT) * count as f64
    {
        return None;
    }
    let made = sites(facts, thresholds, &[Kind::Call], |row| {
        message(row, "UnboundedSender") == Some(of) && message(row, "UnboundedReceiver") == Some(of)
    });
    let anchor = made.first().unwrap_or(senders[0]);
    let peak = facts.peak_live_bytes.map_or(f64::INFINITY, |peak| peak as f64);
    let each = bytes_each(&senders, count);
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
            "`{}` in `{}`{} sent {}. At the worst moment {} of them waited to be received, about {} in memory; {} did \
             when the run ended.",
            senders[0].label(),
            senders[0].of.path,
            if senders.len() > 1 { " and others" } else { "" },
            units::counted(count, "message"),
            units::count(waiting),
            units::bytes(bytes as u64),
            units::count(left),
        ),
        solution: "Give the channel a bound, and the receiver less to do for each message.".to_owned(),
        steps: vec![
            "`mpsc::channel(N)` in place of the unbounded one; `.send(..).await` waits for room.".to_owned(),
            "Let the receiver take several at once (`recv_many`), or have several of them.".to_owned(),
        ],
        tradeoffs: "Senders wait while the channel is full: that is the point, but they must be able to. Two tasks that send to \
                    each other through full channels wait for ever."
            .to_owned(),
        confidence: Confidence::High,
        effort: META.effort,
        gain: facts.allocations_measured.then(|| Gain {
            claims: vec![anchor.claim_of(saved, Measure::Peak)],
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "{} messages waiting x {} that the sending functions keep for each, no more than was live at once (low \
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

/// Bytes that the functions which send, and what they call, allocate and don't free, for each message.
fn bytes_each(senders: &[&Site<'_>], count: u64) -> f64 {
    let mut functions: Vec<_> = senders.iter().map(|site| (site.function, site.of)).collect();
    functions.dedup_by_key(|(function, _)| *function);
    let kept = |allocs: &crate::profile::Allocs| {
        (allocs.bytes + allocs.grown_bytes).saturating_sub(allocs.freed_bytes) as f64
    };
    let each = |of: &FunctionFacts| kept(&of.self_allocs).max(kept(&of.total_allocs));
    functions.iter().map(|(_, of)| each(of)).sum::<f64>() / count.max(1) as f64
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

    fn facts(sent: u64, received: u64, receive: &str) -> Facts {
        let sender =
            SiteFacts { count: sent, timed: 0, ..hot(Kind::Send, "queue.send(l)", SENDER) };
        let mut recv = awaited("letters.recv().await", received, 1_000);
        recv.index = 1;
        recv.type_name = Some(receive.to_owned());
        let mut facts = run(vec![sender, recv]);
        facts.functions[0].self_allocs =
            Allocs { bytes: 400 * sent, freed_bytes: 100 * sent, ..Allocs::default() };
        facts
    }

    #[test]
    fn what_is_left_is_in_memory() {
        let found = UnboundedChannel.check(&facts(10_000, 2_000, RECEIVE), &Thresholds::default());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].title, "8 000 messages of `Letter` waited in a channel without bound");
        let gain = found[0].gain.as_ref().unwrap();
        assert!((union(&gain.claims).peak.high - 8_000.0 * 300.0).abs() < 1e-6);
    }

    #[test]
    fn what_waited_and_was_received_before_the_end_was_in_memory() {
        let mut facts = facts(10_000, 10_000, RECEIVE);
        facts.functions[0].sites[0].waiting = Some(6_000);
        // The messages are made by what the sender calls.
        facts.functions[0].total_allocs = Allocs { bytes: 2_000 * 10_000, ..Allocs::default() };
        let found = UnboundedChannel.check(&facts, &Thresholds::default());
        assert_eq!(found[0].title, "6 000 messages of `Letter` waited in a channel without bound");
        assert!(found[0].problem.ends_with("0 did when the run ended."), "{found:?}");
        let high = |found: &[Candidate]| union(&found[0].gain.as_ref().unwrap().claims).peak.high;
        assert!((high(&found) - 6_000.0 * 2_000.0).abs() < 1e-6);
        facts.peak_live_bytes = Some(5_000_000);
        let found = UnboundedChannel.check(&facts, &Thresholds::default());
        assert!((high(&found) - 5e6).abs() < 1e-6, "no more than was live");
    }

    #[test]
    fn silent_where_few_waited_or_others_receive_uncounted() {
        let with = |waiting: u64, text: &str| {
            let mut facts = facts(10_000, 10_000, RECEIVE);
            facts.functions[0].sites[0].waiting = Some(waiting);
            facts.sources.insert("src/main.rs".to_owned(), text.to_owned());
            UnboundedChannel.check(&facts, &Thresholds::default()).len()
        };
        assert_eq!(with(6_000, "letters.recv().await"), 1);
        assert_eq!(with(900, "letters.recv().await"), 0);
        assert_eq!(with(6_000, "letters.recv().await; while let Ok(l) = letters.try_recv() {}"), 0);
    }

    #[test]
    fn silent_where_it_is_emptied_or_bounded_or_nobody_is_seen_to_receive() {
        assert!(
            UnboundedChannel
                .check(&facts(10_000, 9_990, RECEIVE), &Thresholds::default())
                .is_empty()
        );
        assert!(
            UnboundedChannel
                .check(&facts(100_000, 95_000, RECEIVE), &Thresholds::default())
                .is_empty()
        );
        assert!(
            UnboundedChannel
                .check(&facts(10_000, 2_000, "app::next::{{closure}}"), &Thresholds::default())
                .is_empty()
        );
        let mut bounded = facts(10_000, 2_000, RECEIVE);
        bounded.functions[0].sites[0].type_name =
            Some("tokio::sync::mpsc::bounded::Sender<app::Letter>".to_owned());
        assert!(UnboundedChannel.check(&bounded, &Thresholds::default()).is_empty());
    }

    #[test]
    fn the_message_type_is_read_with_its_own_arguments() {
        let name = "(a::UnboundedSender<b::C<d::E>>, a::UnboundedReceiver<b::C<d::E>>)";
        assert_eq!(part(name, "UnboundedReceiver"), Some("b::C<d::E>"));
        assert_eq!(part(name, "Sender"), None);
    }
}
