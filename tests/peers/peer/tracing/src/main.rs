//! `tracing` with the least layer that times spans: time inside, summed when a span closes.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use shapes::Peer;

use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

shapes::shapes! {
    sync { #[tracing::instrument(skip_all)] } {}
    future { #[tracing::instrument(skip_all)] } {}
}

struct Timing;

#[derive(Default)]
struct Timer {
    entered: Option<Instant>,
    busy: Duration,
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Timing {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Timer::default());
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(timer) = span.extensions_mut().get_mut::<Timer>()
        {
            timer.entered = Some(Instant::now());
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(timer) = span.extensions_mut().get_mut::<Timer>()
            && let Some(entered) = timer.entered.take()
        {
            timer.busy += entered.elapsed();
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(span) = context.span(&id)
            && let Some(timer) = span.extensions().get::<Timer>()
        {
            shapes::limit::add(timer.busy.as_nanos() as u64);
        }
    }
}

#[tracing::instrument(skip_all)]
fn around(work: &mut dyn FnMut()) {
    work();
}

fn main() -> ExitCode {
    let subscriber = Registry::default().with(Timing);
    if let Err(error) = tracing::subscriber::set_global_default(subscriber) {
        eprintln!("peer-tracing: {error}");
        return ExitCode::FAILURE;
    }
    shapes::main(&Peer { shapes: SHAPES, around })
}
