//! Letters to customers, sent by a task of their own. Holds the planted fault `channel`.

use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hotpath_runtime::hotpath;
use tokio::sync::mpsc::{self, Receiver, UnboundedReceiver};

use crate::error::Error;
use crate::services::Mailer;

const FORM: &str = include_str!("letter.html");

/// Letters that wait at most, where there is a limit.
const WAITING: usize = 256;

/// Letters that the mailer is given at once, where it is given several.
const BATCH: usize = 64;

/// A letter, as it is sent.
pub(crate) struct Letter {
    pub(crate) html: String,
}

enum Queue {
    Unbounded(mpsc::UnboundedSender<Letter>),
    Bounded(mpsc::Sender<Letter>),
}

/// Letters written and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letters {
    /// Given to the queue.
    pub written: usize,
    /// Taken by the mailer.
    pub sent: usize,
}

/// Where handlers leave letters.
pub(crate) struct Notifier {
    queue: Queue,
    written: AtomicUsize,
    sent: Arc<AtomicUsize>,
}

impl Notifier {
    /// Starts the task that sends. The queue takes any number of letters.
    #[hotpath]
    pub(crate) fn unbounded() -> Self {
        let (queue, letters) = mpsc::unbounded_channel();
        let sent = Arc::new(AtomicUsize::new(0));
        tokio::spawn(send_each(letters, Mailer, sent.clone()));
        Self { queue: Queue::Unbounded(queue), written: AtomicUsize::new(0), sent }
    }

    /// As [`unbounded`](Self::unbounded), but who writes waits where there are too many letters,
    /// and they are sent together.
    #[hotpath]
    pub(crate) fn bounded() -> Self {
        let (queue, letters) = mpsc::channel(WAITING);
        let sent = Arc::new(AtomicUsize::new(0));
        tokio::spawn(send_together(letters, Mailer, sent.clone()));
        Self { queue: Queue::Bounded(queue), written: AtomicUsize::new(0), sent }
    }

    /// Writes a letter.
    #[hotpath]
    pub(crate) async fn send(&self, number: i64, news: &str) -> Result<(), Error> {
        let html = FORM.replace("{number}", &number.to_string()).replace("{news}", news);
        let letter = Letter { html };
        self.written.fetch_add(1, Ordering::Relaxed);
        match &self.queue {
            Queue::Unbounded(queue) => queue.send(letter).map_err(|_| Error::NotifierGone),
            Queue::Bounded(queue) => queue.send(letter).await.map_err(|_| Error::NotifierGone),
        }
    }

    /// How many there were until now.
    pub(crate) fn letters(&self) -> Letters {
        let sent = self.sent.load(Ordering::Relaxed);
        Letters { written: self.written.load(Ordering::Relaxed), sent }
    }
}

/// Sends letters one by one.
#[hotpath]
async fn send_each(mut letters: UnboundedReceiver<Letter>, mailer: Mailer, sent: Arc<AtomicUsize>) {
    while let Some(letter) = letters.recv().await {
        sent.fetch_add(mailer.send(slice::from_ref(&letter)).await, Ordering::Relaxed);
    }
}

/// Sends all letters there are, and then again.
#[hotpath]
async fn send_together(mut letters: Receiver<Letter>, mailer: Mailer, sent: Arc<AtomicUsize>) {
    let mut batch = Vec::with_capacity(BATCH);
    while letters.recv_many(&mut batch, BATCH).await > 0 {
        sent.fetch_add(mailer.send(&batch).await, Ordering::Relaxed);
        batch.clear();
    }
}
