//! Plans on a channel in place of a workload.

use std::net::TcpListener;
use std::sync::mpsc;

use super::*;
use crate::error::Error;

fn seconds(text: &str) -> Result<Duration, Error> {
    text.parse().map(Duration::from_secs).map_err(|_| Error::usage("no number", ""))
}

fn plan(command: Option<&str>, ready: Ready, duration: Option<Duration>) -> Plan {
    Plan { command: command.map(str::to_owned), ready, duration }
}

fn carry_out(plan: &Plan, ended: &Receiver<()>) -> Driven {
    plan.carry_out(ended, &Log::default(), &Interrupts::default(), true)
}

#[test]
fn readiness_has_three_forms() {
    let parse = |text| Ready::parse(text, seconds);
    assert!(matches!(parse("tcp:80"), Ok(Ready::Tcp(address)) if address == "localhost:80"));
    assert!(matches!(parse("tcp:[::1]:80"), Ok(Ready::Tcp(address)) if address == "[::1]:80"));
    assert!(matches!(parse("log:on port \\d+"), Ok(Ready::Log(_))));
    assert!(matches!(parse("3"), Ok(Ready::After(duration)) if duration.as_secs() == 3));
    for bad in ["", "tcp:", "tcp:0", "tcp:x", "tcp::80", "tcp:70000", "log:(", "udp:80"] {
        let error = parse(bad).expect_err(bad);
        assert!(error.hint().is_some(), "{bad}");
    }
}

#[test]
fn a_port_is_ready_once_it_accepts() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ready = Ready::Tcp(listener.local_addr().unwrap().to_string());
    let pause = |_| Err(Over::Ended);
    assert!(ready.wait(Duration::ZERO, &Log::default(), pause).is_ok());
    drop(listener);
    assert!(ready.wait(Duration::from_secs(9), &Log::default(), pause).is_err());
}

#[test]
fn a_workload_that_ended_before_it_was_ready_is_not_driven() {
    let (sender, ended) = mpsc::channel();
    drop(sender);
    let plan = plan(Some("exit 1"), Ready::After(Duration::from_secs(60)), None);
    assert_eq!(carry_out(&plan, &ended), Driven::default());
}

/// Carries it out on a process that is there until it is asked to end.
#[cfg(unix)]
fn carry_out_on_a_process(plan: &Plan) -> Driven {
    let mut sleep = Command::new("sleep");
    std::os::unix::process::CommandExt::process_group(sleep.arg("100"), 0);
    let mut workload = sleep.spawn().unwrap();
    let interrupts = Interrupts::default();
    let watch = interrupts.watch(&workload, true);
    let (sender, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            workload.wait().unwrap();
            drop((watch, sender));
        });
        plan.carry_out(&ended, &Log::default(), &interrupts, true)
    })
}

#[cfg(unix)]
#[test]
fn the_end_of_the_command_is_the_end_of_the_workload() {
    let plan = plan(Some("exit 0"), Ready::After(Duration::ZERO), None);
    assert_eq!(carry_out_on_a_process(&plan), Driven { stopped: true, failure: None });
}

#[cfg(unix)]
#[test]
fn a_command_that_fails_is_said() {
    let plan = plan(Some("exit 7"), Ready::After(Duration::ZERO), None);
    let failure = carry_out_on_a_process(&plan).failure.expect("it failed");
    assert!(failure.contains("`exit 7`") && failure.contains('7'), "{failure}");
}

#[cfg(unix)]
#[test]
fn a_limit_ends_the_command_and_the_workload() {
    let limit = Some(Duration::from_millis(50));
    let plan = plan(Some("sleep 1000"), Ready::After(Duration::ZERO), limit);
    assert_eq!(carry_out_on_a_process(&plan), Driven { stopped: true, failure: None });
}
