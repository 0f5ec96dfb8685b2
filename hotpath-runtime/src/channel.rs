//! Channels without bound: how many messages wait in them at most.
//!
//! Nobody asks a channel, whose type is not known here: what is sent is counted, less what is received, for
//! each type of message. Sender and receiver are on different threads, as a rule: these are the only
//! counters that several threads change. Where a message is sent or received, the channel itself does more
//! of that kind.
//!
//! What is not sure to be a message is none: of the halves of other channels, of adapters around a half, and
//! of waits that ended otherwise nothing is counted.

use core::sync::atomic::Ordering::Relaxed;

use crate::segment::layout::{Channel, Header, checksum};
use crate::{map, slab};

impl Channel {
    /// Counts a message that is about to be sent.
    #[inline(never)]
    pub(crate) extern "C" fn send(&self) {
        let waiting = self.sent.add_shared(1).wrapping_sub(self.received.get());
        // Below 0 where others sent and received since.
        if waiting.cast_signed() > self.most.get().cast_signed() {
            self.most.0.fetch_max(waiting, Relaxed);
        }
    }

    /// Takes one back that was not sent after all.
    #[cold]
    #[inline(never)]
    pub(crate) extern "C" fn unsend(&self) {
        self.sent.add_shared(1_u64.wrapping_neg());
    }

    /// Counts a receipt. That a channel is closed is told in the same way: no more are received than
    /// were sent.
    #[inline(never)]
    pub(crate) extern "C" fn receive(&self) {
        let _ = self.received.0.fetch_update(Relaxed, Relaxed, |received| {
            (received < self.sent.get()).then(|| received + 1)
        });
    }

    fn next(&self) -> Option<&'static Self> {
        self.newer.get()
    }
}

/// The counters for the messages of a sender or of a receipt that is waited for; `None` for any other type.
pub(crate) fn of(type_name: &str, is_await: bool) -> Option<&'static Channel> {
    let message = if is_await { received(type_name) } else { sent(type_name) }?;
    let key = checksum(message.bytes().map(u64::from));
    slab::exclusive(|| {
        let header = map::header()?;
        let mut all = core::iter::successors(header.channels.first.get(), |it| it.next());
        all.find(|it| it.message.get() == key).or_else(|| {
            let made = map::take(size_of::<Channel>())?.split::<Channel>(1)?.first()?;
            made.message.set(key);
            header.channels.append(made, |it| &it.newer);
            Some(made)
        })
    })
}

/// What a sender is for, whose type this is.
fn sent(type_name: &str) -> Option<&str> {
    half(type_name, "UnboundedSender")
}

/// What a receiver is for, of a type whose wait ends with one message.
fn received(type_name: &str) -> Option<&str> {
    let future = pointee(type_name);
    if let Some(receiver) = future.strip_suffix("::recv::{{closure}}") {
        return half(receiver, "UnboundedReceiver");
    }
    let (path, receiver) = generic(future)?;
    let name = path.rsplit("::").next()?;
    matches!(name, "Next" | "Recv" | "SelectNextSome").then_some(())?;
    let receiver = match receiver.split_once(", ") {
        Some((lifetime, rest)) if lifetime.starts_with('\'') => rest,
        _ => receiver,
    };
    half(receiver, "UnboundedReceiver")
}

/// The message of a type that is this half of a channel of tokio's or futures'.
fn half<'n>(type_name: &'n str, name: &str) -> Option<&'n str> {
    let (path, message) = generic(pointee(type_name))?;
    let module = path.strip_suffix(name)?.strip_suffix("::")?;
    (module.ends_with("::mpsc") || module.ends_with("::mpsc::unbounded")).then_some(message)
}

/// What a reference or pointer leads to.
fn pointee(type_name: &str) -> &str {
    const POINTERS: &[&str] = &[
        "alloc::boxed::Box",
        "alloc::rc::Rc",
        "alloc::sync::Arc",
        "core::pin::Pin",
        "core::pin::unsafe_pin::Pin",
    ];
    let mut rest = type_name;
    loop {
        rest = match (rest.strip_prefix('&'), generic(rest)) {
            (Some(inner), _) => inner.strip_prefix("mut ").unwrap_or(inner),
            (None, Some((path, inner))) if POINTERS.contains(&path) => inner,
            _ => return rest,
        }
    }
}

/// Path and arguments of a type with nothing behind them.
fn generic(type_name: &str) -> Option<(&str, &str)> {
    let (path, rest) = type_name.split_once('<')?;
    let (mut depth, mut before) = (1, b' ');
    let end = rest.bytes().position(|byte| {
        match byte {
            b'<' => depth += 1,
            // Not that of `fn() -> u8`.
            b'>' if before != b'-' => depth -= 1,
            _ => {}
        }
        before = byte;
        depth == 0
    })?;
    (end + 1 == rest.len()).then(|| (path, &rest[..end]))
}

/// Has a forked child count from nothing.
pub(crate) fn forget(header: &Header) {
    for channel in core::iter::successors(header.channels.first.get(), |it| it.next()) {
        for count in [&channel.sent, &channel.received, &channel.most] {
            count.set(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::{received, sent};
    use crate::expression::{exit, send_on, sent as sent_with};
    use crate::future::awaited;
    use crate::site::Function;
    use crate::testing::{function, own};

    /// The halves of a channel, by name.
    mod mpsc {
        use std::future::{pending, ready};

        pub(super) struct UnboundedSender<T>(pub(super) T);
        pub(super) struct UnboundedReceiver<T>(pub(super) T, pub(super) bool);

        impl<T> UnboundedReceiver<T> {
            pub(super) async fn recv(&mut self) -> &T {
                if self.1 {
                    ready(()).await;
                } else {
                    pending::<()>().await;
                }
                &self.0
            }
        }
    }
    use mpsc::{UnboundedReceiver, UnboundedSender};

    fn send<T>(function: &'static Function, sender: &UnboundedSender<T>) {
        exit(send_on(function, 0, sender), ());
    }

    fn send_to<T>(function: &'static Function, sender: &UnboundedSender<T>, result: Result<(), T>) {
        let _ = sent_with(send_on(function, 0, sender), result);
    }

    fn poll(future: impl Future) {
        let _ = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    }

    #[test]
    fn the_most_that_waited_is_kept() {
        struct Letter;
        function!(F, "kept", "send", "await");
        let (sender, mut receiver) = (UnboundedSender(Letter), UnboundedReceiver(Letter, true));
        for (sent, received) in [(5, 3), (4, 6), (2, 2)] {
            (0..sent).for_each(|_| send(&F, &sender));
            (0..received).for_each(|_| poll(awaited(&F, 1, receiver.recv())));
        }
        send(&F, &sender);
        // 5, less 3, and 4 more.
        for site in [0, 1] {
            let own = own();
            let row = own.row("kept", site);
            assert_eq!((row.waiting, row.unreceived), (Some(6), Some(1)));
        }
    }

    #[test]
    fn what_is_still_waited_for_is_not_received() {
        struct Letter;
        function!(F, "idle", "send", "await", "await");
        let (sender, mut receiver) = (UnboundedSender(Letter), UnboundedReceiver(Letter, true));
        let mut others = [(); 10].map(|()| UnboundedReceiver(Letter, false));
        let mut idle: Vec<_> =
            others.iter_mut().map(|it| Box::pin(awaited(&F, 1, it.recv()))).collect();
        for future in &mut idle {
            assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        (0..30).for_each(|_| send(&F, &sender));
        assert_eq!(own().row("idle", 0).waiting, Some(30));
        drop(idle);
        // Pending is no receipt either.
        poll(awaited(&F, 2, receiver.recv()));
        assert_eq!(own().row("idle", 0).unreceived, Some(29));
    }

    #[test]
    fn no_more_are_received_than_were_sent() {
        struct Letter;
        function!(F, "closed", "send", "await");
        let (sender, mut receiver) = (UnboundedSender(Letter), UnboundedReceiver(Letter, true));
        send(&F, &sender);
        // The second one and all after it tell that the channel is closed.
        (0..20).for_each(|_| poll(awaited(&F, 1, receiver.recv())));
        (0..7).for_each(|_| send(&F, &sender));
        assert_eq!(own().row("closed", 0).waiting, Some(7));
    }

    #[test]
    fn what_was_not_sent_does_not_wait() {
        struct Letter;
        function!(F, "refused", "send");
        let sender = UnboundedSender(Letter);
        for _ in 0..10 {
            send_to(&F, &sender, Err(Letter));
        }
        (0..3).for_each(|_| send_to(&F, &sender, Ok(())));
        // The message was never made.
        drop(send_on(&F, 0, &raw const sender));
        let own = own();
        let row = own.row("refused", 0);
        assert_eq!((row.count, row.waiting, row.unreceived), (14, Some(4), Some(3)));
    }

    #[test]
    fn messages_of_other_types_and_bounded_channels_are_apart() {
        struct Letter;
        struct Sender<T>(T);
        struct Bus<T>(T);
        function!(F, "apart", "send", "send", "send", "send");
        (0..4).for_each(|_| send(&F, &UnboundedSender(Letter)));
        exit(send_on(&F, 1, &UnboundedSender(vec![Letter])), ());
        let bounded = Sender(Letter);
        exit(send_on(&F, 2, &raw const bounded), bounded.0);
        // What is sent through another one is sent there.
        let bus = Bus(UnboundedSender(Letter));
        exit(send_on(&F, 3, &raw const bus), bus.0);
        let waiting = |site| own().row("apart", site).waiting;
        assert_eq!([0, 1, 2, 3].map(waiting), [Some(4), Some(1), None, None]);
    }

    #[test]
    fn a_message_is_what_a_half_is_for() {
        let sender = "tokio::sync::mpsc::unbounded::UnboundedSender<b::C<d::E>>";
        for name in [sender, &format!("&&mut {sender}"), &format!("&alloc::sync::Arc<{sender}>")] {
            assert_eq!(sent(name), Some("b::C<d::E>"), "{name}");
        }
        assert_eq!(sent("futures_channel::mpsc::UnboundedSender<fn() -> u8>"), Some("fn() -> u8"));
        let other =
            "futures_util::sink::send::Send<futures_channel::mpsc::UnboundedSender<u8>, u8>";
        for name in [
            "a::mpsc::Sender<u8>",
            "mpsc::MyUnboundedSender<u8>",
            "app::UnboundedSender<u8>",
            other,
            "",
        ] {
            assert_eq!(sent(name), None, "{name}");
        }
        assert_eq!(sent(&format!("app::Bus<{sender}>")), None);
        assert_eq!(sent(&sender[..sender.len() - 1]), None);
    }

    #[test]
    fn a_receipt_ends_with_one_message() {
        let tokio = "tokio::sync::mpsc::unbounded::UnboundedReceiver<(u8, u8)>";
        let receive = format!("{tokio}::recv::{{{{closure}}}}");
        let futures = "futures_channel::mpsc::UnboundedReceiver<(u8, u8)>";
        for name in [
            receive.clone(),
            format!("core::pin::Pin<&mut {receive}>"),
            format!("futures_util::stream::stream::next::Next<{futures}>"),
            format!("futures_util::stream::stream::next::Next<'_, &mut {futures}>"),
            format!(
                "futures_util::stream::stream::select_next_some::SelectNextSome<'_, {futures}>"
            ),
        ] {
            assert_eq!(received(&name), Some("(u8, u8)"), "{name}");
        }
        let sender = "tokio::sync::mpsc::unbounded::UnboundedSender<u8>";
        for name in [
            format!("tokio::time::timeout::Timeout<{receive}>"),
            format!("{tokio}::recv_many::{{{{closure}}}}"),
            format!("{sender}::closed::{{{{closure}}}}"),
            format!("app::Service<{sender}>::call::{{{{closure}}}}"),
            format!("app::Service<{tokio}>::recv::{{{{closure}}}}"),
            format!("futures_util::stream::stream::for_each::ForEach<{futures}, F, G>"),
            format!("futures_util::stream::stream::next::Next<app::Chunks<{futures}>>"),
        ] {
            assert_eq!(received(&name), None, "{name}");
        }
    }
}
