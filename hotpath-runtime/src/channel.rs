//! Channels without bound: how many messages wait in them at most.
//!
//! Nobody asks a channel, whose type is not known here: what is sent is counted, less what is received, for
//! each type of message. Sender and receiver are on different threads, as a rule: these are the only
//! counters that several threads change. Where a message is sent or received, the channel itself does more
//! of that kind.

use core::sync::atomic::Ordering::Relaxed;

use crate::segment::layout::{Channel, Header, checksum};
use crate::{map, slab};

impl Channel {
    /// Counts a message that is about to be sent.
    #[inline(never)]
    pub(crate) extern "C" fn send(&self) {
        let waiting = self.sent.add_shared(1).wrapping_sub(self.received.get());
        // Where receivers wait already, it lies below 0.
        if waiting.cast_signed() > self.most.get().cast_signed() {
            self.most.0.fetch_max(waiting, Relaxed);
        }
    }

    /// Counts a message that is waited for: so it is gone at once where it is there, and one message that comes
    /// later waits for nobody.
    #[inline(never)]
    pub(crate) extern "C" fn receive(&self) {
        self.received.add_shared(1);
    }

    /// Nobody waits for that message any more.
    #[cold]
    pub(crate) fn take_back(&self) {
        self.received.add_shared(1_u64.wrapping_neg());
    }

    fn next(&self) -> Option<&'static Self> {
        self.newer.get()
    }
}

/// The counters for the messages of a half of a channel without bound; `None` for any other type.
pub(crate) fn of(type_name: &str) -> Option<&'static Channel> {
    let message = message(type_name)?;
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

/// What a sender or receiver of a channel without bound is for, anywhere in the name of a type: what
/// stands between its `<` and `>`.
fn message(type_name: &str) -> Option<&str> {
    let half = ["::UnboundedSender<", "::UnboundedReceiver<"];
    let start = half.iter().filter_map(|half| Some(type_name.find(half)? + half.len())).min()?;
    let mut depth = 1;
    let end = type_name[start..].bytes().position(|byte| {
        match byte {
            b'<' => depth += 1,
            b'>' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    type_name.get(start..start + end)
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
    use std::future::{Future, pending, ready};
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::message;
    use crate::future::awaited;
    use crate::probe::{exit, send_on};
    use crate::site::Function;
    use crate::testing::{function, own};

    /// The halves of a channel, by name.
    mod unbounded {
        pub(super) struct UnboundedSender<T>(pub(super) T);
        pub(super) struct UnboundedReceiver<T>(pub(super) T);
    }
    use unbounded::{UnboundedReceiver, UnboundedSender};

    impl<T> UnboundedReceiver<T> {
        async fn recv(&mut self) -> &T {
            ready(()).await;
            &self.0
        }

        async fn never(&mut self) {
            pending::<()>().await;
        }
    }

    fn send<T>(function: &'static Function, sender: &UnboundedSender<T>) {
        exit(send_on(function, 0, sender), ());
    }

    fn poll(future: impl Future) {
        let _ = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    }

    #[test]
    fn the_most_that_waited_is_kept() {
        struct Letter;
        function!(F, "kept", "send", "await");
        let (sender, mut receiver) = (UnboundedSender(Letter), UnboundedReceiver(Letter));
        for (sent, received) in [(5, 3), (4, 6), (2, 2)] {
            (0..sent).for_each(|_| send(&F, &sender));
            (0..received).for_each(|_| poll(awaited(&F, 1, receiver.recv())));
        }
        // 5, less 3, and 4 more.
        assert_eq!(own().row("kept", 0).waiting, Some(6));
        assert_eq!(own().row("kept", 1).waiting, Some(6));
    }

    #[test]
    fn what_was_waited_for_in_vain_is_not_received() {
        struct Letter;
        function!(F, "in_vain", "send", "await");
        let (sender, mut receiver) = (UnboundedSender(Letter), UnboundedReceiver(Letter));
        for _ in 0..10 {
            poll(awaited(&F, 1, receiver.never()));
        }
        (0..3).for_each(|_| send(&F, &sender));
        assert_eq!(own().row("in_vain", 0).waiting, Some(3));
    }

    #[test]
    fn messages_of_other_types_and_bounded_channels_are_apart() {
        struct Letter;
        struct Sender<T>(T);
        function!(F, "apart", "send", "send", "send");
        (0..4).for_each(|_| send(&F, &UnboundedSender(Letter)));
        exit(send_on(&F, 1, &UnboundedSender(vec![Letter])), ());
        let bounded = Sender(Letter);
        exit(send_on(&F, 2, &bounded), bounded.0);
        let waiting = |site| own().row("apart", site).waiting;
        assert_eq!([0, 1, 2].map(waiting), [Some(4), Some(1), None]);
    }

    #[test]
    fn the_message_is_what_the_half_is_for() {
        assert_eq!(message("a::UnboundedSender<b::C<d::E>>"), Some("b::C<d::E>"));
        assert_eq!(message("&a::UnboundedReceiver<u8>::recv::{{closure}}"), Some("u8"));
        assert_eq!(message("f::Next<a::UnboundedReceiver<(u8, u8)>>"), Some("(u8, u8)"));
        for name in ["a::Sender<u8>", "MyUnboundedSender<u8>", "a::UnboundedSender<u8", ""] {
            assert_eq!(message(name), None, "{name}");
        }
    }
}
