//! Workloads that don't end by themselves: started, waited for, driven, stopped, reported.

#![cfg(unix)]

use std::net::TcpListener;

use hotpath_tests::{Hotpath, Workspace};

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// `served` on a port, measured by these flags; its mode may be empty.
fn served(port: u16, flags: &[&str], mode: &str) -> Hotpath {
    let workspace = Workspace::shared("truth");
    let run = ["run", "--format", "json", "--runs", "1", "--bin", "served"];
    let port = port.to_string();
    Hotpath::new(&workspace.root, &run).args(flags).args(["--", &port, mode])
}

/// A shell command that asks so many times.
fn requests(port: u16, count: u32) -> String {
    format!(
        "exec bash -c 'for i in $(seq {count}); do exec 3<>/dev/tcp/127.0.0.1/{port}; read -r line <&3; done'"
    )
}

#[test]
fn a_server_is_driven_and_stopped() {
    let port = free_port();
    let (ready, drive) = (format!("tcp:{port}"), requests(port, 20));
    let report =
        served(port, &["--ready", &ready, "--drive", &drive], "").run().expect_code(0).report();
    // The look whether it accepts is a request as well.
    let calls = report.function("answer")["calls"].as_u64().expect("a count");
    assert!((20..=23).contains(&calls), "{calls} calls");
    assert_eq!(report["quality"]["truncated"], false);
    assert!(!report.warns_of("workload-failed"), "{}", report["quality"]);
}

#[test]
fn a_line_of_its_output_says_that_it_is_ready() {
    let port = free_port();
    let drive = requests(port, 5);
    let finished =
        served(port, &["--ready", "log:^listening on \\d+$", "--drive", &drive], "").run();
    let finished = finished.expect_code(0);
    assert!(finished.stderr.contains(&format!("listening on {port}")), "{finished:?}");
    assert_eq!(finished.report().function("answer")["calls"], 5);
}

#[test]
fn a_duration_ends_it_without_a_failure() {
    let port = free_port();
    let drive = format!("{}; exec sleep 1000", requests(port, 3).replacen("exec ", "", 1));
    let flags = ["--ready", "log:listening", "--drive", &drive, "--duration", "2s"];
    let report = served(port, &flags, "").run().expect_code(0).report();
    assert_eq!(report.function("answer")["calls"], 3);
}

#[test]
fn a_command_that_fails_fails_the_run_and_what_was_measured_is_reported() {
    let port = free_port();
    let drive = format!("{}; exit 7", requests(port, 2).replacen("exec ", "", 1));
    let finished = served(port, &["--ready", "log:listening", "--drive", &drive], "").run();
    let finished = finished.expect_code(3);
    assert!(finished.stderr.contains("which failed"), "{finished:?}");
    let report = finished.report();
    assert!(report.warns_of("drive-failed"), "{}", report["quality"]);
    assert_eq!(report.function("answer")["calls"], 2);
}

#[test]
fn a_server_that_does_not_come_up_is_its_own_failure() {
    let port = free_port();
    let ready = format!("tcp:{port}");
    let finished = served(port, &["--ready", &ready, "--drive", "exit 0"], "failing").run();
    let error = &finished.expect_code(3).json()["error"];
    assert!(error["message"].as_str().unwrap().contains("exited with code 9"), "{error}");
}

#[test]
fn a_server_that_ends_by_itself_before_its_driver_is_said() {
    let port = free_port();
    let drive = format!("{}; exec sleep 1000", requests(port, 3).replacen("exec ", "", 1));
    let finished = served(port, &["--ready", "log:listening", "--drive", &drive], "brief").run();
    let finished = finished.expect_code(3);
    assert!(finished.stderr.contains("ended before the command of --drive did"), "{finished:?}");
    let report = finished.report();
    assert!(report.warns_of("drive-failed"), "{}", report["quality"]);
    assert_eq!(report.function("answer")["calls"], 3);
}
